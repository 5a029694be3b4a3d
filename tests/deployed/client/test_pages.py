"""A page of large events is no larger than a client can hold."""

import random
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID, uuid4

import pytest

from event_store import ANY, EventStore, NewEvent, StoredEvent, errors
from event_store.events import START
from event_store.leases import look_on
from event_store.pages import PAGE_BYTES
from event_store.subscriptions import Subscription, follow

from ..sql.sealing import append, append_old, seal_then
from ..sql.stores import Store
from ..sql.test_retention import retire

COUNT, SIZE = 24, 1_000_000
#: What the server compresses to almost nothing, and what it cannot compress.
TEXTS: dict[str, Callable[[], str]] = {
    "alike": lambda: "x" * SIZE,
    "random": lambda: random.randbytes(SIZE // 2).hex(),  # noqa: S311
}


@pytest.fixture(params=TEXTS)
def large(request: pytest.FixtureRequest, empty_conninfo: str) -> Iterator[tuple[EventStore, UUID]]:
    """A store of large events of one aggregate, and of a small one."""
    with EventStore(empty_conninfo) as client:
        aggregate = uuid4()
        for _ in range(COUNT):
            event = NewEvent("Large", {"text": TEXTS[request.param]()})
            client.append_event("Large", aggregate, event, expected=ANY)
        last = client.append_event("Small", uuid4(), NewEvent("Small", {}), expected=ANY)
        while client.feed_end().global_position < last.global_position:
            pass
        yield client, aggregate


def is_bearable(events: Sequence[StoredEvent]) -> bool:
    return sum(len(event.data.get("text", "")) for event in events) <= PAGE_BYTES + SIZE


def test_no_page_is_larger_and_none_is_left_out(large: tuple[EventStore, UUID]) -> None:
    client, aggregate = large
    for types in (None, ["Large", "Small"]):
        pages = [page.events for page in follow(client, to_the_end=True, aggregate_types=types)]
        assert all(is_bearable(page) for page in pages)
        assert len(pages) > 1
        events = [event for page in pages for event in page]
        assert [event.event_version for event in events if event.aggregate_id == aggregate] == [*range(1, COUNT + 1)]
        assert events[-1].event_type == "Small"
    assert is_bearable(client.scan_feed(event_types=["Large"]).events)

    parts = list(client.load_pages("Large", aggregate))
    assert all(is_bearable(part.events) for part in parts)
    assert len(parts) > 1
    assert [event.event_version for part in parts for event in part.events] == [*range(1, COUNT + 1)]

    client.create_subscription("large", event_types=["Large"])
    versions: list[int] = []
    for delivery in Subscription(client, "large").deliveries(to_the_end=True):
        assert is_bearable(delivery.events)
        versions += [event.event_version for event in delivery.events]
        delivery.acknowledge()
    assert versions == [*range(1, COUNT + 1)]
    client.reset_subscription("large")
    claim = client.claim_partition("large", "reader")
    assert claim is not None
    assert is_bearable(client.run(look_on(claim, START, 1000)).events)


def test_an_aggregate_comes_in_parts_as_it_was_when_the_first_one_was_read(empty_conninfo: str) -> None:
    with EventStore(empty_conninfo) as client:
        aggregate = uuid4()
        assert list(client.load_pages("Parts", aggregate)) == []
        for number in range(5):
            client.append_event("Parts", aggregate, NewEvent("Said", {"number": number}), expected=number)
        client.save_snapshot("Parts", aggregate, 2, {"number": 1})

        parts = client.load_pages("Parts", aggregate)
        first = next(parts)
        assert (first.snapshot and first.snapshot.aggregate_version, first.events, first.version) == (2, [], 2)
        client.append_event("Parts", aggregate, NewEvent("Said", {}), expected=5)
        assert [event.event_version for part in parts for event in part.events] == [3, 4, 5]

        assert [part.version for part in client.load_pages("Parts", aggregate, at_version=2)] == [2]
        assert [part.version for part in client.load_pages("Parts", aggregate, at_version=4, snapshot_version=7)] == [4]
        at_time = client.get_events("Parts", aggregate)[0].created_at
        assert [part.version for part in client.load_pages("Parts", aggregate, at_time=at_time)] == [1]


def test_parts_of_an_aggregate_are_refused_if_events_have_left(empty_store: Store, empty_conninfo: str) -> None:
    admin = empty_store.connect("postgres")
    ended, going_on = append_old(admin, 2), append_old(admin, 2)
    seal_then(admin)
    append(empty_store.connect(), 2, aggregate_id=going_on, version=2)
    with EventStore(empty_conninfo) as client:
        client.save_snapshot("Position", going_on, 2, {})
        retire(admin, 1, 1)

        parts = list(client.load_pages("Position", going_on))
        assert [(part.snapshot is not None, part.version) for part in parts] == [(True, 2), (False, 4)]
        for aggregate, layout in ((going_on, 9), (ended, None)):
            with pytest.raises(errors.RetentionRefusedError, match="have left the store"):
                list(client.load_pages("Position", aggregate, snapshot_version=layout))
