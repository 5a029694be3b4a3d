"""Statements about subscriptions: who reads which partition of the feed, and how far."""

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from event_store import queries
from event_store.events import Cursor, Page
from event_store.statements import Row, Statement, call, nothing, only_value

LEASE = timedelta(seconds=30)

_CHECKPOINT: Final = (
    "(SELECT ARRAY[p.transaction_id::text::bigint, p.global_position] FROM event_store.subscription_partitions p "
    "WHERE p.subscription_name = %(subscription_name)s AND p.partition = %(partition)s)"
)


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


@dataclass(frozen=True, slots=True)
class FeedLag:
    """Committed events that wait for an older transaction to end before anybody may read them, and for how long."""

    events_waiting: int
    seconds_waiting: float


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
        "event_types": None if event_types is None else list(event_types),
        "aggregate_types": None if aggregate_types is None else list(aggregate_types),
        "from_beginning": from_beginning,
    }
    query = call("create_subscription", parameters, optional=("event_types", "aggregate_types"))
    return Statement(query, parameters, only_value)


def drop_subscription(subscription: str) -> Statement[bool]:
    """Forget a subscription."""
    parameters = {"subscription_name": subscription}
    return Statement(call("drop_subscription", parameters), parameters, only_value)


def reset_subscription(subscription: str, cursor: Cursor) -> Statement[None]:
    """Move all checkpoints."""
    parameters = {"subscription_name": subscription, **_cursor(cursor)}
    return Statement(call("reset_subscription", parameters), parameters, nothing)


def is_work_waiting(subscription: str) -> Statement[bool]:
    """Ask whether there is a free partition with something to do. Only reads: an idle consumer asks again and again."""
    query = b"""
        SELECT EXISTS (
            SELECT FROM event_store.subscription_partitions p CROSS JOIN event_store.feed_end() f
             WHERE p.subscription_name = %(subscription_name)s
               AND (p.leased_until IS NULL OR p.leased_until <= clock_timestamp())
               AND (p.transaction_id, p.global_position) < (f.transaction_id, f.global_position))"""
    return Statement(query, {"subscription_name": subscription}, only_value)


def claim_partition(subscription: str, consumer: str, lease: timedelta) -> Statement[Claim | None]:
    """Claim a free partition. Repeatable: a claim whose answer was lost is free again when its lease has ended."""
    parameters = {"subscription_name": subscription, "consumer": consumer, "lease": lease}
    query = call("claim_partition", parameters, "partition, transaction_id::text::bigint, global_position, token")
    return Statement(
        query,
        parameters,
        lambda rows: Claim(subscription, rows[0][0], Cursor(*rows[0][1:3]), rows[0][3]) if rows else None,
    )


def read_partition(claim: Claim, max_count: int) -> Statement[Page]:
    """Read what comes after the checkpoint, and the checkpoint with it: nobody else knows whether a lost commit moved it."""
    parameters = {**_claim(claim), "max_count": max_count}
    query = call("read_partition", parameters, f"{queries.EVENT_COLUMNS}, {_CHECKPOINT}")
    return Statement(query, parameters, lambda rows: _partition_page(rows, claim))


def acknowledge(claim: Claim, cursor: Cursor, after: Cursor | None) -> Statement[None]:
    """Move the checkpoint. Only without ``after`` is the second time the same as the first."""
    parameters = {**_claim(claim), **_cursor(cursor)}
    if after is not None:
        parameters |= queries.forward(after)
    return Statement(call("acknowledge", parameters), parameters, nothing)


def release_partition(claim: Claim) -> Statement[bool]:
    """Give the partition back."""
    parameters = _claim(claim)
    return Statement(call("release_partition", parameters), parameters, only_value)


def subscription_lag(subscription: str) -> Statement[list[Lag]]:
    """Count what is still to be handled."""
    parameters = {"subscription_name": subscription}
    query = call(
        "subscription_lag",
        parameters,
        "partition, events_behind, seconds_behind, exact, consumer, leased_until",
    )
    return Statement(query, parameters, lambda rows: [Lag(*row) for row in rows])


def feed_lag() -> Statement[FeedLag]:
    """Count what is committed and may not be read yet."""
    return Statement(call("feed_lag", {}, "events_waiting, seconds_waiting"), {}, lambda rows: FeedLag(*rows[0]))


def _partition_page(rows: Sequence[Row], claim: Claim) -> Page:
    return queries.read_page([row[:-1] for row in rows], Cursor(*rows[0][-1]) if rows else claim.checkpoint)


def _claim(claim: Claim) -> dict[str, str | int]:
    return {"subscription_name": claim.subscription, "partition": claim.partition, "token": claim.token}


def _cursor(cursor: Cursor) -> dict[str, str | int]:
    return {"transaction_id": str(cursor.transaction_id), "global_position": cursor.global_position}
