"""The floor: a table with this store's columns and ids, written by plain INSERT. No checks, no triggers, no versions checked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from examples.portfolio import AGGREGATE_TYPE, Event

from .base import STREAM_AND_VERSION, STREAM_ID, Statement, Store

# transaction_id is set like in the store, so that pages of the feed are read from the same index.
_CREATE = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.events (
        LIKE event_store.events INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING STORAGE {indexes});
    ALTER TABLE bench.events ALTER transaction_id SET DEFAULT pg_current_xact_id();
    ALTER TABLE bench.events SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
"""
_COLUMNS = """INSERT INTO bench.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                          metadata, causation_id, correlation_id, actor, actor_type, source)"""


@dataclass
class BareTable(Store):
    """The table, with the store's indexes or with none."""

    indexes: bool = True

    name: ClassVar = "bare table, same indexes"
    feed: ClassVar = """
        SELECT * FROM bench.events WHERE (transaction_id, global_position) > ($1::xid8, $2::bigint)
         ORDER BY transaction_id, global_position LIMIT $3::integer"""
    cursor: ClassVar = ("transaction_id", "global_position")
    start: ClassVar = ("0", "0")
    stream_column: ClassVar = "aggregate_id"
    key_column: ClassVar = "event_id"
    table: ClassVar = "bench.events"
    versions: ClassVar = "SELECT event_version FROM bench.events WHERE aggregate_id = %(id)s ORDER BY event_version"
    append_statements: ClassVar = f"""
{_COLUMNS.replace(chr(10), " ")} VALUES (event_store.new_event_id(), :type, {STREAM_ID}, :version, 'PositionUpdated',
    :payload, '{{}}', NULL, NULL, 'bench', 'service', 'api');
"""
    append_script: ClassVar = STREAM_AND_VERSION + append_statements
    # Nobody would let several clients write one stream like this; it is measured for the stores only.
    contended_script: ClassVar = ""
    read: ClassVar = """
        SELECT * FROM bench.events WHERE aggregate_type = %(type)s AND aggregate_id = %(stream)s ORDER BY event_version"""
    fill_statement: ClassVar = f"""
        {_COLUMNS}
        SELECT event_store.new_event_id(), %(type)s, md5('fill' || n / 10)::uuid, n %% 10 + 1, 'PositionUpdated',
               %(payload)s::jsonb, '{{}}', NULL, NULL, 'bench', 'service', 'api'
          FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    """

    @property
    def shown(self) -> str:
        """Its name in the figures."""
        return self.name if self.indexes else "bare table, no index"

    def create(self) -> None:
        """Beside the store's own table, which stays empty in this database."""
        self.database = self.server.build()
        with self.server.connect(self.database) as connection:
            connection.execute(_CREATE.format(indexes="INCLUDING INDEXES" if self.indexes else ""))

    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """One INSERT from the same JSON array that the store takes."""
        statement = f"""
            {_COLUMNS}
            SELECT event_store.new_event_id(), %(type)s, %(id)s, %(version)s + item.place, item.event_type, item.event_data,
                   item.metadata, item.causation_id, item.correlation_id, 'bench', 'service', 'api'
              FROM ROWS FROM (jsonb_to_recordset(%(events)s::jsonb) AS (
                       event_type text, event_data jsonb, metadata jsonb, causation_id uuid, correlation_id uuid)
                   ) WITH ORDINALITY AS item (event_type, event_data, metadata, causation_id, correlation_id, place)"""
        text = json.dumps([event.document() for event in events])
        return [(statement, {"type": AGGREGATE_TYPE, "id": stream, "version": version, "events": text})]
