"""This store, through the functions that an application calls, with the application's privileges."""

import json
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb

from deploy.model.event_stores import APPLICATION_ROLE
from examples.portfolio import AGGREGATE_TYPE, Event

from .base import STREAM_AND_VERSION, STREAM_ID, Statement, Store

_APPEND = """\
SELECT event_version, global_position FROM event_store.append_event(
    aggregate_type => :type, aggregate_id => {stream}, expected_version => {expected}, event_type => 'PositionUpdated',
    event_data => :payload, actor => 'bench', actor_type => 'service', source => 'api');
"""


class EventStore(Store):
    """This store."""

    name: ClassVar = "this store"
    role: ClassVar = APPLICATION_ROLE
    feed: ClassVar = "SELECT * FROM event_store.read_feed($1::xid8, $2::bigint, $3::integer)"
    cursor: ClassVar = ("transaction_id", "global_position")
    start: ClassVar = ("0", "0")
    stream_column: ClassVar = "aggregate_id"
    key_column: ClassVar = "event_id"
    channel: ClassVar = "event_store"
    table: ClassVar = "event_store.events"
    versions: ClassVar = (
        "SELECT event_version FROM event_store.events WHERE aggregate_id = %(id)s ORDER BY event_version"
    )
    append_statements: ClassVar = _APPEND.format(stream=STREAM_ID, expected=":version - 1")
    append_script: ClassVar = STREAM_AND_VERSION + append_statements
    contended_script: ClassVar = _APPEND.format(stream=":stream", expected="NULL")
    read: ClassVar = "SELECT * FROM event_store.get_events(%(type)s, %(stream)s)"
    fill_statement: ClassVar = """
        INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                        actor, actor_type, source, created_at)
        SELECT event_store.new_event_id(), %(type)s, md5('fill' || n / 10)::uuid, n %% 10 + 1, 'PositionUpdated',
               %(payload)s::jsonb, 'bench', 'service', 'api', clock_timestamp()
          FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    """

    def create(self) -> None:
        """From the files in sql/, as a deploy does it."""
        self.database = self.server.build()

    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """append_event for one, append_events for several."""
        common = {"type": AGGREGATE_TYPE, "id": stream, "version": version}
        if len(events) == 1:
            (event,) = events
            statement = """
                SELECT event_version FROM event_store.append_event(
                    aggregate_type => %(type)s, aggregate_id => %(id)s, expected_version => %(version)s,
                    event_type => %(event_type)s, event_data => %(data)s, metadata => %(metadata)s,
                    correlation_id => %(correlation)s, causation_id => %(causation)s,
                    actor => 'bench', actor_type => 'service', source => 'api')"""
            own = {
                "event_type": event.event_type,
                "data": Jsonb(event.data),
                "metadata": Jsonb(event.metadata),
                "correlation": event.correlation_id,
                "causation": event.causation_id,
            }
            return [(statement, {**common, **own})]
        statement = """
            SELECT event_version FROM event_store.append_events(
                aggregate_type => %(type)s, aggregate_id => %(id)s, expected_version => %(version)s,
                events => %(events)s::jsonb, actor => 'bench', actor_type => 'service', source => 'api')"""
        return [(statement, {**common, "events": json.dumps([event.document() for event in events])})]
