"""An event that cannot be read is named, and one that nobody can handle is skipped, on record."""

import pickle
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from event_store import ANY, START, Cursor, EventStore, NewEvent, StoredEvent
from event_store.errors import UnreadableEventError
from event_store.subscriptions import Subscription, follow

from ..sql.stores import Store

#: Legal JSON that Python's own reader gives up on.
DEEP = '{"deep": ' + "[" * 3000 + "]" * 3000 + "}"


@pytest.fixture
def client(empty_conninfo: str) -> Iterator[EventStore]:
    """The client, on a store of the test's own."""
    with EventStore(empty_conninfo) as client:
        yield client


def append(client: EventStore, store: Store, deep: set[int], count: int = 6) -> tuple[UUID, list[UUID]]:
    """Events of an aggregate, those with these versions too deep; returns all ids."""
    aggregate, ids = uuid4(), [uuid4() for _ in range(count)]
    query = "SELECT FROM event_store.append_event('Skipped', %s, NULL, 'Deep', %s::jsonb, event_id => %s)"
    with store.connect() as app:
        for version, event_id in enumerate(ids, 1):
            if version in deep:
                app.execute(query, [aggregate, DEEP, event_id])
            else:
                client.append_event("Skipped", aggregate, NewEvent("Fine", {}, event_id=event_id), expected=ANY)
        row = app.execute("SELECT max(global_position) FROM event_store.events").fetchone()
    while row and client.feed_end().global_position < row[0]:
        pass
    return aggregate, ids


def recorded(store: Store) -> list[tuple[Any, ...]]:
    with store.connect() as app:
        return app.execute(
            "SELECT aggregate_type, aggregate_id, data ->> 'subscription', (data ->> 'event_id')::uuid, data ->> 'reason', actor"
            " FROM event_store.commands WHERE command_type = 'SkipEvent' ORDER BY processed_at"
        ).fetchall()


def test_an_event_that_cannot_be_read_is_named(client: EventStore, empty_store: Store) -> None:
    aggregate, ids = append(client, empty_store, {3})
    for read in (
        lambda: client.get_events("Skipped", aggregate),
        lambda: client.load_aggregate("Skipped", aggregate),
        client.read_feed,
    ):
        with pytest.raises(
            UnreadableEventError, match=f"event {ids[2]} of Skipped {aggregate} cannot be read"
        ) as caught:
            read()
        error = caught.value
        assert (error.event_id, error.before) == (ids[2], 2)
        assert pickle.loads(pickle.dumps(error)).cursor == error.cursor  # noqa: S301
        rest = client.read_feed(after=error.cursor)
        assert [event.event_id for event in rest.events] == ids[3:]


@pytest.mark.parametrize("deep", [{1}, {3}, {3, 4}, {6}, set()], ids=repr)
@pytest.mark.parametrize("event_types", [None, ["Fine", "Deep"]])
def test_a_subscription_skips_what_it_is_told_to_and_nothing_else(
    client: EventStore, empty_store: Store, deep: set[int], event_types: list[str] | None
) -> None:
    aggregate, ids = append(client, empty_store, deep)
    client.create_subscription("skipping", event_types=event_types)
    if deep:
        with pytest.raises(UnreadableEventError):
            Subscription(client, "skipping").project(lambda *_: None, to_the_end=True)
        client.reset_subscription("skipping")
    # One that can be read may be skipped as well: a handler may never succeed with it.
    told = {ids[version - 1]: f"because of {version}" for version in deep | {5}}
    handled: list[UUID] = []
    subscription = Subscription(client, "skipping", consumer="someone", skip=told)
    subscription.project(lambda _, event: handled.append(event.event_id), to_the_end=True)
    assert handled == [event_id for event_id in ids if event_id not in told]
    assert recorded(empty_store) == [
        ("Skipped", aggregate, "skipping", event_id, told[event_id], "someone") for event_id in ids if event_id in told
    ]
    assert client.subscription_lag("skipping")[-1].events_behind == 0


def test_what_is_to_be_skipped_is_so_behind_events_that_nobody_wants(client: EventStore) -> None:
    client.create_subscription("behind", event_types=["Wanted"])
    poison, fine = [uuid4(), uuid4()], [uuid4(), uuid4()]
    # More than one look of the consumer, so that it looks on without a checkpoint.
    for pair in zip(poison, fine, strict=True):
        for _ in range(21):
            client.append_events("Skipped", uuid4(), [NewEvent("Other", {})] * 1000, expected=ANY)
        for event_id in pair:
            last = client.append_event("Skipped", uuid4(), NewEvent("Wanted", {}, event_id=event_id), expected=ANY)
    while client.feed_end().global_position < last.global_position:
        pass
    handled: list[UUID] = []
    subscription = Subscription(client, "behind", skip=dict.fromkeys(poison, "never"))
    for delivery in subscription.deliveries(to_the_end=True):
        handled += [event.event_id for event in delivery.events]
        delivery.acknowledge()
    assert handled == fine


def test_what_comes_before_an_event_that_cannot_be_read_is_delivered(client: EventStore, empty_store: Store) -> None:
    _, ids = append(client, empty_store, {3, 5})
    client.create_subscription("before")
    handled: list[UUID] = []
    followed: list[UUID] = []

    def handle(_: object, event: StoredEvent) -> None:
        handled.append(event.event_id)

    with pytest.raises(UnreadableEventError) as caught:
        Subscription(client, "before").project(handle, to_the_end=True)
    assert (caught.value.event_id, handled) == (ids[2], ids[:2])

    def follow_on(after: Cursor) -> None:
        for page in follow(client, after=after, to_the_end=True):
            followed.extend(event.event_id for event in page.events)

    after = START
    for place in (2, 4):
        with pytest.raises(UnreadableEventError) as caught:
            follow_on(after)
        assert caught.value.event_id == ids[place]
        after = caught.value.cursor
    follow_on(after)
    assert followed == [ids[0], ids[1], ids[3], ids[5]]
