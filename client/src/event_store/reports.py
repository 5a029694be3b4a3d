"""What the store says about itself: who holds it up, how far it is, whether it is intact. Fields are named like the columns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

#: What happens to an event whose payload breaks the JSON schema of its type: refused, appended with a warning, not checked.
Validation = Literal["enforce", "warn", "off"]

#: Why the personal data of a subject are erased (Article 17 of the GDPR).
Reason = Literal["request", "consent withdrawn", "objection", "no longer needed", "unlawful", "legal obligation"]


@dataclass(frozen=True, slots=True)
class FeedBlocker:
    """A transaction that appends and has not ended; the oldest one holds the feed back.

    ``transaction_id``: PostgreSQL's own, no number of the feed. ``pid``: None = a prepared transaction, which is called
    ``prepared``. ``seconds``: since it began. What the caller may not see of other roles' sessions is None.
    """

    transaction_id: int
    pid: int | None
    prepared: str | None
    seconds: float | None
    database: str | None
    role: str | None
    application_name: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class FeedLag:
    """Committed events that wait for an older append to end before anybody may read them, and for how long."""

    events_waiting: int
    seconds_waiting: float


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a history of the store begins: after a start of the server, a failover, a restore.

    Nothing of this store was ever between the last place before it and the first number and position after it. ``reason``:
    first (nothing was before), start, timeline, restore, cluster or settings.
    """

    fork: UUID
    reason: str
    cluster_identifier: int
    timeline: int
    server_start: datetime
    last_transaction_id: int
    last_position: int
    first_transaction_id: int
    first_position: int
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class ProjectionLag:
    """How far a projection is behind the stored events, and the rebuild that is under way, if any.

    ``events_behind``, ``rebuild_events_behind``: exact up to 10,000, an estimate beyond. ``seconds_behind``: the age of the
    oldest event that is still to be applied. ``is_outdated``: there is a newer definition, and no rebuild with it yet.
    """

    projection_name: str
    status: str
    projection_version: int
    events_behind: int
    seconds_behind: float
    error_message: str | None
    is_outdated: bool
    rebuild_status: str | None
    rebuild_events_behind: int | None
    rebuild_error_message: str | None


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user with the address that was looked for. ``credential_id``: what names the credentials elsewhere."""

    user_id: UUID
    credential_id: UUID | None


@dataclass(frozen=True, slots=True)
class SealProblem:
    """A difference between the stored events and their seals.

    ``kind``: edited, reordered, deleted, cut off, inserted; seal missing, seal edited, chain broken; retired too early,
    retirement edited; unsealed. ``seal``: its number; None = it concerns none. The place and the id are those of the first
    event concerned, if there is one.
    """

    seal: int | None
    kind: str
    transaction_id: int | None
    global_position: int | None
    event_id: UUID | None
    detail: str


@dataclass(frozen=True, slots=True)
class ExportProblem:
    """A difference between exported lines and the store: export damaged, seal missing or seal rewritten.

    ``line`` counts the lines of the text from 1.
    """

    line: int
    seal: int | None
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The proof that an event is in its seal, for any implementation of RFC 9162.

    ``event``: its canonical form. ``place``: among the seal's ``event_count`` events, from 1. ``path``: hashes of 32 bytes, from
    the leaf up. ``root``: what the store says; what counts is the root of an export that was kept elsewhere.
    """

    seal: int
    event: str
    place: int
    event_count: int
    path: list[bytes]
    root: bytes
