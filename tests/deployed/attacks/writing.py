"""Writing to the tables past the functions."""

from typing import Final

from .rows import BEYOND, COUNTED, DENIED, DRIFT, HARMLESS, KEPT, SEALS, Attack

OLDEST: Final = "(SELECT global_position FROM event_store.events ORDER BY transaction_id, global_position LIMIT 1)"
#: An event in a stretch that is sealed already.
FORGED: Final = f"""
INSERT INTO event_store.events (event_id, transaction_id, created_at, aggregate_type, aggregate_id, event_version, event_type,
                                event_data)
SELECT gen_random_uuid(), transaction_id, created_at, aggregate_type, gen_random_uuid(), 1, event_type, '{{"forged": true}}'
  FROM event_store.events WHERE global_position = {OLDEST}
"""
COLUMNS: Final = "event_id, aggregate_type, aggregate_id, event_version, event_type, event_data"
VALUES: Final = "gen_random_uuid(), 'Attack', gen_random_uuid(), 1, 'Attacked', '{}'"

WRITING = [
    # name, statements                                                          application, others, owner, superuser
    Attack("update", "UPDATE event_store.events SET event_data = '{}'", DENIED, DENIED, KEPT, KEPT),
    Attack("update of one column", "UPDATE event_store.events SET created_at = now()", DENIED, DENIED, KEPT, KEPT),
    Attack("update of no row", "UPDATE event_store.events SET actor = '' WHERE false", DENIED, DENIED, KEPT, KEPT),
    Attack("delete", "DELETE FROM event_store.events", DENIED, DENIED, KEPT, KEPT),
    Attack("truncate", "TRUNCATE event_store.events", DENIED, DENIED, KEPT, KEPT),
    Attack("truncate, cascading", "TRUNCATE event_store.events RESTART IDENTITY CASCADE", DENIED, DENIED, KEPT, KEPT),
    Attack("forget a fork", "DELETE FROM event_store.forks", DENIED, DENIED, KEPT, KEPT),
    Attack("move a fork", "UPDATE event_store.forks SET last_position = 0", DENIED, DENIED, KEPT, KEPT),
    Attack("hold the next history up", "SELECT FROM event_store.settings FOR UPDATE", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("lock for update", "SELECT FROM event_store.events FOR UPDATE", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("lock the table", "LOCK TABLE event_store.events", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack(
        "insert past the functions",
        f"INSERT INTO event_store.events ({COLUMNS}) VALUES ({VALUES})",
        DENIED, DENIED, SEALS, SEALS,
    ),
    Attack(
        "insert with a position",
        f"INSERT INTO event_store.events ({COLUMNS}, global_position) VALUES ({VALUES}, 1)",
        COUNTED, DENIED, COUNTED, COUNTED, worker=COUNTED,
    ),
    Attack(
        "insert with a position, overriding",
        f"INSERT INTO event_store.events ({COLUMNS}, global_position) OVERRIDING SYSTEM VALUE"
        f" SELECT {VALUES}, max(last_position) FROM event_store.seals",
        DENIED, DENIED, SEALS, SEALS,
    ),
    Attack(
        "insert with a time",
        f"INSERT INTO event_store.events ({COLUMNS}, created_at) VALUES ({VALUES}, '2001-01-01')",
        DENIED, DENIED, SEALS, SEALS,
    ),
    Attack(
        "insert as somebody else",
        f"INSERT INTO event_store.events ({COLUMNS}, created_by) VALUES ({VALUES}, 'postgres')",
        DENIED, DENIED, SEALS, SEALS,
    ),
    Attack("insert into the past", FORGED, DENIED, DENIED, SEALS, SEALS),
    Attack(
        "insert a version that is there",
        f"INSERT INTO event_store.events ({COLUMNS}) SELECT gen_random_uuid(), aggregate_type, aggregate_id, event_version,"
        " event_type, event_data FROM event_store.events LIMIT 1",
        DENIED, DENIED, "23505", "23505",
    ),
    Attack(
        "on conflict do update",
        f"INSERT INTO event_store.events ({COLUMNS}) SELECT {COLUMNS} FROM event_store.events LIMIT 1"
        " ON CONFLICT (event_id) DO UPDATE SET event_data = '{}'",
        DENIED, DENIED, KEPT, KEPT,
    ),
    Attack(
        "merge that updates",
        "MERGE INTO event_store.events e USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET event_data = '{}'",
        DENIED, DENIED, KEPT, KEPT,
    ),
    Attack(
        "merge that deletes",
        "MERGE INTO event_store.events e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
        DENIED, DENIED, KEPT, KEPT,
    ),
    Attack(
        "copy from the client",
        f"COPY event_store.events ({COLUMNS}) FROM STDIN",
        DENIED, DENIED, SEALS, SEALS,
        "6f1c2a4e-0000-4000-8000-0000000000c1\tAttack\t6f1c2a4e-0000-4000-8000-0000000000c2\t1\tAttacked\t{}\n",
    ),
    Attack(
        "copy from the client into the past",
        f"COPY event_store.events ({COLUMNS}, transaction_id) FROM STDIN",
        DENIED, DENIED, SEALS, SEALS,
        "6f1c2a4e-0000-4000-8000-0000000000c1\tAttack\t6f1c2a4e-0000-4000-8000-0000000000c2\t1\tAttacked\t{}\t3\n",
    ),
    Attack("set the sequence", "SELECT setval('event_store.events_global_position_seq', 1)", DENIED, DENIED, BEYOND, BEYOND),
    Attack("use up the sequence", "SELECT nextval('event_store.events_global_position_seq')", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("restart the sequence", "ALTER SEQUENCE event_store.events_global_position_seq RESTART", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("identity by default", "ALTER TABLE event_store.events ALTER global_position SET GENERATED BY DEFAULT", DENIED, DENIED, DRIFT, DRIFT),
    # Tables that belong to the events
    Attack("change a command", "UPDATE event_store.commands SET data = '{}'", DENIED, DENIED, KEPT, KEPT),
    Attack("forget a command", "DELETE FROM event_store.commands", DENIED, DENIED, KEPT, KEPT),
    Attack("change a seal", "UPDATE event_store.seals SET root = root", DENIED, DENIED, KEPT, KEPT),
    Attack("drop the last seal", "DELETE FROM event_store.seals", DENIED, DENIED, KEPT, KEPT),
    Attack("forge a seal", "INSERT INTO event_store.seals SELECT seal + 1000, last_transaction_id, last_position, last_transaction_id,"
           " last_position + 1, 1, sealed_at, root, hash, hash, leaves FROM event_store.seals ORDER BY seal DESC LIMIT 1",
           DENIED, DENIED, SEALS, SEALS),
    Attack("read the keys of personal data", "SELECT key FROM event_store.subject_keys", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("change the settings", "UPDATE event_store.settings SET unknown_event_types = 'allow'", DENIED, DENIED, HARMLESS, HARMLESS),
    Attack("write the ledger", "DELETE FROM deployment.migrations", DENIED, DENIED, DENIED, BEYOND),
    Attack("write the reference", "UPDATE deployment.reference SET objects = '[]'", DENIED, DENIED, DENIED, DRIFT),
    Attack("write a read model", "DELETE FROM projections.portfolio_positions", DENIED, DENIED, "42809", "42809"),
]  # fmt: skip
