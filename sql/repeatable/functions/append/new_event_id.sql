-- A UUID in the layout of version 7 (RFC 9562): 48 bits of milliseconds, then the random bits of a version 4 UUID.
-- Ordered by time, so that the primary key grows at its right edge. PostgreSQL 18 has uuidv7(); 15 and 17 do not.
-- One SQL expression without SET or SECURITY DEFINER: the planner inlines it.
CREATE OR REPLACE FUNCTION event_store.new_event_id() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    -- date_part() and not extract(), which calculates in numeric. The milliseconds have 11 hexadecimal digits until the
    -- year 2527.
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::bigint)
            || '7' || substr(gen_random_uuid()::text, 16))::uuid
$$;
