-- What the read models take from the payloads of their events. An event type that is not listed needs no payload.
--
--   type      uuid, timestamptz, date, numeric, text; preferences (an object) or keys (an array of texts)
--   need      'always'; 'if named': a correction may leave it out, but not take it away; 'no': it may be missing or null
--   most      characters of the text, or of each key. What an index holds has a limit: PostgreSQL refuses a longer entry,
--             and with it the row
--   allowed   the only values of the text
CREATE OR REPLACE FUNCTION projections.payload_fields()
RETURNS TABLE (aggregate_type text, event_type text, name text, type text, need text, most integer, allowed text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    VALUES
        ('User', 'UserRegistered', 'email', 'text', 'always', 320, NULL::text[]),
        ('User', 'UserRegistered', 'subscription_tier', 'text', 'always', NULL, NULL),
        ('User', 'UserRegistered', 'display_name', 'text', 'no', NULL, NULL),
        ('User', 'UserRegistered', 'credential_id', 'uuid', 'no', NULL, NULL),
        ('User', 'UserEmailChanged', 'email', 'text', 'always', 320, NULL),
        ('User', 'UserRenamed', 'display_name', 'text', 'always', NULL, NULL),
        ('User', 'UserTierChanged', 'subscription_tier', 'text', 'always', NULL, NULL),

        ('Account', 'AccountOpened', 'user_id', 'uuid', 'always', NULL, NULL),
        ('Account', 'AccountOpened', 'currency', 'text', 'always', NULL, NULL),
        ('Account', 'AccountOpened', 'name', 'text', 'no', NULL, NULL),
        ('Account', 'AccountOpened', 'broker', 'text', 'no', NULL, NULL),
        ('Account', 'AccountRenamed', 'name', 'text', 'always', NULL, NULL),

        ('JournalEntry', 'JournalEntryRecorded', 'user_id', 'uuid', 'always', NULL, NULL),
        ('UserPreferences', 'UserPreferencesSet', 'preferences', 'preferences', 'always', 255, NULL),
        ('UserPreferences', 'UserPreferencesRemoved', 'keys', 'keys', 'always', NULL, NULL)
    UNION ALL
    SELECT 'JournalEntry', e.event_type, f.name, f.type,
           CASE WHEN f.is_needed THEN e.need ELSE 'no' END, f.most, f.allowed
      FROM (VALUES ('JournalEntryRecorded', 'always'), ('JournalEntryCorrected', 'if named')) AS e (event_type, need),
           (VALUES ('account_id', 'uuid', true, NULL::integer, NULL::text[]),
                   ('ts', 'timestamptz', true, NULL, NULL),
                   ('type', 'text', true, NULL, '{sell_to_open, buy_to_close, buy_to_open, sell_to_close, assignment,
                                                  exercise, expiration, buy, sell, dividend, interest, fee, deposit,
                                                  withdrawal, adjustment}'),
                   ('symbol', 'text', false, 255, NULL),
                   ('quantity', 'numeric', false, NULL, NULL),
                   ('price', 'numeric', false, NULL, NULL),
                   ('amount', 'numeric', false, NULL, NULL),
                   ('fees', 'numeric', false, NULL, NULL),
                   ('currency', 'text', false, NULL, NULL),
                   ('option_type', 'text', false, NULL, '{call, put}'),
                   ('strike', 'numeric', false, NULL, NULL),
                   ('expires_on', 'date', false, NULL, NULL),
                   ('note', 'text', false, NULL, NULL)) AS f (name, type, is_needed, most, allowed)
$$;
