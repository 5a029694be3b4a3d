"""Consumers that live long: quiet times, lost connections, busy neighbours, events that nobody wants."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from event_store import ANY, AsyncEventStore, EventStore, NewEvent, Retries, StoredEvent, errors
from event_store.async_subscriptions import AsyncSubscription
from event_store.subscriptions import Subscription

from ..sql.histories import lose_events
from ..sql.stores import Server, Store
from .relay import Relay, relay_to
from .test_connections import fail_elsewhere

#: Seconds that attempts go on in these tests; a consumer is quiet for longer.
PATIENCE = 2.0


@pytest.fixture
def client(empty_conninfo: str) -> Iterator[EventStore]:
    """The client, on a store of the test's own."""
    with EventStore(empty_conninfo, max_size=4, retries=Retries(timeout=60)) as client:
        yield client


def append(client: EventStore, aggregate: UUID, count: int = 1, event_type: str = "Counted") -> None:
    """Events that may be read when this returns: transactions of other databases hold the feed back as well."""
    client.append_events("Consumed", aggregate, [NewEvent(event_type, {})] * count, expected=ANY)
    last = client.get_events_backward("Consumed", aggregate, max_count=1)[0]
    while client.feed_end() < last.cursor:
        time.sleep(0.01)


def end_session(store: Store, pid: int) -> None:
    """Take a connection away."""
    with store.connect("postgres") as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_consumer_that_was_quiet_for_long_survives_a_lost_connection(
    client: EventStore, empty_store: Store, empty_conninfo: str
) -> None:
    client.create_subscription("quiet")
    stop, handled = threading.Event(), list[int]()

    def handle(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        handled.append(event.event_version)
        if len(handled) == 1:
            end_session(empty_store, connection.info.backend_pid)
            connection.execute("SELECT 1")
        stop.set()

    def consume() -> None:
        with EventStore(empty_conninfo, retries=Retries(timeout=PATIENCE)) as store:
            Subscription(store, "quiet", poll=0.05).project(handle, stop=stop)

    consumer = threading.Thread(target=consume)
    consumer.start()
    time.sleep(PATIENCE + 0.5)
    append(client, uuid4())
    consumer.join(timeout=60)
    stop.set()
    assert handled == [1, 1]


def test_so_does_a_task(client: EventStore, empty_store: Store, empty_conninfo: str) -> None:
    client.create_subscription("quiet")
    handled = list[int]()

    async def scenario() -> None:
        stop = asyncio.Event()

        async def handle(connection: "psycopg.AsyncConnection[Any]", event: StoredEvent) -> None:
            handled.append(event.event_version)
            if len(handled) == 1:
                await asyncio.to_thread(end_session, empty_store, connection.info.backend_pid)
                await connection.execute("SELECT 1")
            stop.set()

        async with AsyncEventStore(empty_conninfo, retries=Retries(timeout=PATIENCE)) as store:
            subscription = AsyncSubscription(store, "quiet", poll=0.05)
            consumer = asyncio.create_task(subscription.project(handle, stop=stop))
            await asyncio.sleep(PATIENCE + 0.5)
            await asyncio.to_thread(append, client, uuid4())
            await asyncio.wait_for(consumer, 60)

    asyncio.run(scenario())
    assert handled == [1, 1]


def test_the_error_of_a_handler_is_heard_when_the_server_is_gone_as_well(
    client: EventStore, server: Server, empty_conninfo: str
) -> None:
    client.create_subscription("gone")
    append(client, uuid4())
    with relay_to(server) as way, EventStore(make_conninfo(empty_conninfo, port=way.port)) as store:
        began = time.monotonic()

        def handle(_: object, event: StoredEvent) -> None:
            way.close()
            raise RuntimeError(event.event_type)

        with pytest.raises(RuntimeError, match="Counted"):
            Subscription(store, "gone").project(handle, to_the_end=True)
        assert time.monotonic() - began < 15


def test_an_error_of_another_database_is_the_callers_at_once(client: EventStore) -> None:
    client.create_subscription("elsewhere")
    append(client, uuid4())
    handled = []

    def handle(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        handled.append(event)
        fail_elsewhere(connection)

    with pytest.raises(psycopg.OperationalError, match="port 1"):
        Subscription(client, "elsewhere").project(handle, to_the_end=True)
    assert len(handled) == 1
    # The partition is free again.
    assert client.claim_partition("elsewhere", "next") is not None


def test_what_would_be_refused_the_second_time_is_not_repeated(client: EventStore, relay: Relay) -> None:
    client.create_subscription("once")
    append(client, uuid4(), 2)
    claim = client.claim_partition("once", "consumer")
    assert claim is not None
    page = client.read_partition(claim, max_count=1)
    relay.lose_answer(b"event_store.acknowledge(")
    with pytest.raises(psycopg.OperationalError):
        client.acknowledge(claim, page.cursor, page.after)
    assert client.read_partition(claim).after == page.cursor
    with pytest.raises(errors.LeaseLostError):
        client.acknowledge(claim, page.cursor, page.after)
    # Consumers may have gone on after a reset: a second one would deliver to them once more.
    relay.lose_answer(b"event_store.reset_subscription(")
    with pytest.raises(psycopg.OperationalError):
        client.reset_subscription("once")
    assert relay.losses_left == 0


def test_a_busy_partition_leaves_the_others_their_turn(client: EventStore) -> None:
    client.create_subscription("fair", partitions=2)
    ids: dict[int, UUID] = {}
    while len(ids) < 2:
        aggregate = uuid4()
        ids[client.partition_of("Consumed", aggregate, 2)] = aggregate
    # The first claim is for partition 0.
    append(client, ids[0], 400)
    append(client, ids[1])
    handled = []
    for delivery in Subscription(client, "fair", max_count=10).deliveries(to_the_end=True):
        for event in delivery.events:
            handled.append(event.aggregate_id)
            time.sleep(0.01)
        delivery.acknowledge()
    assert len(handled) == 401
    assert handled.index(ids[1]) < 250


class Counting(EventStore):
    """A client that counts what it asks the server."""

    asked = 0

    def run(self, statement: Any) -> Any:
        self.asked += 1
        return super().run(statement)


@pytest.mark.parametrize("partitions", [1, 8])
def test_events_that_nobody_wants_cost_a_consumer_few_checkpoints_and_looks(
    client: EventStore, empty_store: Store, empty_conninfo: str, partitions: int
) -> None:
    client.create_subscription("few", partitions=partitions, event_types=["Wanted"])
    with empty_store.connect("postgres") as admin:
        admin.execute("CREATE SEQUENCE public.updates")
        admin.execute(
            "CREATE FUNCTION public.count_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            " AS $$BEGIN PERFORM nextval('public.updates'); RETURN NEW; END$$"
        )
        admin.execute(
            "CREATE TRIGGER counting BEFORE UPDATE ON event_store.subscription_partitions"
            " FOR EACH ROW EXECUTE FUNCTION public.count_update()"
        )
        stop, seen = threading.Event(), list[float]()
        consuming = Counting(empty_conninfo).open()

        def consume() -> None:
            with consuming:
                for delivery in Subscription(consuming, "few", poll=0.05).deliveries(stop=stop):
                    seen.append(time.monotonic())
                    delivery.acknowledge()

        consumer = threading.Thread(target=consume)
        consumer.start()
        began, seconds = time.monotonic(), 4.0
        while time.monotonic() < began + seconds:
            client.append_event("Consumed", uuid4(), NewEvent("Other", {}), expected=ANY)
        asked = consuming.asked
        row = admin.execute("SELECT last_value FROM public.updates").fetchone()
        append(client, uuid4(), event_type="Wanted")
        wanted_at = time.monotonic()
        while not seen and time.monotonic() < wanted_at + 30:
            time.sleep(0.01)
        stop.set()
        consumer.join(timeout=30)
    assert row
    assert row[0] / seconds < 20
    assert asked / seconds < 50
    assert seen
    assert seen[0] - wanted_at < 2
    assert client.subscription_lag("few")[-1].events_behind == 0


def test_a_consumer_at_work_takes_over_a_lease_from_before_the_clock_was_set_back(
    client: EventStore, empty_store: Store
) -> None:
    client.create_subscription("set back")
    append(client, uuid4())
    assert client.claim_partition("set back", "dead") is not None
    stop, taken = threading.Event(), threading.Event()

    def consume() -> None:
        for delivery in Subscription(client, "set back", poll=0.05).deliveries(stop=stop):
            taken.set()
            delivery.acknowledge()

    consumer = threading.Thread(target=consume)
    consumer.start()
    # Its first claim is made without asking whether there is work.
    assert not taken.wait(0.5)
    empty_store.connect("postgres").execute(
        "UPDATE event_store.subscription_partitions"
        " SET leased_until = leased_until + interval '90 minutes', claimed_at = claimed_at + interval '90 minutes'"
    )
    try:
        assert taken.wait(10)
    finally:
        stop.set()
        consumer.join(timeout=30)


def test_a_projection_goes_on_when_the_page_in_its_hands_is_lost(client: EventStore, empty_store: Store) -> None:
    """What it had written for the page is rolled back; the checkpoint is in the store, and right."""
    admin, aggregates = empty_store.connect("postgres"), [uuid4() for _ in range(4)]
    admin.execute("CREATE TABLE public.handled (event_id uuid PRIMARY KEY)")
    admin.execute("GRANT ALL ON public.handled TO stock_analysis_user")
    client.create_subscription("lossy")
    for aggregate in aggregates[:3]:
        append(client, aggregate)
    calls = list[UUID]()

    def handle(connection: "psycopg.Connection[Any]", event: StoredEvent) -> None:
        calls.append(event.event_id)
        connection.execute("INSERT INTO public.handled VALUES (%s)", [event.event_id])
        if len(calls) == 3:
            lose_events(admin, 2)
            client.append_events("Consumed", aggregates[3], [NewEvent("Counted", {})], expected=ANY)

    Subscription(client, "lossy").project(handle, to_the_end=True)
    stored = {row[0] for row in admin.execute("SELECT event_id FROM event_store.events").fetchall()}
    assert {row[0] for row in admin.execute("SELECT event_id FROM public.handled").fetchall()} == stored
    assert (len(stored), len(calls)) == (2, 5)
