"""emmett (npm @event-driven-io/emmett-postgresql): its own schema, its own append function.

Its client formats every call into one text, between BEGIN and COMMIT. The scripts call the function with the same
arguments as a prepared statement that is a transaction by itself, which spares it parsing and two round trips; several
events in one call come as its client's text.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final
from uuid import UUID, uuid4

from psycopg import sql

from examples.portfolio import Event

from .base import STREAM_AND_VERSION, STREAM_ID, Statement, Store

PROGRAM: Final = Path(__file__).parents[1] / "peers/emmett.js"
_CALL: Final = """emt_append_to_stream(
    ARRAY[gen_random_uuid()::text], ARRAY[:payload]::jsonb[], ARRAY['{{}}']::jsonb[], ARRAY['1'], ARRAY['PositionUpdated'],
    ARRAY['E'], 'position-' || {stream}, 'position', {expected}::bigint, :partition)"""
_COLUMNS: Final = """stream_id, stream_position, global_position, message_data, message_metadata,
       message_schema_version, message_type, message_id"""


class Emmett(Store):
    """emmett."""

    name: ClassVar = "emmett"
    # readMessagesBatch() of the library: it goes on behind the position of the last message that it got.
    feed: ClassVar = f"""
        SELECT {_COLUMNS} FROM emt_messages
         WHERE partition = 'emt:default' AND is_archived = FALSE
           AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()) AND global_position >= $1::bigint + 1
         ORDER BY transaction_id, global_position LIMIT $2::integer"""
    cursor: ClassVar = ("global_position",)
    start: ClassVar = ("0",)
    stream_column: ClassVar = "stream_id"
    key_column: ClassVar = "message_id"
    table: ClassVar = "emt_messages"
    versions: ClassVar = """
        SELECT stream_position FROM emt_messages WHERE stream_id = 'position-' || %(id)s ORDER BY stream_position"""
    # pgbench would take ":default" in a script for a variable.
    variables: ClassVar = {"partition": "emt:default"}
    append_statements: ClassVar = f"SELECT * FROM {_CALL.format(stream=STREAM_ID, expected=':version - 1')};\n"
    append_script: ClassVar = STREAM_AND_VERSION + append_statements
    # Without an expected version the function reads it without a lock, and says "no success" when it was overtaken.
    contended_script: ClassVar = f"""
SELECT public.acknowledge(success) FROM {_CALL.format(stream=":stream::text", expected="NULL")};
"""
    read: ClassVar = f"""
        SELECT {_COLUMNS} FROM emt_messages
         WHERE stream_id = 'position-' || %(stream)s::text AND partition = %(partition)s AND is_archived = FALSE
         ORDER BY stream_position ASC"""
    fill_statement: ClassVar = """
        WITH streams AS (
            INSERT INTO emt_streams (stream_id, stream_position, partition, stream_type, stream_metadata)
            SELECT 'position-' || md5('fill' || n / 10)::uuid, max(n %% 10 + 1), 'emt:default', 'position', '{}'
              FROM generate_series(%(first)s::integer, %(last)s::integer) AS n GROUP BY n / 10
            ON CONFLICT (stream_id, partition, is_archived) DO UPDATE SET stream_position = excluded.stream_position
        )
        INSERT INTO emt_messages (stream_id, stream_position, partition, message_data, message_metadata,
                                  message_schema_version, message_type, message_kind, message_id, transaction_id)
        SELECT 'position-' || md5('fill' || n / 10)::uuid, n %% 10 + 1, 'emt:default', %(payload)s::jsonb, '{}', '1',
               'PositionUpdated', 'E', gen_random_uuid()::text, pg_current_xact_id()
          FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    """

    def create(self) -> None:
        """By the library."""
        self.database = self.server.create()
        self.server.run(self.database, ["node", str(PROGRAM), "create"])
        self.make_acknowledge()

    def listener(self) -> list[str]:
        """The library's consumer, which polls."""
        return ["node", str(PROGRAM), "listen"]

    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """The library's text, put together here, before the clock runs."""
        metadata = [
            {
                **event.metadata,
                "correlationId": str(event.correlation_id),
                "causationId": str(event.causation_id),
            }
            for event in events
        ]
        arrays = (
            ("text", [str(uuid4()) for _ in events]),
            ("jsonb", [json.dumps(event.data) for event in events]),
            ("jsonb", [json.dumps(item) for item in metadata]),
            ("text", ["1" for _ in events]),
            ("text", [event.event_type for event in events]),
            ("text", ["E" for _ in events]),
        )
        comma = sql.SQL(",")
        arguments = [
            sql.SQL("ARRAY[{}]::" + kind + "[]").format(comma.join(map(sql.Literal, values))) for kind, values in arrays
        ]
        last = sql.SQL("{}::text, 'position'::text, {}::bigint, 'emt:default'::text")
        arguments.append(last.format(sql.Literal(f"position-{stream}"), sql.Literal(version)))
        return [(sql.SQL("SELECT * FROM emt_append_to_stream({})").format(comma.join(arguments)).as_string(), None)]
