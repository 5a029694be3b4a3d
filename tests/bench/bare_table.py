"""What appends are measured against: a table with the store's columns and indexes, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg

# Without the store's checks and triggers, in the same database on the same volume.
_CREATE: Final = """
    DROP SCHEMA IF EXISTS bench CASCADE;
    CREATE SCHEMA bench;
    CREATE TABLE bench.events (
        LIKE event_store.events INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES INCLUDING STORAGE);
"""
#: The same parameters as the store's: type, id, JSON array of events, actor, its type, source.
INSERT: Final[LiteralString] = """
    INSERT INTO bench.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data, metadata,
                              causation_id, correlation_id, actor, actor_type, source)
    SELECT gen_random_uuid(), %(type)s, %(id)s, item.place, item.event_type, item.event_data, item.metadata,
           item.causation_id, item.correlation_id, %(actor)s, %(actor_type)s, %(source)s
      FROM ROWS FROM (jsonb_to_recordset(%(events)s::jsonb) AS (
               event_type text, event_data jsonb, metadata jsonb, causation_id uuid, correlation_id uuid)
           ) WITH ORDINALITY AS item (event_type, event_data, metadata, causation_id, correlation_id, place)
"""
READ: Final[LiteralString] = """
    SELECT * FROM bench.events WHERE aggregate_type = %(type)s AND aggregate_id = %(id)s ORDER BY event_version
"""


@contextmanager
def bare_table(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """The table, in a schema of the application's own; gone at the end."""
    connection.execute(_CREATE)
    try:
        yield
    finally:
        connection.execute("DROP SCHEMA bench CASCADE")
