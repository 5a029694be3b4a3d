"""An event that cannot be read is named, and one that nobody can handle is skipped, on record."""

import pickle
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from event_store import ANY, EventStore, NewEvent
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
        lambda: next(follow(client, to_the_end=True)),
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
