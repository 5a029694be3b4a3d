"""What is stored and cannot be read in Python: no error of the store's, so none with an SQLSTATE."""

from uuid import UUID

from event_store.events import Cursor


class UnreadableEventError(ValueError):
    """An event is stored, but Python cannot make anything of its payload: it is nested too deep, for example.

    ``event_id``, ``cursor``, ``aggregate_type``, ``aggregate_id``: which one. ``before``: so many events of the same answer come
    before it and can be read: by the same call with this ``max_count``.
    """

    def __init__(self, event_id: UUID, cursor: Cursor, aggregate: tuple[str, UUID], before: int, reason: str) -> None:
        super().__init__(event_id, cursor, aggregate, before, reason)
        self.event_id, self.cursor, self.before, self.reason = event_id, cursor, before, reason
        self.aggregate_type, self.aggregate_id = aggregate

    def __str__(self) -> str:
        return f"event {self.event_id} of {self.aggregate_type} {self.aggregate_id} cannot be read: {self.reason}"


class UnreadableSnapshotError(ValueError):
    """A snapshot is stored, but Python cannot make anything of its state: it is nested too deep, for example.

    ``aggregate_type``, ``aggregate_id``, ``aggregate_version``, ``snapshot_version``: which one.
    """

    def __init__(self, aggregate: tuple[str, UUID], aggregate_version: int, snapshot_version: int, reason: str) -> None:
        super().__init__(aggregate, aggregate_version, snapshot_version, reason)
        self.aggregate_type, self.aggregate_id = aggregate
        self.aggregate_version, self.snapshot_version, self.reason = aggregate_version, snapshot_version, reason

    def __str__(self) -> str:
        return (
            f"the snapshot of {self.aggregate_type} {self.aggregate_id} at version {self.aggregate_version}, layout "
            f"{self.snapshot_version}, cannot be read: {self.reason}\n"
            "get_events reads the events without it; save_snapshot with a higher snapshot_version replaces it."
        )
