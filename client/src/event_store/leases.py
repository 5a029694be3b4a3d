"""Statements about subscriptions: who reads which partition of the feed, and how far."""

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import kwargs_row

from event_store import queries
from event_store.events import Cursor, Page, StoredEvent
from event_store.pages import page_of
from event_store.rows import EVENT, EVENT_OR_MARK, VALUE, RowShape, shape_of
from event_store.statements import Statement, ask, call, first, nothing

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition that a consumer holds until its lease ends. ``token`` is the proof; ``checkpoint`` is where it was."""

    subscription: str
    partition: int
    checkpoint: Cursor
    token: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a partition is; ``partition`` None = the whole subscription.

    ``seconds_behind``: the age of the oldest event that is still to be handled. ``exact``: False = an estimate, because there
    is too much to count. ``consumer``: who holds it, until ``leased_until``.
    """

    partition: int | None
    events_behind: int
    seconds_behind: float
    exact: bool
    consumer: str | None
    leased_until: datetime | None


def _partition_row(
    *, checkpoint_transaction_id: int, checkpoint_position: int, **columns: Any
) -> tuple[Cursor, StoredEvent | Cursor]:
    checkpoint = Cursor(checkpoint_transaction_id, checkpoint_position)
    if columns["event_id"] is None:
        return checkpoint, Cursor(columns["transaction_id"], columns["global_position"])
    return checkpoint, StoredEvent(**columns)


_CHECKPOINT: Final = """(
    SELECT p.{} FROM event_store.subscription_partitions p
     WHERE p.subscription_name = %(subscription_name)s AND p.partition = %(partition)s)"""
#: An event or a mark, behind the checkpoint that it was read after.
_PARTITION_ROW: Final = RowShape(
    f"{EVENT.columns}, {_CHECKPOINT.format('transaction_id')} AS checkpoint_transaction_id, "
    f"{_CHECKPOINT.format('global_position')} AS checkpoint_position",
    kwargs_row(_partition_row),
)


def consumer_name() -> str:
    """Where a consumer runs, for people who look at a subscription."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"


def create_subscription(
    subscription: str,
    *,
    partitions: int,
    event_types: Sequence[str] | None,
    aggregate_types: Sequence[str] | None,
    from_beginning: bool,
) -> Statement[bool]:
    """Make a subscription."""
    parameters = {
        "subscription_name": subscription,
        "partitions": partitions,
        **queries.filters(event_types, aggregate_types),
        "from_beginning": from_beginning,
    }
    return ask("create_subscription", parameters)


def drop_subscription(subscription: str) -> Statement[bool]:
    """Forget a subscription."""
    return ask("drop_subscription", {"subscription_name": subscription})


def reset_subscription(subscription: str, cursor: Cursor) -> Statement[None]:
    """Move all checkpoints. Not repeatable: consumers may have gone on from there meanwhile."""
    parameters = {"subscription_name": subscription, **_cursor(cursor)}
    return call("reset_subscription", parameters, VALUE, nothing, repeatable=False)


def is_work_waiting(subscription: str) -> Statement[bool]:
    """Ask whether there is a free partition with something to do. Only reads: an idle consumer asks again and again."""
    return ask("is_work_waiting", {"subscription_name": subscription})


def claim_partition(subscription: str, consumer: str, lease: timedelta) -> Statement[Claim | None]:
    """Claim a free partition. Repeatable: a claim whose answer was lost is free again when its lease has ended."""

    def claimed(*, partition: int, transaction_id: int, global_position: int, token: int) -> Claim:
        return Claim(subscription, partition, Cursor(transaction_id, global_position), token)

    parameters = {"subscription_name": subscription, "consumer": consumer, "lease": lease}
    shape = RowShape("partition, transaction_id, global_position, token", kwargs_row(claimed))
    return call("claim_partition", parameters, shape, first)


def read_partition(claim: Claim, max_count: int) -> Statement[Page]:
    """Read what comes after the checkpoint, and the checkpoint with it: nobody else knows whether a lost commit moved it."""
    return call(
        "read_partition",
        {**_claim(claim), "max_count": max_count},
        _PARTITION_ROW,
        lambda rows: _page(rows, claim),
        rows_of=page_of,
    )


def look_on(claim: Claim, after: Cursor, max_count: int) -> Statement[Page]:
    """Read what the partition has after a cursor beyond its checkpoint."""
    rows = """(
        SELECT f.*
          FROM event_store.subscriptions s
         CROSS JOIN event_store.scan_feed(
               %(after_transaction_id)s, %(after_position)s, %(max_count)s, s.event_types, s.aggregate_types,
               s.partitions, %(partition)s) f
         WHERE s.subscription_name = %(subscription_name)s) e"""
    query = f"SELECT {EVENT.columns} FROM {page_of(rows)}"
    parameters = {**_claim(claim), **queries.forward(after), "max_count": max_count}
    return Statement(query.encode(), parameters, EVENT_OR_MARK.factory, lambda rows: queries.read_page(rows, after))


def acknowledge(claim: Claim, cursor: Cursor, after: Cursor | None) -> Statement[None]:
    """Move the checkpoint. Repeatable only without ``after``: with it, the second time is refused."""
    parameters = {**_claim(claim), **_cursor(cursor)}
    if after is not None:
        parameters |= queries.forward(after)
    return call("acknowledge", parameters, VALUE, nothing, repeatable=after is None)


def release_partition(claim: Claim) -> Statement[bool]:
    """Give the partition back."""
    return ask("release_partition", _claim(claim))


def subscription_lag(subscription: str) -> Statement[list[Lag]]:
    """Count what is still to be handled."""
    return call("subscription_lag", {"subscription_name": subscription}, shape_of(Lag), list)


def _page(rows: Sequence[tuple[Cursor, StoredEvent | Cursor]], claim: Claim) -> Page:
    return queries.read_page([row for _, row in rows], rows[0][0] if rows else claim.checkpoint)


def _claim(claim: Claim) -> dict[str, str | int]:
    return {"subscription_name": claim.subscription, "partition": claim.partition, "token": claim.token}


def _cursor(cursor: Cursor) -> dict[str, str | int]:
    return {"transaction_id": str(cursor.transaction_id), "global_position": cursor.global_position}
