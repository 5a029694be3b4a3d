"""Consumers: each event at least once and in order, exactly once where the checkpoint is in the consumer's transaction."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from event_store import ANY, errors
from event_store.async_client import AsyncEventStore
from event_store.async_subscriptions import AsyncSubscription, follow_async
from event_store.client import EventStore, Session
from event_store.events import START, NewEvent, StoredEvent
from event_store.leases import Claim
from event_store.retries import Retries
from event_store.subscriptions import Subscription, follow

from ..sql.stores import Store
from .relay import Relay
from .test_faults import backends_dying


@pytest.fixture
def client(empty_conninfo: str) -> Iterator[EventStore]:
    """The client, on a store of the test's own: it looks at the whole feed."""
    with EventStore(empty_conninfo, max_size=8, retries=Retries(timeout=300)) as client:
        yield client


@pytest.fixture
def handled(client: EventStore) -> str:
    """A table of the application's own, for what its handlers do."""
    with client.session() as session:
        session.connection.execute("CREATE SCHEMA counting")
        session.connection.execute(
            "CREATE TABLE counting.handled (place bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, aggregate_id uuid,"
            " event_version integer)"
        )
    return "counting.handled"


def append(client: EventStore, aggregates: int, events: int, event_type: str = "Counted") -> int:
    """Events of several aggregates, in turns; returns how many."""
    ids = [uuid4() for _ in range(aggregates)]
    for _ in range(events):
        for aggregate in ids:
            client.append_events("Subscribed", aggregate, [NewEvent(event_type, {})], expected=ANY)
    last = client.get_events_backward("Subscribed", ids[-1], max_count=1)[0]
    # Transactions of other databases hold the feed back as well.
    while client.feed_end() < last.cursor:
        pass
    return aggregates * events


def handle(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
    """Write down what was handled."""
    connection.execute(
        "INSERT INTO counting.handled (event_id, aggregate_id, event_version) VALUES (%s, %s, %s)",
        [event.event_id, event.aggregate_id, event.event_version],
    )


def versions_handled(client: EventStore) -> dict[UUID, list[int]]:
    """The versions of each aggregate in the order in which they were handled."""

    def read(session: Session, _: bool) -> list[Any]:
        query = "SELECT aggregate_id, event_version FROM counting.handled ORDER BY place"
        return session.connection.execute(query).fetchall()

    found: dict[UUID, list[int]] = {}
    for aggregate, version in client.repeat(read):
        found.setdefault(aggregate, []).append(version)
    return found


def test_the_feed_is_followed_page_by_page_to_the_end(client: EventStore) -> None:
    total = append(client, aggregates=3, events=5)
    pages = list(follow(client, max_count=4, to_the_end=True))
    events = [event for page in pages for event in page.events]
    assert [event.cursor for event in events] == sorted({event.cursor for event in events})
    assert len(events) == total
    assert [page.cursor for page in pages] == [page.events[-1].cursor for page in pages]
    rest = next(follow(client, after=pages[0].cursor, max_count=100, to_the_end=True))
    assert rest.events == events[4:]
    assert list(follow(client, after=pages[-1].cursor, to_the_end=True)) == []


def test_a_follower_hears_of_what_comes_later(client: EventStore) -> None:
    append(client, aggregates=1, events=1)
    stop = threading.Event()
    seen: list[StoredEvent] = []

    def read() -> None:
        for page in follow(client, stop=stop, poll=0.05):
            seen.extend(page.events)
            if len(seen) == 3:
                stop.set()

    reader = threading.Thread(target=read)
    reader.start()
    append(client, aggregates=1, events=2)
    reader.join(timeout=60)
    assert len(seen) == 3


def test_the_servers_hint_wakes_a_follower(client: EventStore, empty_store: Store) -> None:
    append(client, aggregates=1, events=1)
    heard = threading.Event()

    def read() -> None:
        # Far longer than the test may last: only a hint ends the waiting.
        for page in follow(client, after=client.feed_end(), poll=3600):
            assert page.events
            heard.set()
            return

    reader = threading.Thread(target=read)
    reader.start()
    with empty_store.connect("postgres") as worker:
        while not heard.wait(0.05):
            append(client, aggregates=1, events=1)
            worker.execute("SELECT event_store.work_feed()")
    reader.join()


def test_an_unacknowledged_delivery_comes_again(client: EventStore) -> None:
    total = append(client, aggregates=2, events=2)
    client.create_subscription("again")
    first = next(iter(Subscription(client, "again").deliveries(to_the_end=True)))
    assert len(first.events) == total
    deliveries = list(_acknowledged(Subscription(client, "again")))
    assert [event for delivery in deliveries for event in delivery] == first.events
    assert list(_acknowledged(Subscription(client, "again"))) == []


def _acknowledged(subscription: Subscription) -> Iterator[Any]:
    for delivery in subscription.deliveries(to_the_end=True):
        yield delivery.events
        delivery.acknowledge()


def test_only_events_of_the_wanted_types_are_delivered(client: EventStore) -> None:
    append(client, aggregates=2, events=3, event_type="Other")
    wanted = append(client, aggregates=2, events=3, event_type="Wanted")
    append(client, aggregates=2, events=3, event_type="Other")
    client.create_subscription("wanted", event_types=["Wanted"])
    delivered = [event for events in _acknowledged(Subscription(client, "wanted")) for event in events]
    assert len(delivered) == wanted
    assert {event.event_type for event in delivered} == {"Wanted"}
    assert client.subscription_lag("wanted")[-1].events_behind == 0


@pytest.mark.usefixtures("handled")
def test_consumers_share_the_partitions_and_keep_the_order(client: EventStore) -> None:
    client.create_subscription("shared", partitions=4)
    append(client, aggregates=20, events=10)

    def work(name: str) -> None:
        Subscription(client, "shared", consumer=name, max_count=7).project(handle, to_the_end=True)

    in_threads(work, 4)
    assert list(versions_handled(client).values()) == [list(range(1, 11))] * 20
    assert client.subscription_lag("shared")[-1].events_behind == 0


def in_threads(work: Any, count: int) -> None:
    """Do something several times at once; nothing may go wrong."""
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(work, f"consumer {number}") for number in range(count)]:
            future.result()


