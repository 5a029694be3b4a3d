-- The differences between a seal's stretch of the feed as it was sealed and as it is stored. One row for each run of
-- neighbouring events with the same kind of difference, with the first one's place in the feed if it has one.
--
--   edited     another event is in the place of this one
--   reordered  the same, but with another stored event's place in the feed it is one of the sealed events
--   deleted    it is gone
--   cut off    it is gone, and so is everything after it
--   inserted   it was not there when the stretch was sealed
--
-- Events that have kept their hash are the fixed points; what is between two of them is compared in order.
CREATE OR REPLACE FUNCTION event_store.seal_differences(seal event_store.seals)
RETURNS TABLE (kind text, transaction_id xid8, global_position bigint, event_id uuid, detail text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealed AS MATERIALIZED (
        SELECT place, substring(seal.leaves FROM (place - 1) * 32 + 1 FOR 32) AS leaf
          FROM generate_series(1, length(seal.leaves) / 32) AS place
    ),
    stored AS MATERIALIZED (
        SELECT e AS event, event_store.leaf_hash(event_store.event_line(e)) AS leaf,
               row_number() OVER (ORDER BY e.transaction_id, e.global_position) AS place
          FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > (seal.after_transaction_id, seal.after_position)
           AND (e.transaction_id, e.global_position) <= (seal.last_transaction_id, seal.last_position)
    ),
    -- `gap`: how many unchanged events come before it.
    lost AS MATERIALIZED (
        SELECT l.*, row_number() OVER (PARTITION BY l.gap ORDER BY l.place) AS nth
          FROM (SELECT s.place, s.leaf, t.leaf IS NULL AS is_lost, count(t.leaf) OVER (ORDER BY s.place) AS gap
                  FROM sealed s LEFT JOIN stored t USING (leaf)) l
         WHERE l.is_lost
    ),
    found AS MATERIALIZED (
        SELECT f.*, row_number() OVER (PARTITION BY f.gap ORDER BY f.place) AS nth
          FROM (SELECT t.event, t.place, s.leaf IS NULL AS is_found, count(s.leaf) OVER (ORDER BY t.place) AS gap
                  FROM stored t LEFT JOIN sealed s USING (leaf)) f
         WHERE f.is_found
    ),
    -- Tries each event found in the place of each other one. Above 100 events found, that is not worth its cost.
    moved AS MATERIALIZED (
        SELECT DISTINCT x.place
          FROM found x
         CROSS JOIN found y
          JOIN lost ON lost.leaf = event_store.leaf_hash(event_store.event_line(jsonb_populate_record(x.event,
                           jsonb_build_object('transaction_id', (y.event).transaction_id::text,
                                              'global_position', (y.event).global_position))))
         WHERE x.place <> y.place AND (SELECT count(*) FROM found) <= 100
    ),
    differences AS (
        SELECT gap, nth, l.place AS sealed_place, f.event,
               CASE WHEN f.place IS NULL THEN 'deleted' WHEN l.place IS NULL THEN 'inserted'
                    WHEN m.place IS NULL THEN 'edited' ELSE 'reordered' END AS kind
          FROM lost l FULL JOIN found f USING (gap, nth) LEFT JOIN moved m ON m.place = f.place
    ),
    -- Within a run, the sealed place and the number among those of the same kind both grow by one, so their difference
    -- is the run.
    runs AS (
        SELECT d.*, coalesce(d.sealed_place, 0) - row_number() OVER (PARTITION BY d.kind, d.sealed_place IS NULL
                                                                    ORDER BY d.sealed_place) AS run
          FROM differences d
    )
    SELECT CASE WHEN r.kind = 'deleted' AND max(r.sealed_place) = seal.event_count AND NOT EXISTS (
                         SELECT FROM event_store.events e
                          WHERE (e.transaction_id, e.global_position) >= (seal.last_transaction_id, seal.last_position))
                THEN 'cut off' ELSE r.kind END,
           ((array_agg(r.event ORDER BY r.gap, r.nth))[1]).transaction_id,
           ((array_agg(r.event ORDER BY r.gap, r.nth))[1]).global_position,
           ((array_agg(r.event ORDER BY r.gap, r.nth))[1]).event_id,
           CASE WHEN r.kind = 'inserted' THEN format('%s event(s) that the seal does not have', count(*))
                ELSE format('event(s) %s to %s of the seal''s %s', min(r.sealed_place), max(r.sealed_place), seal.event_count)
           END
      FROM runs r
     GROUP BY r.kind, CASE WHEN r.kind = 'inserted' THEN r.gap ELSE r.run END
     ORDER BY min(r.gap), min(r.nth)
$$;
