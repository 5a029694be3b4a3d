"""Coming past the triggers: by way of other tables, and by changing what is there."""

from typing import Final

from .rows import BEYOND, DENIED, DRIFT, HARMLESS, KEPT, SEALS, Attack

NO_TRIGGERS: Final = "ALTER TABLE event_store.events DISABLE TRIGGER USER;"
TRIGGERS: Final = """
DO $do$
DECLARE name text;
BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'event_store.events'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE event_store.events ENABLE ALWAYS TRIGGER %I', name);
    END LOOP;
END
$do$;
"""
#: As retire_events() does it, without the age, the readers and the export.
RETIRED: Final = """
CREATE TEMPORARY TABLE stretch AS
SELECT * FROM event_store.seals WHERE seal > coalesce((SELECT max(to_seal) FROM event_store.retirements), 0) ORDER BY seal LIMIT 1;
INSERT INTO event_store.retirements (from_seal, to_seal, after_transaction_id, after_position, last_transaction_id, last_position,
                                     event_count, export_root, exported_to)
SELECT seal, seal, after_transaction_id, after_position, last_transaction_id, last_position, event_count, root, 'nowhere'
  FROM stretch;
DELETE FROM event_store.events e USING stretch s
 WHERE (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position)
   AND (e.transaction_id, e.global_position) <= (s.last_transaction_id, s.last_position);
"""
OLDEST: Final = "(SELECT global_position FROM event_store.events ORDER BY transaction_id, global_position LIMIT 1)"
PARENTS: Final = """
CREATE SCHEMA mine;
CREATE TABLE mine.parents AS SELECT DISTINCT aggregate_id FROM event_store.events;
ALTER TABLE mine.parents ADD PRIMARY KEY (aggregate_id);
ALTER TABLE event_store.events ADD FOREIGN KEY (aggregate_id) REFERENCES mine.parents ON DELETE CASCADE ON UPDATE CASCADE;
"""
PARENT: Final = """
CREATE SCHEMA mine;
CREATE TABLE mine.parent (LIKE event_store.events);
ALTER TABLE event_store.events INHERIT mine.parent;
"""

