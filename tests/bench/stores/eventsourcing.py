"""eventsourcing (PyPI), its PostgreSQL module: what PostgresApplicationRecorder sends, statement by statement.

Its client sends BEGIN, the lock, NOTIFY and the INSERT in one pipeline and COMMIT after the answer; so do the scripts.
The state is the event as JSON in bytes, as its default transcoder writes it, without compression or encryption.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final
from uuid import UUID

from examples.portfolio import Event

from .base import STREAM_AND_VERSION, STREAM_ID, Statement, Store

PROGRAM: Final = Path(__file__).parents[1] / "peers/eventsourcing_peer.py"
_LOCK: Final = """\
SET LOCAL lock_timeout = '0s';
LOCK TABLE public.stored_events IN EXCLUSIVE MODE;
NOTIFY stored_events;
"""
_INSERT: Final = """INSERT INTO public.stored_events AS t (originator_id, originator_version, topic, state)
SELECT originator_id, originator_version, topic, state FROM unnest({events}::public.stored_event_uuid[])"""
_EVENT: Final = "ARRAY[ROW({stream}, {version}, 'PositionUpdated', :payload::bytea)]"


class Eventsourcing(Store):
    """eventsourcing."""

    name: ClassVar = "eventsourcing"
    feed: ClassVar = "SELECT * FROM public.stored_events WHERE notification_id > $1 ORDER BY notification_id LIMIT $2"
    cursor: ClassVar = ("notification_id",)
    start: ClassVar = ("0",)
    stream_column: ClassVar = "originator_id"
    key_column: ClassVar = "notification_id"
    table: ClassVar = "public.stored_events"
    versions: ClassVar = """
        SELECT originator_version FROM public.stored_events WHERE originator_id = %(id)s ORDER BY originator_version"""
    append_statements: ClassVar = f"""{_LOCK}
{_INSERT.format(events=_EVENT.format(stream=STREAM_ID, version=":version"))} RETURNING notification_id;
"""
    append_script: ClassVar = f"""{STREAM_AND_VERSION}
\\startpipeline
BEGIN;
{append_statements}
\\endpipeline
COMMIT;
"""
    # The library knows no "any version": an application reads the aggregate, appends, and starts over on a conflict.
    # ON CONFLICT, where the library has an error, spares the server a failed statement.
    contended_script: ClassVar = f"""
SELECT coalesce(max(originator_version), 0) + 1 AS version FROM public.stored_events WHERE originator_id = :stream \\gset
\\startpipeline
BEGIN;
{_LOCK}
WITH stored AS ({_INSERT.format(events=_EVENT.format(stream=":stream::uuid", version=":version"))}
    ON CONFLICT DO NOTHING RETURNING notification_id)
SELECT public.acknowledge(EXISTS (SELECT FROM stored));
\\endpipeline
COMMIT;
"""
    read: ClassVar = """
        SELECT * FROM public.stored_events WHERE originator_id = %(stream)s ORDER BY originator_version ASC"""
    fill_statement: ClassVar = """
        INSERT INTO public.stored_events (originator_id, originator_version, topic, state)
        SELECT md5('fill' || n / 10)::uuid, n %% 10 + 1, 'PositionUpdated', convert_to(%(payload)s, 'UTF8')
          FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    """

    def create(self) -> None:
        """By the library."""
        self.database = self.server.create()
        self.server.run(self.database, [sys.executable, str(PROGRAM), "create"])
        self.make_acknowledge()

    def listener(self) -> list[str]:
        """The library's subscription, which LISTENs."""
        return [sys.executable, str(PROGRAM), "listen"]

    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """What the recorder's insert_events sends between BEGIN and COMMIT."""
        rows = [
            (stream, version + place, event.event_type, json.dumps(event.document()).encode())
            for place, event in enumerate(events, 1)
        ]
        # The library sends an array of composites; as columns it is the same for the server, and no type has to be known.
        columns = [list(column) for column in zip(*rows, strict=True)]
        insert = """
            INSERT INTO public.stored_events AS t (originator_id, originator_version, topic, state)
            SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::bytea[]) RETURNING notification_id"""
        return [(_LOCK, None), (insert, columns)]
