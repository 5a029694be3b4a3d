-- A marker as text: what was visible to somebody who looked for the events of a query. Of the present history of the
-- store, so that it is known again where ids are handed out anew. seen: the positions of those matching events that were
-- visible and of which the snapshot does not tell. Do not take it apart. Not for the application.
CREATE OR REPLACE FUNCTION event_store.marker_of(fork uuid, snapshot pg_snapshot, seen bigint[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT format('m%s.%s.%s', encode(uuid_send(fork), 'hex'), snapshot, array_to_string(seen, ','))
$$;