GOING_ROUND = [
    # By way of other tables
    Attack("child that cascades from events",
           "CREATE SCHEMA mine; CREATE TABLE mine.t (id uuid REFERENCES event_store.events ON DELETE CASCADE)",
           DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("foreign key, delete the parents", f"{PARENTS} DELETE FROM mine.parents", DENIED, DENIED, KEPT, KEPT),
    Attack("foreign key, update the parents", f"{PARENTS} UPDATE mine.parents SET aggregate_id = gen_random_uuid()", DENIED, DENIED, KEPT, KEPT),
    Attack("foreign key, truncate the parents", f"{PARENTS} TRUNCATE mine.parents CASCADE", DENIED, DENIED, KEPT, KEPT),
    Attack("foreign key, found", PARENTS, DENIED, DENIED, DRIFT, DRIFT),
    Attack("parent table, update", f"{PARENT} UPDATE mine.parent SET event_data = '{{}}'", DENIED, DENIED, KEPT, KEPT),
    Attack("parent table, delete", f"{PARENT} DELETE FROM mine.parent", DENIED, DENIED, KEPT, KEPT),
    Attack("parent table, truncate", f"{PARENT} TRUNCATE mine.parent", DENIED, DENIED, KEPT, KEPT),
    Attack("parent table, found", PARENT, DENIED, DENIED, DRIFT, DRIFT),
    Attack("child table", "CREATE SCHEMA mine; CREATE TABLE mine.forged () INHERITS (event_store.events)", DENIED, DENIED, DRIFT, DRIFT),
    # Triggers, rules and policies
    Attack("replica role", "SET session_replication_role = replica; UPDATE event_store.events SET event_data = '{}'",
           DENIED, DENIED, DENIED, KEPT),
    Attack("disabled trigger", f"{NO_TRIGGERS} UPDATE event_store.events SET event_data = '{{}}'", DENIED, DENIED, DRIFT, DRIFT),
    Attack("disabled trigger, edited, enabled again", f"{NO_TRIGGERS} UPDATE event_store.events SET actor = 'x'; {TRIGGERS}",
           DENIED, DENIED, SEALS, SEALS),
    Attack("disabled trigger, deleted, enabled again",
           f"{NO_TRIGGERS} DELETE FROM event_store.events WHERE global_position = {OLDEST}; {TRIGGERS}",
           DENIED, DENIED, SEALS, SEALS),
    Attack("disabled trigger, emptied, enabled again", f"{NO_TRIGGERS} TRUNCATE event_store.events; {TRIGGERS}",
           DENIED, DENIED, SEALS, SEALS),
    Attack("disabled trigger, reordered, enabled again",
           f"{NO_TRIGGERS} UPDATE event_store.events SET global_position = DEFAULT WHERE global_position = {OLDEST}; {TRIGGERS}",
           DENIED, DENIED, SEALS, SEALS),
    Attack("recorded as retired, and deleted", RETIRED, DENIED, DENIED, SEALS, SEALS),
    Attack("dropped trigger", "DROP TRIGGER events_append_only ON event_store.events", DENIED, DENIED, DRIFT, DRIFT),
    Attack("own trigger", "CREATE TRIGGER mine BEFORE INSERT ON event_store.events EXECUTE FUNCTION event_store.refuse_change()",
           DENIED, DENIED, DRIFT, DRIFT),
    Attack("trigger function made idle",
           "CREATE OR REPLACE FUNCTION event_store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
           DENIED, DENIED, DRIFT, DRIFT),
    Attack("rule that swallows inserts", "CREATE RULE gone AS ON INSERT TO event_store.events DO INSTEAD NOTHING",
           DENIED, DENIED, DRIFT, DRIFT),
    Attack("rule that swallows updates", "CREATE RULE gone AS ON UPDATE TO event_store.events DO INSTEAD NOTHING",
           DENIED, DENIED, DRIFT, DRIFT),
    Attack("policy that hides events", "ALTER TABLE event_store.events ENABLE ROW LEVEL SECURITY", DENIED, DENIED, DRIFT, DRIFT),
    Attack("event trigger",
           "CREATE SCHEMA mine; CREATE FUNCTION mine.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
           " CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION mine.f()",
           DENIED, DENIED, DENIED, BEYOND),
    # The table itself
    Attack("rewrite of a column", "ALTER TABLE event_store.events ALTER metadata TYPE jsonb USING '{\"x\": 1}'", DENIED, DENIED, SEALS, SEALS),
    Attack("other type of a column", "ALTER TABLE event_store.events ALTER actor TYPE text", DENIED, DENIED, DRIFT, DRIFT),
    Attack("dropped column", "ALTER TABLE event_store.events DROP COLUMN actor", DENIED, DENIED, DRIFT, DRIFT),
    Attack("dropped constraint", "ALTER TABLE event_store.events DROP CONSTRAINT events_pkey", DENIED, DENIED, DRIFT, DRIFT),
    Attack("dropped index", "DROP INDEX event_store.idx_events_aggregate", DENIED, DENIED, DRIFT, DRIFT),
    Attack("unlogged table", "ALTER TABLE event_store.snapshots SET UNLOGGED", DENIED, DENIED, DRIFT, DRIFT),
    Attack("renamed table", "ALTER TABLE event_store.events RENAME TO old; CREATE TABLE event_store.events (LIKE event_store.old)",
           DENIED, DENIED, DRIFT, DRIFT),
    Attack("moved table", "CREATE SCHEMA mine; ALTER TABLE event_store.events SET SCHEMA mine", DENIED, DENIED, DRIFT, DRIFT),
    Attack("dropped table", "DROP TABLE event_store.events CASCADE", DENIED, DENIED, DRIFT, DRIFT),
    Attack("dropped schema", "DROP SCHEMA event_store CASCADE", DENIED, DENIED, DRIFT, DRIFT),
    Attack("table taken over", "ALTER TABLE event_store.events OWNER TO CURRENT_USER", DENIED, DENIED, HARMLESS, DRIFT),
    Attack("schema taken over", "ALTER SCHEMA event_store OWNER TO CURRENT_USER", DENIED, DENIED, HARMLESS, DRIFT),
    Attack("owned objects dropped", "DROP OWNED BY event_store_owner CASCADE", DENIED, DENIED, DRIFT, DRIFT),
    Attack("own objects dropped", "DROP OWNED BY CURRENT_USER", HARMLESS, HARMLESS, "2BP01", BEYOND),
    Attack("owned objects reassigned", "REASSIGN OWNED BY event_store_owner TO stock_analysis_user", DENIED, DENIED, DENIED, DRIFT),
    Attack("dropped database", "DROP DATABASE stock_analysis_event_store", "55006", DENIED, DENIED, BEYOND, autocommit=True),
    # The application owns the database and may vacuum its tables; whoever may not is told by a warning.
    Attack("rewrite of the file", "VACUUM FULL event_store.events", HARMLESS, DENIED, HARMLESS, HARMLESS,
           worker=HARMLESS, autocommit=True),
    Attack("published to others", "CREATE PUBLICATION mine FOR TABLE event_store.events", DENIED, DENIED, DRIFT, DRIFT),
]  # fmt: skip
