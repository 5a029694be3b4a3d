"""Recorders of tracking: how far a process or a view has come in another application's notification log.

Kept in a table of the application's own, beside the views: it is written in the transaction of the events or rows that
a notification has led to.
"""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg
from eventsourcing.persistence import (
    IntegrityError,
    ProcessRecorder,
    StoredEvent,
    Tracking,
    TrackingRecorder,
)
from psycopg.rows import DictRow, dict_row, scalar_row
from psycopg.sql import SQL, Composed

from event_store.client import Session
from event_store.events import Append
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.eventsourcing.datastore import SCHEMA, Datastore
from event_store.statements import Statement, first

_CREATE: Final[tuple[LiteralString, ...]] = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"""
    CREATE TABLE IF NOT EXISTS {SCHEMA}.tracking (
        recorder text, application_name text, notification_id bigint NOT NULL,
        CONSTRAINT tracking_pkey PRIMARY KEY (recorder, application_name))""",
)
# Never backward: then there is no row, and the caller knows.
_INSERT: Final = f"""
    INSERT INTO {SCHEMA}.tracking AS t (recorder, application_name, notification_id)
    VALUES (%(recorder)s, %(application_name)s, %(notification_id)s)
    ON CONFLICT (recorder, application_name) DO UPDATE
       SET notification_id = excluded.notification_id
     WHERE t.notification_id < excluded.notification_id
    RETURNING t.notification_id"""
_SELECT: Final = f"""
    SELECT t.notification_id
      FROM {SCHEMA}.tracking t
     WHERE t.recorder = %(recorder)s AND t.application_name = %(application_name)s"""


class EventStoreTrackingRecorder(TrackingRecorder):
    """Tracking of one process or view, and the base class of views.

    A view adds its tables to ``sql_create_statements`` in its constructor, and writes them in
    ``with self.datastore.transaction(commit=True) as curs:`` together with ``self._insert_tracking(curs, tracking)``; names
    are those of the library's PostgresTrackingRecorder, so that a view written for that one needs another base class only.
    """

    def __init__(self, datastore: Datastore, name: str) -> None:
        self.datastore = datastore
        self.tracking_name = name
        self.sql_create_statements: list[Composed | SQL] = [SQL(statement) for statement in _CREATE]

    def create_table(self) -> None:
        """Make the schema and the tables if they are missing."""
        with self.datastore.transaction(commit=True) as cursor:
            # IF NOT EXISTS does not wait for others who do the same at this moment.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"create {SCHEMA}",))
            for statement in self.sql_create_statements:
                cursor.execute(statement)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a place; IntegrityError if that one or a later one is recorded already."""

        def insert(session: Session, may_be_done: bool) -> None:
            with session.connection.cursor(row_factory=dict_row) as cursor:
                # Nothing else is in this transaction: whoever recorded exactly this, it is recorded.
                if not (may_be_done and self._recorded(cursor, tracking)):
                    self._insert_tracking(cursor, tracking)

        self.datastore.repeat(insert)

    def max_tracking_id(self, application_name: str) -> int | None:
        """The last place in that application's notification log; None if nothing is recorded."""
        parameters = {"recorder": self.tracking_name, "application_name": application_name}
        return self.datastore.run(Statement(_SELECT.encode(), parameters, scalar_row, first))

    def _insert_tracking(self, curs: "psycopg.Cursor[DictRow]", tracking: Tracking) -> None:
        if not curs.execute(_INSERT.encode(), self._place(tracking)).fetchone():
            raise IntegrityError(
                f"{self.tracking_name} has recorded {tracking.application_name} {tracking.notification_id} or a later one"
            )

    def _recorded(self, curs: "psycopg.Cursor[DictRow]", tracking: Tracking) -> bool:
        row = curs.execute(_SELECT.encode(), self._place(tracking)).fetchone()
        return row is not None and row["notification_id"] == tracking.notification_id

    def _place(self, tracking: Tracking) -> dict[str, Any]:
        return {
            "recorder": self.tracking_name,
            "application_name": tracking.application_name,
            "notification_id": tracking.notification_id,
        }


class EventStoreProcessRecorder(EventStoreTrackingRecorder, EventStoreApplicationRecorder, ProcessRecorder):
    """Events together with the tracking of the notification that they answer: both are committed, or neither."""

    def __init__(self, datastore: Datastore, application: str, name: str) -> None:
        EventStoreApplicationRecorder.__init__(self, datastore, application)
        EventStoreTrackingRecorder.__init__(self, datastore, name)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events and record ``tracking``; IntegrityError if one or the other is stored already."""
        tracking: Tracking | None = kwargs.get("tracking")
        if tracking is not None and not stored_events:
            self.insert_tracking(tracking)
            return []
        return super().insert_events(stored_events, **kwargs)

    def _insert(
        self, session: Session, appends: Sequence[Append], tracking: Tracking | None = None, **kwargs: Any
    ) -> None:
        super()._insert(session, appends, **kwargs)
        if tracking is not None:
            with session.connection.cursor(row_factory=dict_row) as cursor:
                self._insert_tracking(cursor, tracking)
