-- Makes the rows of a projection equal to those of its rebuild, and its checkpoint too, in this transaction.
--
-- It exchanges rows and not tables: so indexes, grants, row security and the views over the tables stay, and no reader
-- waits. It writes only the rows that differ: the smaller the difference, the shorter the transaction. It truncates
-- nothing, because a reader with an older snapshot would see the table empty.
--
-- Rows with the same key are deleted and inserted, not updated, because values that must be unique may have changed
-- places. It does nothing if the live rows are locked, or have come further than the rebuild: the worker calls again.
-- Not for the application. It does not have SECURITY DEFINER, because its callers have it.
CREATE OR REPLACE FUNCTION event_store.take_over_rebuild(projection_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
-- Overrides what the database's owner may have set for every session: see apply_events().
SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    rebuild     event_store.projection_rebuilds;
    table_name  text;
    table_names text[];
    columns     text;
    same_key    text;
BEGIN
    SELECT b.* INTO STRICT rebuild
      FROM event_store.projection_rebuilds b
     WHERE b.projection_name = take_over_rebuild.projection_name::varchar;
    PERFORM FROM event_store.projections p
      WHERE p.projection_name = take_over_rebuild.projection_name::varchar
        AND (p.last_transaction_id, p.last_global_position) <= (rebuild.last_transaction_id, rebuild.last_global_position)
        FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT r.tables INTO STRICT table_names
      FROM projections.registry() r WHERE r.projection_name = take_over_rebuild.projection_name;

    PERFORM set_config('event_store.projecting', 'on', true);
    FOREACH table_name IN ARRAY table_names LOOP
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
               string_agg(format('old.%1$I = new.%1$I', a.attname), ' AND ') FILTER (WHERE a.attnum = ANY (k.conkey))
          INTO columns, same_key
          FROM pg_attribute a
          JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
         WHERE a.attrelid = format('projections.%I', table_name)::regclass
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
        EXECUTE format(
            'DELETE FROM projections.%1$I old WHERE NOT EXISTS (
                 SELECT FROM projections_rebuild.%1$I new WHERE %2$s AND old *= new)', table_name, same_key);
        EXECUTE format(
            'INSERT INTO projections.%1$I (%3$s) SELECT %3$s FROM projections_rebuild.%1$I new
              WHERE NOT EXISTS (SELECT FROM projections.%1$I old WHERE %2$s)', table_name, same_key, columns);
        EXECUTE format('DROP TABLE projections_rebuild.%I', table_name);
    END LOOP;
    PERFORM set_config('event_store.projecting', 'off', true);

    UPDATE event_store.projections p
       SET last_transaction_id = rebuild.last_transaction_id,
           last_global_position = rebuild.last_global_position,
           last_processed_event_id = e.event_id,
           last_processed_timestamp = e.created_at,
           definition_version = rebuild.definition_version,
           projection_version = p.projection_version + 1,
           revision = p.revision + 1,
           status = CASE p.status WHEN 'paused' THEN 'paused' ELSE 'active' END,
           error_message = NULL,
           error_sqlstate = NULL,
           failed_event_id = NULL,
           failed_global_position = NULL,
           retry_at = NULL,
           updated_at = clock_timestamp()
      FROM (VALUES (1)) one
      LEFT JOIN event_store.events e
        ON e.transaction_id = rebuild.last_transaction_id AND e.global_position = rebuild.last_global_position
     WHERE p.projection_name = rebuild.projection_name;
    -- What the old rows have left out is in the new ones, unless they have left it out too: see leave_out().
    DELETE FROM event_store.unapplied_events u WHERE u.projection_name = rebuild.projection_name;
    UPDATE event_store.unapplied_events u
       SET projection_name = rebuild.projection_name
     WHERE u.projection_name = rebuild.projection_name || ' (rebuild)';
    DELETE FROM event_store.projection_rebuilds b WHERE b.projection_name = rebuild.projection_name;
    RETURN true;
END
$$;
