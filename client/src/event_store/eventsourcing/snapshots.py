"""A recorder of snapshots, on the store's own snapshots."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from eventsourcing.persistence import StoredEvent
from psycopg.rows import scalar_row

from event_store.client import Session
from event_store.eventsourcing import ids
from event_store.eventsourcing.recorders import OFFSET, EventStoreAggregateRecorder
from event_store.eventsourcing.rows import SNAPSHOT, snapshot_data
from event_store.statements import Statement, first

_SNAPSHOTS: Final = f"""
    SELECT {SNAPSHOT}
      FROM event_store.snapshots s
     WHERE s.aggregate_type = %(application)s::varchar AND s.aggregate_id = %(aggregate_id)s
       AND s.aggregate_version > coalesce(%(gt)s::bigint + ({OFFSET}), 0)
       AND s.aggregate_version <= coalesce(%(lte)s::bigint + ({OFFSET}), 2147483647)
     ORDER BY s.aggregate_version"""


class EventStoreSnapshotRecorder(EventStoreAggregateRecorder):
    """Snapshots of the aggregates of one application. Another one of the same version takes the place of the first."""

    _selection: ClassVar[str] = _SNAPSHOTS

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Save the snapshots, all of them or none; ProgrammingError if one is ahead of its aggregate's events."""

        def save(session: Session, may_be_done: bool) -> None:
            del may_be_done  # saving the same snapshot again changes nothing
            for event in stored_events:
                aggregate_id = ids.aggregate_id(event.originator_id)
                parameters = {"application": self.application, "aggregate_id": aggregate_id}
                offset = session.run(Statement(OFFSET.encode(), parameters, scalar_row, first))
                version = event.originator_version + (offset or 0)
                session.save_snapshot(self.application, aggregate_id, version, snapshot_data(event))

        self.datastore.repeat(save)
        return None
