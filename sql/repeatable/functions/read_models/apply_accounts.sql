-- Accounts. Aggregate: Account, its id is the account's.
--
--   AccountOpened   user_id, currency; name, broker
--   AccountRenamed  name
--   AccountClosed   (nothing)
--   UserErased, PersonalDataErased: the names of the user's accounts go from here
--
-- What comes before the semicolon has to be there. name is personal: see apply_users.
CREATE OR REPLACE FUNCTION projections.apply_accounts(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data jsonb;
BEGIN
    IF (event.event_type, event.aggregate_type) IN (('PersonalDataErased', 'Subject'), ('UserErased', 'User')) THEN
        UPDATE accounts SET name = NULL, updated_at = event.created_at
         WHERE user_id = event.aggregate_id AND name IS NOT NULL;
        RETURN;
    ELSIF event.aggregate_type <> 'Account' THEN
        RETURN;
    END IF;
    data := event_store.reveal(event.event_data);
    IF event.event_type = 'AccountOpened' THEN
        INSERT INTO accounts (account_id, user_id, name, broker, currency, opened_at, updated_at)
        VALUES (
            event.aggregate_id,
            projections.required_field(data, 'user_id', NULL::uuid),
            projections.field(data, 'name', NULL::text),
            projections.field(data, 'broker', NULL::text),
            projections.required_field(data, 'currency', NULL::text),
            event.created_at, event.created_at);
        RETURN;
    END IF;
    UPDATE accounts SET
        name = CASE WHEN event.event_type = 'AccountRenamed' THEN projections.required_field(data, 'name', NULL::text)
                    ELSE name END,
        closed_at = CASE WHEN event.event_type = 'AccountClosed' THEN event.created_at ELSE closed_at END,
        updated_at = event.created_at
     WHERE account_id = event.aggregate_id;
    PERFORM projections.must_exist(FOUND, event);
END
$$;
