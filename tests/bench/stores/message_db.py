"""message-db (npm @eventide/message-db), installed by its own script; write_message and the two get_… functions.

All events are of one category, as one type of aggregate is: a category is what message-db locks for a write and what
its consumers read. It has no call for several events, so its client sends one write for each in one transaction; here
one statement calls write_message for all of them, which spares it the round trips.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final
from uuid import UUID

from examples.portfolio import Event

from .base import STREAM_AND_VERSION, STREAM_ID, Statement, Store

INSTALL: Final = Path(__file__).parents[1] / "peers/node_modules/@eventide/message-db/database/install.sh"
_CATEGORY: Final = "position"
_ROLE: Final = "message_store"


class MessageDb(Store):
    """message-db."""

    name: ClassVar = "message-db"
    feed: ClassVar = f"SELECT * FROM get_category_messages('{_CATEGORY}', $1::bigint + 1, $2::bigint)"
    cursor: ClassVar = ("global_position",)
    start: ClassVar = ("0",)
    stream_column: ClassVar = "stream_name"
    key_column: ClassVar = "id"
    # Its consumers poll; Eventide's default.
    looks_every: ClassVar = 0.1
    table: ClassVar = "message_store.messages"
    versions: ClassVar = f"""
        SELECT position + 1 FROM message_store.messages WHERE stream_name = '{_CATEGORY}-' || %(id)s ORDER BY position"""
    append_statements: ClassVar = f"""
SELECT write_message(gen_random_uuid()::varchar, '{_CATEGORY}-' || {STREAM_ID}, 'PositionUpdated', :payload, '{{}}',
                     :version - 2);
"""
    append_script: ClassVar = STREAM_AND_VERSION + append_statements
    contended_script: ClassVar = f"""
SELECT write_message(gen_random_uuid()::varchar, '{_CATEGORY}-' || :stream::text, 'PositionUpdated', :payload, '{{}}');
"""
    read: ClassVar = f"SELECT * FROM get_stream_messages('{_CATEGORY}-' || %(stream)s::text, 0, -1)"
    fill_statement: ClassVar = f"""
        INSERT INTO message_store.messages (id, stream_name, position, type, data, metadata)
        SELECT gen_random_uuid(), '{_CATEGORY}-' || md5('fill' || n / 10)::uuid, n %% 10, 'PositionUpdated',
               %(payload)s::jsonb, '{{}}'
          FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    """

    def create(self) -> None:
        """By message-db's installer."""
        self.database = self.server.create()
        self.server.run(
            self.database, ["bash", str(INSTALL)], {"DATABASE_NAME": self.database, "CREATE_DATABASE": "off"}
        )
        with self.server.connect(self.database) as connection:
            connection.execute(f'ALTER DATABASE "{self.database}" SET search_path = message_store, public')

    def drop(self) -> None:
        """The database, and the role that the installer makes."""
        super().drop()
        with self.server.connect("postgres") as connection:
            connection.execute(f"DROP ROLE IF EXISTS {_ROLE}")

    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """write_message for each event, in the order of the array."""
        statement = """
            SELECT write_message(gen_random_uuid()::varchar, %(stream)s, item.type, item.data, item.metadata,
                                 %(version)s + item.place - 2)
              FROM ROWS FROM (jsonb_to_recordset(%(events)s::jsonb) AS (type text, data jsonb, metadata jsonb)
                   ) WITH ORDINALITY AS item (type, data, metadata, place)"""
        items = [
            {
                "type": event.event_type,
                "data": event.data,
                "metadata": {
                    **event.metadata,
                    "correlationId": str(event.correlation_id),
                    "causationId": str(event.causation_id),
                },
            }
            for event in events
        ]
        parameters = {"stream": f"{_CATEGORY}-{stream}", "version": version, "events": json.dumps(items)}
        return [(statement, parameters)]
