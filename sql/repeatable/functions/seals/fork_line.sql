-- A fork as one line of JSON, in the form of a seal's. In a file of exported seals it is the operator's record that the
-- store was restored there, or that another server has taken over: the seals of the lost history are no longer expected.
CREATE OR REPLACE FUNCTION event_store.fork_line(fork event_store.forks) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT json_build_object(
        'fork', fork.fork,
        'reason', fork.reason,
        'last_transaction_id', fork.last_transaction_id,
        'last_position', fork.last_position,
        'first_transaction_id', fork.first_transaction_id,
        'first_position', fork.first_position,
        'recorded_at', fork.recorded_at AT TIME ZONE 'UTC')::text
$$;
