-- Accounts. Aggregate: Account; its id is the account's id.
--
--   AccountOpened   user_id, currency; name, broker
--   AccountRenamed  name
--   AccountClosed   (nothing)
--   UserErased, PersonalDataErased: the names of the user's accounts are removed here; PersonalDataErased also removes
--   everything else that was protected
--
-- What is before the semicolon is required. If a required value was protected and has been erased, the account has no
-- row, and later events of it change nothing. name is personal: see apply_users.
CREATE OR REPLACE FUNCTION projections.apply_accounts(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data   jsonb;
    opened projections.accounts;
    again  uuid[];
BEGIN
    IF (event.event_type, event.aggregate_type) IN (('PersonalDataErased', 'Subject'), ('UserErased', 'User')) THEN
        IF event.event_type = 'PersonalDataErased' THEN
            again := projections.protected_aggregates(
                event, 'Account', ARRAY(SELECT a.account_id FROM accounts a WHERE a.user_id = event.aggregate_id), '{name}');
            DELETE FROM accounts WHERE account_id = ANY (again);
            PERFORM projections.apply_accounts(e) FROM projections.events_before(event, 'accounts', 'Account', again) e;
        END IF;
        UPDATE accounts SET name = NULL, updated_at = event.created_at
         WHERE user_id = event.aggregate_id AND name IS NOT NULL;
        RETURN;
    ELSIF event.aggregate_type <> 'Account' THEN
        RETURN;
    END IF;
    IF event.event_type <> 'AccountClosed' THEN
        data := projections.payload('accounts', event);
        IF data IS NULL THEN
            RETURN;
        END IF;
    END IF;
    IF event.event_type = 'AccountOpened' THEN
        opened.account_id := event.aggregate_id;
        opened.user_id := projections.field(data, 'user_id', NULL::uuid);
        opened.name := projections.field(data, 'name', NULL::text);
        opened.broker := projections.field(data, 'broker', NULL::text);
        opened.currency := projections.field(data, 'currency', NULL::text);
        opened.opened_at := event.created_at;
        opened.updated_at := event.created_at;
        -- NULL = a required value was erased: the account gets no row.
        IF num_nulls(opened.user_id, opened.currency) = 0 THEN
            INSERT INTO accounts SELECT opened.* ON CONFLICT (account_id) DO NOTHING;
            IF NOT FOUND THEN
                PERFORM projections.leave_out('accounts', event, 'the account is open already');
            END IF;
        END IF;
        RETURN;
    END IF;
    UPDATE accounts SET
        name = CASE WHEN event.event_type = 'AccountRenamed' THEN projections.field(data, 'name', NULL::text)
                    ELSE name END,
        closed_at = CASE WHEN event.event_type = 'AccountClosed' THEN event.created_at ELSE closed_at END,
        updated_at = event.created_at
     WHERE account_id = event.aggregate_id;
    PERFORM projections.must_exist(FOUND, 'accounts', event, 'AccountOpened');
END
$$;
