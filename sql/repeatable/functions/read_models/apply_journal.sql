-- The journal of transactions. Aggregate: JournalEntry; its id is the entry's id.
--
--   JournalEntryRecorded   user_id, account_id, ts, type; symbol, quantity, price, amount, fees, currency, option_type,
--                          strike, expires_on, note
--   JournalEntryCorrected  any of these except user_id: only what it names changes; null removes a value
--   JournalEntryDeleted    (nothing): the entry stays, with deleted_at
--   UserErased, PersonalDataErased: the notes of the user's entries are removed here; the numbers stay, for the books.
--   PersonalDataErased also removes everything else that was protected
--
-- What is before the semicolon is required. If a required value was protected and has been erased, the entry has no
-- row, and later events of it change nothing. A correction that has been erased leaves the entry as it was. type: one
-- of the documented names, which payload_fields() lists: sell_to_open, buy_to_close, buy_to_open, sell_to_close, …
-- Numbers are JSON numbers, or texts if all digits must be kept. note is personal: see apply_users.
CREATE OR REPLACE FUNCTION projections.apply_journal(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data  jsonb;
    entry projections.journal;
    again uuid[];
BEGIN
    IF (event.event_type, event.aggregate_type) IN (('PersonalDataErased', 'Subject'), ('UserErased', 'User')) THEN
        IF event.event_type = 'PersonalDataErased' THEN
            again := projections.protected_aggregates(
                event, 'JournalEntry', ARRAY(SELECT j.entry_id FROM journal j WHERE j.user_id = event.aggregate_id),
                '{note}');
            DELETE FROM journal WHERE entry_id = ANY (again);
            PERFORM projections.apply_journal(e) FROM projections.events_before(event, 'journal', 'JournalEntry', again) e;
        END IF;
        UPDATE journal SET note = NULL, updated_at = event.created_at
         WHERE user_id = event.aggregate_id AND note IS NOT NULL;
        RETURN;
    ELSIF event.aggregate_type <> 'JournalEntry' THEN
        RETURN;
    ELSIF event.event_type = 'JournalEntryDeleted' THEN
        UPDATE journal SET deleted_at = coalesce(deleted_at, event.created_at), updated_at = event.created_at
         WHERE entry_id = event.aggregate_id;
        PERFORM projections.must_exist(FOUND, 'journal', event, 'JournalEntryRecorded');
        RETURN;
    END IF;
    data := projections.payload('journal', event);
    IF data IS NULL THEN
        RETURN;
    END IF;
    IF event.event_type = 'JournalEntryRecorded' THEN
        entry.user_id := projections.field(data, 'user_id', NULL::uuid);
        entry.recorded_at := event.created_at;
    ELSE
        SELECT j.* INTO entry FROM journal j WHERE j.entry_id = event.aggregate_id;
        IF NOT FOUND THEN
            PERFORM projections.must_exist(false, 'journal', event, 'JournalEntryRecorded');
            RETURN;
        END IF;
    END IF;
    entry.entry_id := event.aggregate_id;
    entry.updated_at := event.created_at;
    IF event.event_type = 'JournalEntryRecorded' OR data ? 'account_id' THEN
        entry.account_id := coalesce(projections.field(data, 'account_id', entry.account_id), entry.account_id);
    END IF;
    IF event.event_type = 'JournalEntryRecorded' OR data ? 'ts' THEN
        entry.ts := coalesce(projections.field(data, 'ts', entry.ts), entry.ts);
    END IF;
    IF event.event_type = 'JournalEntryRecorded' OR data ? 'type' THEN
        entry.type := coalesce(projections.field(data, 'type', entry.type), entry.type);
    END IF;
    IF data ? 'symbol' THEN entry.symbol := projections.field(data, 'symbol', entry.symbol); END IF;
    IF data ? 'quantity' THEN entry.quantity := projections.field(data, 'quantity', entry.quantity); END IF;
    IF data ? 'price' THEN entry.price := projections.field(data, 'price', entry.price); END IF;
    IF data ? 'amount' THEN entry.amount := projections.field(data, 'amount', entry.amount); END IF;
    IF data ? 'fees' THEN entry.fees := projections.field(data, 'fees', entry.fees); END IF;
    IF data ? 'currency' THEN entry.currency := projections.field(data, 'currency', entry.currency); END IF;
    IF data ? 'option_type' THEN entry.option_type := projections.field(data, 'option_type', entry.option_type); END IF;
    IF data ? 'strike' THEN entry.strike := projections.field(data, 'strike', entry.strike); END IF;
    IF data ? 'expires_on' THEN entry.expires_on := projections.field(data, 'expires_on', entry.expires_on); END IF;
    IF data ? 'note' THEN entry.note := projections.field(data, 'note', entry.note); END IF;

    IF event.event_type = 'JournalEntryRecorded' THEN
        -- NULL = a required value was erased: the entry gets no row.
        IF num_nulls(entry.user_id, entry.account_id, entry.ts, entry.type) = 0 THEN
            INSERT INTO journal SELECT entry.* ON CONFLICT (entry_id) DO NOTHING;
            IF NOT FOUND THEN
                PERFORM projections.leave_out('journal', event, 'the entry is recorded already');
            END IF;
        END IF;
    ELSE
        UPDATE journal SET
            account_id = entry.account_id, ts = entry.ts, type = entry.type, symbol = entry.symbol,
            quantity = entry.quantity, price = entry.price, amount = entry.amount, fees = entry.fees,
            currency = entry.currency, option_type = entry.option_type, strike = entry.strike,
            expires_on = entry.expires_on, note = entry.note, updated_at = entry.updated_at
         WHERE entry_id = entry.entry_id;
    END IF;
END
$$;
