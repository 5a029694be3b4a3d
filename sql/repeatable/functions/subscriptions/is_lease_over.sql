-- Whether a partition is free: nobody has leased it, or the lease is over. One that ends further ahead than twice its
-- length is from before the clock was set back, and is over as well. It is one SQL expression: the planner inlines it.
CREATE OR REPLACE FUNCTION event_store.is_lease_over(leased_until timestamptz, lease interval) RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT (leased_until BETWEEN clock_timestamp() AND clock_timestamp() + 2 * lease) IS NOT TRUE
$$;
