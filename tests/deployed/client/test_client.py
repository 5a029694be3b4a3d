"""What the client says to the store, and what it makes of the answers; synchronous and asynchronous."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from event_store import ANY, NO_RETRIES, NOT_THERE, THERE, errors
from event_store.async_client import AsyncEventStore
from event_store.client import EventStore
from event_store.events import Append, Command, Loaded, NewEvent, Origin, StoredEvent
from event_store.retries import Retries

Connect = Callable[..., "psycopg.Connection[Any]"]


def sold(shares: int) -> NewEvent:
    return NewEvent("SharesSold", {"shares": shares})


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_appended_is_read(client: EventStore, count: int) -> None:
    aggregate, correlation, causation = uuid4(), uuid4(), uuid4()
    before = datetime.now(UTC) - timedelta(minutes=5)
    origin = Origin("alice", "user", "ui", causation_id=causation, correlation_id=correlation)
    events = [
        NewEvent("SharesBought", {"shares": n, "price": 2.5, "ä": None}, {"note": "x"}, schema_version=2)
        for n in range(count)
    ]
    appended = client.append_events("Position", aggregate, events, expected=NOT_THERE, origin=origin)
    stored = client.get_events("Position", aggregate)
    assert [(e.event_version, e.event_type, e.data, e.metadata, e.schema_version) for e in stored] == [
        (n + 1, "SharesBought", {"shares": n, "price": 2.5, "ä": None}, {"note": "x"}, 2) for n in range(count)
    ]
    assert {(e.aggregate_type, e.aggregate_id, e.actor, e.actor_type, e.source) for e in stored} == {
        ("Position", aggregate, "alice", "user", "ui")
    }
    assert {(e.causation_id, e.correlation_id) for e in stored} == {(causation, correlation)}
    assert stored[-1].event_version == appended.event_version
    assert stored[-1].global_position == appended.global_position
    assert all(e.created_at.tzinfo and e.created_at > before and e.transaction_id > 0 for e in stored)


def test_an_event_may_bring_its_ids(client: EventStore) -> None:
    aggregate, event_id, cause, correlation = (uuid4() for _ in range(4))
    event = NewEvent("Told", {}, event_id=event_id, causation_id=cause, correlation_id=correlation)
    client.append_events("Ids", aggregate, [event], expected=NOT_THERE)
    command = Command("Tell")
    client.append_events("Ids", aggregate, [NewEvent("Told", {})] * 2, expected=1, command=command)
    first, second, _ = client.get_events("Ids", aggregate)
    assert (first.event_id, first.causation_id, first.correlation_id) == (event_id, cause, correlation)
    assert (second.causation_id, second.correlation_id) == (command.command_id, None)
    with pytest.raises(errors.EventIdStoredError):
        client.append_events("Ids", aggregate, [event], expected=ANY)


def test_expectations(client: EventStore) -> None:
    aggregate = uuid4()
    with pytest.raises(errors.VersionConflictError):
        client.append_events("Expected", aggregate, [sold(1)], expected=THERE)
    client.append_events("Expected", aggregate, [sold(1)], expected=NOT_THERE)
    client.append_events("Expected", aggregate, [sold(1)], expected=THERE)
    client.append_events("Expected", aggregate, [sold(1)], expected=ANY)
    client.append_events("Expected", aggregate, [sold(1)], expected=3)
    with pytest.raises(errors.VersionConflictError) as conflict:
        client.append_events("Expected", aggregate, [sold(1), sold(2)], expected=2)
    assert (conflict.value.expected, conflict.value.actual) == ("2", 4)
    assert conflict.value.hint
    assert isinstance(conflict.value.__cause__, psycopg.Error)


def test_each_expectation_that_fails_tells_the_actual_version(client: EventStore) -> None:
    aggregate = uuid4()
    with pytest.raises(errors.VersionConflictError) as conflict:
        client.append_events("Expected", aggregate, [sold(1)], expected=THERE)
    assert conflict.value.actual == 0
    assert conflict.value.expected
    client.append_events("Expected", aggregate, [sold(1)], expected=NOT_THERE)
    with pytest.raises(errors.VersionConflictError) as conflict:
        client.append_events("Expected", aggregate, [sold(1)], expected=NOT_THERE)
    assert conflict.value.actual == 1


def test_several_aggregates_or_none(client: EventStore) -> None:
    one, other = uuid4(), uuid4()
    results = client.append_to_aggregates(
        [Append("A", other, [sold(1), sold(2)], NOT_THERE), Append("B", one, [sold(3)], ANY)]
    )
    assert [result.event_version for result in results] == [2, 1]
    with pytest.raises(errors.VersionConflictError):
        client.append_to_aggregates([Append("A", other, [sold(3)], 2), Append("B", one, [sold(3)], 7)])
    assert [len(client.get_events("A", other)), len(client.get_events("B", one))] == [2, 1]


@pytest.mark.parametrize("bad", ["", "x" * 256])
def test_what_the_store_refuses_is_an_error_of_its_own_or_the_drivers(client: EventStore, bad: str) -> None:
    with pytest.raises((errors.MalformedArgumentError, psycopg.DataError)):
        client.append_events("Bad", uuid4(), [NewEvent(bad, {})], expected=ANY)


def test_the_same_command_returns_its_first_result(client: EventStore) -> None:
    aggregate, command = uuid4(), Command("Sell", data={"shares": 5})
    assert not client.check_command_processed(command.command_id)
    first = client.append_events("Commanded", aggregate, [sold(5)], expected=NOT_THERE, command=command)
    client.append_events("Commanded", aggregate, [sold(1)], expected=1)
    again = client.append_events("Commanded", aggregate, [sold(5)], expected=NOT_THERE, command=command)
    assert again == first
    assert client.check_command_processed(command.command_id)
    assert len(client.get_events("Commanded", aggregate)) == 2
    other = Command("Sell", command.command_id, {"shares": 6})
    with pytest.raises(errors.CommandIdReusedError):
        client.append_events("Commanded", aggregate, [sold(6)], expected=ANY, command=other)


def test_a_command_without_events_belongs_to_a_transaction(client: EventStore) -> None:
    aggregate, command = uuid4(), Command("Look")

    def fail() -> None:
        with client.transaction() as session:
            assert session.record_command(command, "Commanded", aggregate)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with client.transaction() as session:
        assert session.record_command(command, "Commanded", aggregate)
        assert not session.record_command(command, "Commanded", aggregate)


def test_a_transaction_holds_several_appends_together(client: EventStore) -> None:
    aggregate = uuid4()

    def append() -> None:
        with client.transaction() as session:
            session.append_events("Together", aggregate, [sold(1)], expected=NOT_THERE)
            session.append_events("Together", aggregate, [sold(1)], expected=7)

    with pytest.raises(errors.VersionConflictError):
        append()
    assert client.get_events("Together", aggregate) == []


def test_the_client_makes_ids_that_grow_with_time(client: EventStore) -> None:
    aggregate = uuid4()
    for count in (1, 2):
        client.append_events("Ids", aggregate, [sold(1)] * count, expected=ANY)
    client.append_to_aggregates([Append("Ids", aggregate, [sold(1)], ANY)])
    ids = [event.event_id for event in client.get_events("Ids", aggregate)]
    assert len(set(ids)) == 4
    assert {event_id.version for event_id in ids} == {7}
    milliseconds = [event_id.int >> 80 for event_id in ids]
    assert milliseconds == sorted(milliseconds)
    assert not any(client.check_command_processed(event_id) for event_id in ids)


def test_without_retries_the_server_makes_the_ids(conninfo: str) -> None:
    aggregate = uuid4()
    with EventStore(conninfo, retries=NO_RETRIES) as client:
        client.append_events("Ids", aggregate, [sold(1)], expected=ANY)
        assert client.get_events("Ids", aggregate)[0].event_id.version == 7


def test_reads_of_one_aggregate(client: EventStore) -> None:
    aggregate = uuid4()
    client.append_events("Read", aggregate, [sold(n) for n in range(1, 6)], expected=NOT_THERE)

    def versions(events: list[StoredEvent]) -> list[int]:
        return [event.event_version for event in events]

    assert versions(client.get_events("Read", aggregate)) == [1, 2, 3, 4, 5]
    assert versions(client.get_events("Read", aggregate, from_version=2, max_count=2)) == [2, 3]
    assert versions(client.get_events_since("Read", aggregate, 3)) == [4, 5]
    assert versions(client.get_events_backward("Read", aggregate, max_count=2)) == [5, 4]
    assert versions(client.get_events_backward("Read", aggregate, from_version=2)) == [2, 1]
    assert client.get_events("Read", uuid4()) == []


def test_reads_across_aggregates(client: EventStore) -> None:
    category, correlation, cause = f"Category {uuid4()}", uuid4(), uuid4()
    origin = Origin(correlation_id=correlation, causation_id=cause)
    event_type = f"Type {uuid4()}"
    for _ in range(3):
        client.append_events(category, uuid4(), [NewEvent(event_type, {})], expected=ANY, origin=origin)
    by_time = client.get_events_by_type(event_type)
    assert len(by_time) == 3
    page = client.get_events_by_type(
        event_type, from_time=by_time[0].created_at, after_position=by_time[0].global_position, max_count=1
    )
    assert page == by_time[1:2]
    assert client.get_events_by_type_backward(event_type) == by_time[::-1]
    first, last = by_time[0].created_at, by_time[-1].created_at
    within = client.get_events_in_time_range(first, last + timedelta(microseconds=1))
    assert [event for event in within if event.event_type == event_type] == by_time

    # What is read by cursor waits for older transactions, of other databases as well.
    while client.feed_end() < by_time[-1].cursor:
        pass
    assert client.get_events_by_category(category) == by_time
    assert client.get_events_by_category(category, after=by_time[0].cursor, max_count=1) == by_time[1:2]
    assert client.get_events_by_category_backward(category) == by_time[::-1]
    assert client.get_events_by_category_backward(category, before=by_time[1].cursor) == by_time[:1]
    assert client.get_events_by_correlation(correlation) == by_time
    assert client.get_events_by_causation(cause, after=by_time[1].cursor) == by_time[2:]
    filtered = client.read_feed(aggregate_types=[category], event_types=[event_type], max_count=10_000)
    assert list(filtered.events) == by_time


def test_load_begins_with_the_snapshot(client: EventStore) -> None:
    aggregate = uuid4()
    assert client.load_aggregate("Loaded", aggregate) == Loaded(None, [])
    assert client.load_aggregate("Loaded", aggregate).version == 0
    client.append_events("Loaded", aggregate, [sold(n) for n in range(3)], expected=NOT_THERE)
    assert client.get_snapshot("Loaded", aggregate) is None
    with pytest.raises(errors.SnapshotAheadError):
        client.save_snapshot("Loaded", aggregate, 4, {"shares": 3})
    assert client.save_snapshot("Loaded", aggregate, 2, {"shares": 1}, snapshot_version=3)
    assert not client.save_snapshot("Loaded", aggregate, 2, {"shares": 1}, snapshot_version=3)
    loaded = client.load_aggregate("Loaded", aggregate)
    assert loaded.snapshot is not None
    assert loaded.snapshot == client.get_snapshot("Loaded", aggregate)
    assert (loaded.snapshot.aggregate_version, loaded.snapshot.snapshot_version) == (2, 3)
    assert loaded.snapshot.data == {"shares": 1}
    assert [event.event_version for event in loaded.events] == [3]
    assert loaded.version == 3
    assert client.load_aggregate("Loaded", aggregate, snapshot_version=1).snapshot is None
    assert client.load_aggregate("Loaded", aggregate, at_version=2).version == 2
    assert client.get_snapshot("Loaded", aggregate, at_version=1) is None


def test_the_asynchronous_client_does_the_same(conninfo: str) -> None:
    async def scenario() -> None:
        aggregate = uuid4()
        async with AsyncEventStore(conninfo) as client:
            command = Command("Sell", data={})
            first = await client.append_events("Async", aggregate, [sold(1)], expected=NOT_THERE, command=command)
            assert first == await client.append_events(
                "Async", aggregate, [sold(1)], expected=NOT_THERE, command=command
            )
            with pytest.raises(errors.VersionConflictError):
                await client.append_events("Async", aggregate, [sold(1), sold(2)], expected=NOT_THERE)
            async with client.transaction() as session:
                await session.append_events("Async", aggregate, [sold(2)], expected=1)
            await client.save_snapshot("Async", aggregate, 1, {"shares": 1})
            loaded = await client.load_aggregate("Async", aggregate)
            assert loaded.version == 2
            assert loaded.snapshot is not None
            appended = await client.decide("Async", aggregate, lambda loaded: [sold(loaded.version)])
            assert appended is not None
            assert [event.data["shares"] for event in await client.get_events("Async", aggregate)] == [1, 2, 2]

    asyncio.run(scenario())


def test_decide_begins_again_after_a_conflict(client: EventStore) -> None:
    aggregate, seen = uuid4(), list[int]()

    def decision(loaded: Loaded) -> list[NewEvent]:
        if len(seen) < 3:
            client.append_events("Decided", aggregate, [sold(0)], expected=ANY)
        seen.append(loaded.version)
        return [sold(loaded.version)]

    appended = client.decide("Decided", aggregate, decision)
    assert seen == [0, 1, 2, 3]
    assert appended is not None
    assert appended.event_version == 4
    assert client.get_events("Decided", aggregate)[-1].data == {"shares": 3}


def test_a_decision_has_the_snapshot_and_all_events_after_a_conflict(client: EventStore) -> None:
    aggregate, seen = uuid4(), list[Loaded]()
    client.append_events("Decided", aggregate, [sold(0), sold(1), sold(2)], expected=0)
    client.save_snapshot("Decided", aggregate, 2, {"sold": 1})

    def decision(loaded: Loaded) -> list[NewEvent]:
        seen.append(loaded)
        if len(seen) == 1:
            client.append_events("Decided", aggregate, [sold(3), sold(4)], expected=ANY)
        return [sold(5)]

    assert client.decide("Decided", aggregate, decision)
    assert [[event.event_version for event in loaded.events] for loaded in seen] == [[3], [3, 4, 5]]
    assert seen[1] == client.load_aggregate("Decided", aggregate, at_version=5)


def test_decide_appends_nothing_when_there_is_nothing_to_do(client: EventStore) -> None:
    assert client.decide("Decided", uuid4(), lambda _: []) is None


def test_decide_gives_up_after_so_many_conflicts(conninfo: str) -> None:
    aggregate = uuid4()
    with EventStore(conninfo, retries=Retries(conflicts=3)) as client:

        def decision(loaded: Loaded) -> list[NewEvent]:
            client.append_events("Decided", aggregate, [sold(0)], expected=loaded.version)
            return [sold(1)]

        with pytest.raises(errors.VersionConflictError):
            client.decide("Decided", aggregate, decision)
