"""Connections break at the worst moment, and every acknowledged append is there exactly once."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from event_store import ANY, NO_RETRIES, NOT_THERE, errors
from event_store.async_client import AsyncEventStore
from event_store.client import EventStore, Session
from event_store.events import Append, Appended, Command, Loaded, NewEvent
from event_store.retries import Retries

from ..sql.stores import Server, Store
from .relay import Relay, relay_to


def marked() -> tuple[str, list[NewEvent]]:
    """An event that can be told from all others, also on its way."""
    marker = uuid4().hex
    return marker, [NewEvent("Marked", {"marker": marker})]


def stored(client: EventStore, aggregate: UUID) -> list[str]:
    return [event.data["marker"] for event in client.get_events("Faults", aggregate)]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("count", [1, 5])
def test_an_append_whose_answer_was_lost_is_not_appended_twice(
    client: EventStore, relay: Relay, times: int, count: int
) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    relay.lose_answer(marker.encode(), times)
    appended = client.append_events("Faults", aggregate, events * count, expected=NOT_THERE)
    assert relay.losses_left == 0
    assert stored(client, aggregate) == [marker] * count
    last = client.get_events_backward("Faults", aggregate, max_count=1)[0]
    assert appended == Appended(last.event_version, last.global_position)


@pytest.mark.parametrize("expected", [NOT_THERE, ANY])
def test_a_command_whose_answer_was_lost_is_not_processed_twice(
    client: EventStore, relay: Relay, expected: int | None
) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    relay.lose_answer(marker.encode(), 2)
    appended = client.append_events("Faults", aggregate, events, expected=expected, command=Command("Mark"))
    assert relay.losses_left == 0
    assert stored(client, aggregate) == [marker]
    assert appended.event_version == 1


def test_an_append_that_expects_nothing_is_not_repeated_either(client: EventStore, relay: Relay) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    relay.lose_answer(marker.encode())
    appended = client.append_events("Faults", aggregate, events, expected=ANY)
    client.append_events("Faults", aggregate, events, expected=ANY)
    assert (relay.losses_left, appended.event_version) == (0, 1)
    assert stored(client, aggregate) == [marker] * 2


def test_a_conflict_with_somebody_else_stays_one_also_after_a_loss(client: EventStore, relay: Relay) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    client.append_events("Faults", aggregate, [NewEvent("Marked", {"marker": "other"})], expected=NOT_THERE)
    # The answer that is lost is the refusal.
    relay.lose_answer(marker.encode())
    with pytest.raises(errors.VersionConflictError):
        client.append_events("Faults", aggregate, events, expected=NOT_THERE)
    assert relay.losses_left == 0
    assert stored(client, aggregate) == ["other"]


def test_an_append_to_several_aggregates_whose_answer_was_lost(client: EventStore, relay: Relay) -> None:
    one, other, (marker, events) = uuid4(), uuid4(), marked()
    relay.lose_answer(marker.encode())
    appended = client.append_to_aggregates(
        [Append("Faults", one, events, NOT_THERE), Append("Faults", other, events * 2, NOT_THERE)]
    )
    assert relay.losses_left == 0
    assert [result.event_version for result in appended] == [1, 2]
    assert [stored(client, one), stored(client, other)] == [[marker], [marker] * 2]


def test_a_decision_whose_answer_was_lost(client: EventStore, relay: Relay) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    decisions = []

    def decision(loaded: Loaded) -> list[NewEvent]:
        decisions.append(loaded.version)
        return events

    relay.lose_answer(marker.encode())
    appended = client.decide("Faults", aggregate, decision)
    assert (relay.losses_left, decisions, stored(client, aggregate)) == (0, [0], [marker])
    assert appended is not None
    assert appended.event_version == 1


def test_a_transaction_whose_commit_was_lost_looks_before_it_works_again(client: EventStore, relay: Relay) -> None:
    aggregate, (marker, events), command = uuid4(), marked(), Command("Work")
    attempts = []

    def work(session: Session, may_be_done: bool) -> None:
        attempts.append(may_be_done)
        if not (may_be_done and session.check_command_processed(command.command_id)):
            session.append_events("Faults", aggregate, events, expected=ANY, command=command)

    relay.lose_answer(b"COMMIT")
    client.repeat(work)
    assert (relay.losses_left, attempts, stored(client, aggregate)) == (0, [False, True], [marker])


def test_the_asynchronous_client_appends_once_as_well(conninfo: str, client: EventStore, relay: Relay) -> None:
    aggregate, (marker, events) = uuid4(), marked()

    async def scenario() -> Appended:
        async with AsyncEventStore(conninfo) as asynchronous:
            relay.lose_answer(marker.encode())
            return await asynchronous.append_events("Faults", aggregate, events, expected=NOT_THERE)

    assert asyncio.run(scenario()).event_version == 1
    assert (relay.losses_left, stored(client, aggregate)) == (0, [marker])


def test_without_retries_the_caller_hears_of_the_loss(conninfo: str, relay: Relay) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    with EventStore(conninfo, retries=NO_RETRIES) as client:
        relay.lose_answer(marker.encode())
        with pytest.raises(psycopg.OperationalError):
            client.append_events("Faults", aggregate, events, expected=NOT_THERE)
        assert stored(client, aggregate) == [marker]


def test_a_server_that_turned_into_a_standby_is_left(conninfo: str) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    with EventStore(conninfo, max_size=1) as client:
        with client.session() as session:
            session.connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        client.append_events("Faults", aggregate, events, expected=NOT_THERE)
        assert stored(client, aggregate) == [marker]


def test_the_next_host_takes_over(store: Store, server: Server, conninfo: str) -> None:
    aggregate, (marker, events) = uuid4(), marked()
    with relay_to(server) as second, relay_to(server) as first:
        hosts = make_conninfo(
            conninfo,
            host="127.0.0.1,127.0.0.1",
            port=f"{first.port},{second.port}",
            target_session_attrs="read-write",
        )
        with EventStore(hosts) as client:
            client.append_events("Faults", aggregate, events, expected=NOT_THERE)
            first.close()
            client.append_events("Faults", aggregate, events, expected=1)
            assert stored(client, aggregate) == [marker] * 2


def test_what_cannot_work_is_not_tried_until_the_end_of_time(conninfo: str) -> None:
    nowhere = make_conninfo(conninfo, port=1)
    with pytest.raises(psycopg.OperationalError):
        EventStore(nowhere, retries=Retries(timeout=1)).open(wait=False).feed_end()


@contextmanager
def backends_dying(store: Store) -> Iterator[Counter[str]]:
    """Sessions of the store are terminated one after the other, whatever they are doing."""
    died: Counter[str] = Counter()
    stop = threading.Event()

    def kill() -> None:
        with store.connect("postgres") as connection:
            while not stop.wait(0.1):
                row = connection.execute(
                    "SELECT state, pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
                ).fetchone()
                if row:
                    died[row[0]] += 1

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield died
    finally:
        stop.set()
        killer.join()


def test_every_acknowledged_append_is_there_once_while_backends_die(empty_store: Store, empty_conninfo: str) -> None:
    writers, appends, shared = 6, 40, uuid4()
    acknowledged: dict[str, tuple[UUID, Appended]] = {}

    def write(client: EventStore) -> None:
        own = uuid4()
        for number in range(appends):
            aggregate = shared if number % 4 == 0 else own
            marker, events = marked()
            acknowledged[marker] = (aggregate, client.append_events("Faults", aggregate, events, expected=ANY))

    with EventStore(empty_conninfo, max_size=writers, retries=Retries(timeout=300)) as client:
        with backends_dying(empty_store) as died, ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(write, client) for _ in range(writers)]:
                future.result()
        assert died.total() > 0
    rows = empty_store.connect().execute(
        "SELECT event_data ->> 'marker', aggregate_id, event_version, global_position FROM event_store.events"
    )
    found = rows.fetchall()
    assert len(found) == len(acknowledged) == writers * appends
    assert {row[0]: (row[1], Appended(*row[2:])) for row in found} == acknowledged


def test_every_decision_is_made_once_while_backends_die(empty_store: Store, empty_conninfo: str) -> None:
    aggregate, writers, decisions = uuid4(), 4, 15

    def count(client: EventStore) -> None:
        for _ in range(decisions):
            client.decide("Faults", aggregate, lambda loaded: [NewEvent("Counted", {"number": loaded.version + 1})])

    with EventStore(empty_conninfo, max_size=writers, retries=Retries(timeout=300, conflicts=1000)) as client:
        with backends_dying(empty_store) as died, ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(count, client) for _ in range(writers)]:
                future.result()
        assert died.total() > 0
        numbers = [event.data["number"] for event in client.get_events("Faults", aggregate)]
    assert numbers == list(range(1, writers * decisions + 1))


def test_a_conflict_is_no_reason_to_try_again(client: EventStore) -> None:
    aggregate, (_, events) = uuid4(), marked()
    client.append_events("Faults", aggregate, events, expected=NOT_THERE)
    with pytest.raises(errors.VersionConflictError):
        client.append_events("Faults", aggregate, events, expected=NOT_THERE)