@pytest.mark.usefixtures("handled")
def test_each_event_takes_effect_once_while_backends_die(client: EventStore, empty_store: Store) -> None:
    client.create_subscription("dying", partitions=2)
    append(client, aggregates=6, events=20)

    def handle_slowly(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        time.sleep(0.02)  # or a fast machine has handled all of them before the first session dies
        handle(connection, event)

    def work(name: str) -> None:
        subscription = Subscription(client, "dying", consumer=name, max_count=5, lease=timedelta(seconds=1), poll=0.05)
        # A partition may be leased to a consumer that lost the answer: look again until everything is handled.
        while client.subscription_lag("dying")[-1].events_behind:
            subscription.project(handle_slowly, to_the_end=True)

    with backends_dying(empty_store) as died:
        in_threads(work, 2)
    assert died.total() > 0
    assert list(versions_handled(client).values()) == [list(range(1, 21))] * 6


@pytest.mark.usefixtures("handled")
def test_each_event_takes_effect_once_when_the_answer_to_the_commit_is_lost(client: EventStore, relay: Relay) -> None:
    client.create_subscription("lost")
    append(client, aggregates=1, events=6)
    relay.lose_answer(b"COMMIT")
    Subscription(client, "lost", max_count=2).project(handle, to_the_end=True)
    assert relay.losses_left == 0
    assert list(versions_handled(client).values()) == [list(range(1, 7))]


@pytest.mark.usefixtures("handled")
def test_each_event_takes_effect_once_when_a_commit_that_seemed_lost_succeeds_late(client: EventStore) -> None:
    client.create_subscription("late")
    append(client, aggregates=1, events=6)
    overtaken = []

    def handle_late(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        # The first attempt's COMMIT has been under way all the time, and succeeds after the second attempt has read.
        if event.event_version in {1, 3} and event.event_version not in overtaken:
            overtaken.append(event.event_version)
            claim = present_claim(client, "late")
            page = client.read_partition(claim, max_count=2)
            with client.transaction() as earlier:
                for one in page.events:
                    handle(earlier.connection, one)
                earlier.acknowledge(claim, page.cursor, page.after)
        handle(connection, event)

    Subscription(client, "late", max_count=2).project(handle_late, to_the_end=True)
    assert overtaken == [1, 3]
    assert list(versions_handled(client).values()) == [list(range(1, 7))]
    assert client.subscription_lag("late")[-1].events_behind == 0


def present_claim(client: EventStore, subscription: str) -> Claim:
    """What the consumer at work has in its hands."""
    with client.session() as session:
        row = session.connection.execute(
            "SELECT token FROM event_store.subscription_partitions WHERE subscription_name = %s", [subscription]
        ).fetchone()
    assert row
    return Claim(subscription, 0, START, row[0])


def test_an_acknowledgement_whose_answer_was_lost_is_no_error(client: EventStore, relay: Relay) -> None:
    client.create_subscription("answered")
    append(client, aggregates=1, events=4)
    handled = 0
    for delivery in Subscription(client, "answered", max_count=2).deliveries(to_the_end=True):
        handled += len(delivery.events)
        relay.lose_answer(b"event_store.acknowledge(")
        delivery.acknowledge()
    assert relay.losses_left == 0
    assert handled == 4


def test_a_page_of_a_partition_says_where_it_began(client: EventStore) -> None:
    client.create_subscription("pages")
    append(client, aggregates=1, events=4)
    claim = client.claim_partition("pages", "reader")
    assert claim is not None
    first = client.read_partition(claim, max_count=2)
    assert first.after == claim.checkpoint
    client.acknowledge(claim, first.cursor)
    second = client.read_partition(claim, max_count=2)
    assert second.after == first.cursor
    with client.transaction() as session, pytest.raises(errors.LeaseLostError, match="is not where the page began"):
        session.acknowledge(claim, first.cursor, first.after)
    with client.transaction() as session:
        session.acknowledge(claim, second.cursor, second.after)
    assert not client.read_partition(claim).advanced


@pytest.mark.usefixtures("handled")
def test_an_error_of_the_handler_is_the_callers_and_leaves_nothing_behind(client: EventStore) -> None:
    client.create_subscription("wrong")
    append(client, aggregates=1, events=4)

    def fail_on_third(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        handle(connection, event)
        if event.event_version == 3:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        Subscription(client, "wrong", max_count=2).project(fail_on_third, to_the_end=True)
    assert list(versions_handled(client).values()) == [[1, 2]]
    # The partition is free again at once.
    Subscription(client, "wrong").project(handle, to_the_end=True)
    assert list(versions_handled(client).values()) == [[1, 2, 3, 4]]


def test_whoever_lost_the_lease_cannot_acknowledge(client: EventStore) -> None:
    client.create_subscription("leased")
    append(client, aggregates=1, events=1)
    claim = client.claim_partition("leased", "slow", timedelta(milliseconds=1))
    assert claim is not None
    page = client.read_partition(claim)
    other = None
    while other is None:
        other = client.claim_partition("leased", "fast")
    with pytest.raises(errors.LeaseLostError):
        client.acknowledge(claim, page.cursor)
    client.acknowledge(other, page.cursor)
    assert client.release_partition(other)
    assert not client.release_partition(other)


def test_an_unknown_subscription_is_an_error(client: EventStore) -> None:
    with pytest.raises(errors.LeaseLostError):
        next(Subscription(client, "nowhere").deliveries())


def test_a_subscription_is_made_once_and_begins_where_it_is_told(client: EventStore) -> None:
    append(client, aggregates=1, events=2)
    assert client.create_subscription("new", from_beginning=False)
    assert not client.create_subscription("new", from_beginning=True)
    with pytest.raises(errors.SubscriptionExistsError):
        client.create_subscription("new", partitions=2)
    assert list(_acknowledged(Subscription(client, "new"))) == []
    client.reset_subscription("new")
    assert client.subscription_lag("new")[-1].events_behind == 2
    assert client.feed_lag().events_waiting >= 0
    assert client.drop_subscription("new")
    assert client.subscription_lag("new") == []


@pytest.mark.usefixtures("handled")
def test_the_asynchronous_consumer_does_the_same(client: EventStore, empty_conninfo: str) -> None:
    append(client, aggregates=2, events=5)
    client.create_subscription("async", partitions=2)

    async def write_down(connection: "psycopg.AsyncConnection[Any]", event: StoredEvent) -> None:
        await connection.execute(
            "INSERT INTO counting.handled (event_id, aggregate_id, event_version) VALUES (%s, %s, %s)",
            [event.event_id, event.aggregate_id, event.event_version],
        )

    async def scenario() -> int:
        async with AsyncEventStore(empty_conninfo) as store:
            await AsyncSubscription(store, "async", max_count=3).project(write_down, to_the_end=True)
            stop, seen = asyncio.Event(), 0
            async for page in follow_async(store, stop=stop, poll=0.05):
                seen += len(page.events)
                if seen == 10:
                    stop.set()
            return seen

    assert asyncio.run(scenario()) == 10
    assert list(versions_handled(client).values()) == [[1, 2, 3, 4, 5]] * 2
