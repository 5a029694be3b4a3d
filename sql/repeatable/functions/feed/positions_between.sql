-- How many positions were handed out after one and up to another: without those that a fork has left out. Not for the
-- application.
CREATE OR REPLACE FUNCTION event_store.positions_between(after_position bigint, to_position bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(sum(greatest(least(h.last, positions_between.to_position)
                                 - greatest(h.first - 1, positions_between.after_position), 0)), 0)::bigint
      FROM (SELECT f.first_position AS first,
                   coalesce(lead(f.last_position) OVER (ORDER BY f.first_transaction_id), 9223372036854775807) AS last
              FROM event_store.forks f
            UNION ALL
            SELECT 1, min(f.last_position) FROM event_store.forks f) h
$$;
