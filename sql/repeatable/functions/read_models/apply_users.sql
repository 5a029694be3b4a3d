-- Users. Aggregate: User; its id is the user's id.
--
--   UserRegistered    email, subscription_tier; display_name, credential_id
--   UserEmailChanged  email
--   UserRenamed       display_name
--   UserTierChanged   subscription_tier
--   UserErased        (nothing): the user's name and address are removed here; the keys of protected data are destroyed by
--                     event_store.erase_subject()
--   PersonalDataErased of the Subject with the user's id: the same, and everything else that was protected
--
-- What is before the semicolon is required. email and display_name are personal: store them, or the whole payload, as
-- what event_store.protect(user_id, …) returns. An erased value is NULL here; a tier, which a row must have, is
-- 'erased'. Never store a password or its hash.
CREATE OR REPLACE FUNCTION projections.apply_users(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    data  jsonb;
    again uuid[];
BEGIN
    IF event.event_type = 'PersonalDataErased' AND event.aggregate_type = 'Subject' THEN
        again := projections.protected_aggregates(
            event, 'User', ARRAY(SELECT u.user_id FROM users u WHERE u.user_id = event.aggregate_id),
            '{email,display_name}');
        DELETE FROM users WHERE user_id = ANY (again);
        PERFORM projections.apply_users(e) FROM projections.events_before(event, 'users', 'User', again) e;
        UPDATE users SET email = NULL, display_name = NULL, erased_at = event.created_at, updated_at = event.created_at
         WHERE user_id = event.aggregate_id AND erased_at IS NULL;
        RETURN;
    ELSIF event.aggregate_type <> 'User' THEN
        RETURN;
    END IF;
    IF event.event_type <> 'UserErased' THEN
        data := projections.payload('users', event);
        IF data IS NULL THEN
            RETURN;
        END IF;
    END IF;
    IF event.event_type = 'UserRegistered' THEN
        INSERT INTO users (
            user_id, email, display_name, subscription_tier, credential_id, registered_at, updated_at)
        VALUES (
            event.aggregate_id,
            projections.field(data, 'email', NULL::text),
            projections.field(data, 'display_name', NULL::text),
            coalesce(projections.field(data, 'subscription_tier', NULL::text), 'erased'),
            projections.field(data, 'credential_id', NULL::uuid),
            event.created_at, event.created_at)
        ON CONFLICT (user_id) DO NOTHING;
        IF NOT FOUND THEN
            PERFORM projections.leave_out('users', event, 'the user is registered already');
        END IF;
        RETURN;
    END IF;
    -- An erased user stays erased, whatever event comes later.
    UPDATE users SET
        email = CASE WHEN erased_at IS NOT NULL OR event.event_type = 'UserErased' THEN NULL
                     WHEN event.event_type = 'UserEmailChanged' THEN projections.field(data, 'email', NULL::text)
                     ELSE email END,
        display_name = CASE WHEN erased_at IS NOT NULL OR event.event_type = 'UserErased' THEN NULL
                            WHEN event.event_type = 'UserRenamed'
                            THEN projections.field(data, 'display_name', NULL::text)
                            ELSE display_name END,
        subscription_tier = CASE WHEN event.event_type = 'UserTierChanged'
                                 THEN coalesce(projections.field(data, 'subscription_tier', NULL::text), 'erased')
                                 ELSE subscription_tier END,
        erased_at = CASE WHEN event.event_type = 'UserErased' THEN coalesce(erased_at, event.created_at) ELSE erased_at END,
        updated_at = event.created_at
     WHERE user_id = event.aggregate_id;
    PERFORM projections.must_exist(FOUND, 'users', event, 'UserRegistered');
END
$$;
