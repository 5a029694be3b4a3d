"""Projections for the tests: small ones of their own, and the worker's call in a loop."""

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from .stores import Store

Connection = psycopg.Connection[Any]
_IDLE = """
    SELECT NOT EXISTS (SELECT FROM event_store.projection_rebuilds WHERE status = 'active')
       AND NOT EXISTS (SELECT FROM event_store.projection_lag() WHERE status = 'active' AND events_behind > 0)
"""

_INSERT = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data)
    SELECT gen_random_uuid(), a.id, a.type,
           coalesce((SELECT max(event_version) FROM event_store.events
                      WHERE aggregate_type = a.type AND aggregate_id = a.id), 0) + 1, %s, %s
      FROM (VALUES (%s::uuid, %s::varchar)) AS a (id, type)
    RETURNING event_id
"""


def append(
    connection: Connection, aggregate_type: str, aggregate_id: UUID, *events: tuple[str, dict[str, Any]]
) -> None:
    """Append events of one aggregate, whatever its version."""
    documents = [{"event_type": event_type, "event_data": data} for event_type, data in events]
    connection.execute(
        "SELECT event_store.append_events(%s, %s, NULL, %s)", [aggregate_type, aggregate_id, Jsonb(documents)]
    )


def insert(
    admin: Connection, aggregate_type: str, aggregate_id: UUID, *events: tuple[str, dict[str, Any]]
) -> list[UUID]:
    """Store events of one aggregate as they are, past the functions that would check them; returns their ids."""
    return [
        UUID(str(value(admin, _INSERT, [event_type, Jsonb(data), aggregate_id, aggregate_type])))
        for event_type, data in events
    ]


def settle(connection: Connection) -> None:
    """Wait until all that is committed can be read in the feed, whatever other sessions of the server do."""
    newest = "SELECT coalesce(max(transaction_id), '0') < event_store.feed_horizon() FROM event_store.events"
    while not value(connection, newest):
        time.sleep(0.02)


def work(connection: Connection) -> int:
    """Call the worker's function until nothing is left to do; returns the number of events passed."""
    settle(connection)
    passed = 0
    while True:
        passed += int(value(connection, "SELECT event_store.work_projections()"))
        if value(connection, _IDLE):
            return passed


def value(connection: Connection, query: str, parameters: Iterable[Any] = ()) -> Any:
    """The one value that a query returns."""
    row = connection.execute(query, list(parameters)).fetchone()
    assert row is not None
    return row[0]


def state(connection: Connection, name: str) -> dict[str, Any]:
    """A projection's row."""
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    row: dict[str, Any] | None = cursor.execute(
        "SELECT * FROM event_store.projections WHERE projection_name = %s", [name]
    ).fetchone()
    assert row is not None
    return row


class Numbers:
    """A projection of this module's kind: keeps one row for each event of its type, with the payload's ``n``.

    n / 0 fails as a division does, a text as a wrong type does, and "sleep" makes an event slow.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.name, self.event_type, self.admin = name, f"Happened_{name}", store.connect("postgres")
        self.stream = uuid4()
        self.admin.execute(f"CREATE TABLE projections.{name} (event_id uuid PRIMARY KEY, n integer, version integer)")
        self.admin.execute(f"ALTER TABLE projections.{name} OWNER TO event_store_owner")
        self.write("1000 / (event.event_data ->> 'n')::integer")

    def write(self, expression: str, version: int = 1) -> None:
        """(Re)define the function; ``version`` is written into each row."""
        self.admin.execute(f"""
            CREATE OR REPLACE FUNCTION projections.apply_{self.name}(event event_store.events) RETURNS void
            LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_sleep((event.event_data ->> 'sleep')::float) WHERE event.event_data ? 'sleep';
                INSERT INTO {self.name} VALUES (event.event_id, {expression}, {version});
            END $$""")
        self.admin.execute(f"ALTER FUNCTION projections.apply_{self.name} OWNER TO event_store_owner")

    def append(self, *numbers: object, **more: object) -> None:
        """One event for each number."""
        append(self.admin, "Number", self.stream, *((self.event_type, {"n": n, **more}) for n in numbers))

    def rows(self) -> list[int]:
        """What the projection holds."""
        query = (
            f"SELECT n FROM projections.{self.name} JOIN event_store.events USING (event_id) ORDER BY global_position"
        )
        return [row[0] for row in self.admin.execute(query).fetchall()]


def register(admin: Connection, *projections: Numbers, version: int = 1) -> None:
    """Have the store know these projections, and no others."""
    rows = ", ".join(
        f"('{p.name}', {version}, ARRAY['{p.event_type}'], ARRAY['{p.name}'], '{{}}'::text[])" for p in projections
    )
    admin.execute(f"""
        CREATE OR REPLACE FUNCTION projections.registry()
        RETURNS TABLE (projection_name text, definition_version integer, event_types text[], tables text[], views text[])
        LANGUAGE sql IMMUTABLE AS $$ VALUES {rows} $$""")
