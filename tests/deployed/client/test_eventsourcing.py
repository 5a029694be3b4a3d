"""The adapter for the library `eventsourcing`: the library's own test cases, and what they do not ask."""

import threading
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

import pytest
from eventsourcing import persistence
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.persistence import DCBInfrastructureFactory
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.utils import Environment
from psycopg.conninfo import make_conninfo

from event_store import ANY
from event_store.client import EventStore
from event_store.events import NewEvent
from event_store.eventsourcing import Factory, LostNotificationsError
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.eventsourcing.tracking import EventStoreProcessRecorder

from ..sql.stores import Store
from . import eventsourcing_cases
from .relay import Relay


def each_test(*cases: type[TestCase]) -> list[Any]:
    """All tests of the library's classes."""
    names = unittest.defaultTestLoader.getTestCaseNames
    return [pytest.param(case, name, id=f"{case.__name__}-{name}") for case in cases for name in names(case)]


def stored(originator_id: UUID | str, *versions: int, state: bytes = b"{}", topic: str = "topic") -> list[StoredEvent]:
    return [StoredEvent(originator_id, version, topic, state) for version in versions]


@pytest.fixture
def factory(conninfo: str) -> Iterator[Factory]:
    """Recorders of an application that nobody else uses."""
    with Factory(Environment(f"App{uuid4().hex[:8]}", {"EVENT_STORE_CONNINFO": conninfo})) as factory:
        yield factory


@pytest.fixture
def recorder(factory: Factory) -> EventStoreApplicationRecorder:
    """A recorder with a notification log."""
    recorder = factory.application_recorder()
    assert isinstance(recorder, EventStoreApplicationRecorder)
    return recorder


@pytest.mark.parametrize(("case", "name"), each_test(*eventsourcing_cases.RECORDER_CASES))
def test_recorder_as_the_library_tests_it(factory: Factory, case: type[TestCase], name: str) -> None:
    eventsourcing_cases.FACTORY[:] = [factory]
    case(name).debug()


# The case looks at the warnings itself, and expects them not to be errors.
@pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("case", "name"), each_test(*eventsourcing_cases.APPLICATION_CASES))
def test_application_as_the_library_tests_it(
    empty_conninfo: str, monkeypatch: pytest.MonkeyPatch, case: type[TestCase], name: str
) -> None:
    monkeypatch.setenv("PERSISTENCE_MODULE", "event_store.eventsourcing")
    monkeypatch.setenv("EVENT_STORE_CONNINFO", empty_conninfo)
    with Factory(Environment("", {"EVENT_STORE_CONNINFO": empty_conninfo})) as factory:
        eventsourcing_cases.FACTORY[:] = [factory]
        case(name).debug()


def test_a_reader_of_the_log_sees_each_id_once_and_in_order_while_others_insert(
    recorder: EventStoreApplicationRecorder,
) -> None:
    writers, inserts, size = 4, 25, 3
    done, seen = threading.Event(), list[int]()

    def read() -> None:
        while not done.is_set() or recorder.max_notification_id() != len(seen):
            start = seen[-1] if seen else 0
            page = recorder.select_notifications(start=start, limit=10, inclusive_of_start=False)
            seen.extend(notification.id for notification in page)

    def write(_: int) -> None:
        for _ in range(inserts):
            # Two originators in turns: ids are in the order of the list, not of the streams.
            one, other = uuid4(), uuid4()
            events = [*stored(one, 1), *stored(other, 1), *stored(one, 2)]
            ids = recorder.insert_events(events)
            assert ids is not None
            assert list(ids) == list(range(ids[0], ids[0] + size))

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    done.set()
    reader.join()
    assert seen == list(range(1, writers * inserts * size + 1))


def test_the_order_of_the_log_is_that_of_the_feed(recorder: EventStoreApplicationRecorder) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: recorder.insert_events(stored(uuid4(), 1, 2)), range(40)))
    with recorder.datastore.transaction() as cursor:
        cursor.execute(
            "SELECT event_id FROM event_store.events WHERE aggregate_type = %s ORDER BY transaction_id, global_position",
            [recorder.application],
        )
        in_feed = [row["event_id"] for row in cursor.fetchall()]
    assert len(in_feed) == 80
    assert in_feed == sorted(in_feed, key=lambda event_id: event_id.bytes)


@pytest.mark.parametrize("first", [0, 1, 7])
def test_versions_may_begin_anywhere_and_go_on_without_a_gap(
    recorder: EventStoreApplicationRecorder, first: int
) -> None:
    originator = uuid4()
    recorder.insert_events(stored(originator, first, first + 1))
    recorder.insert_events(stored(originator, first + 2))
    assert [event.originator_version for event in recorder.select_events(originator)] == [first, first + 1, first + 2]
    assert [event.originator_version for event in recorder.select_events(originator, gt=first, lte=first + 1)] == [
        first + 1
    ]
    for versions in ([first + 4], [first + 3, first + 5], [first + 2], [first - 1], [first]):
        with pytest.raises(persistence.IntegrityError):
            recorder.insert_events(stored(originator, *versions))
    assert len(recorder.select_events(originator)) == 3


@pytest.mark.parametrize("state", [b"", b"\x00\xff", b"text", b'{"b":1,"a":[1.5,"\xc3\xa4"]}', b'{"a":1e+20}', b"{}"])
def test_any_state_comes_back_byte_by_byte(recorder: EventStoreApplicationRecorder, state: bytes) -> None:
    originator = uuid4()
    recorder.insert_events(stored(originator, 1, state=state))
    assert [event.state for event in recorder.select_events(originator)] == [state]


def test_json_is_open_to_sql(recorder: EventStoreApplicationRecorder, client: EventStore) -> None:
    originator = uuid4()
    recorder.insert_events(stored(originator, 1, state=b'{"shares":5,"symbol":"AAPL"}', topic="module:Bought"))
    event = client.get_events(recorder.application, originator)[0]
    assert (event.event_type, event.data) == ("module:Bought", {"shares": 5, "symbol": "AAPL"})


def test_an_insert_whose_answer_was_lost_is_not_inserted_twice(
    recorder: EventStoreApplicationRecorder, relay: Relay
) -> None:
    originator = uuid4()
    recorder.insert_events(stored(uuid4(), 1))
    relay.lose_answer(b"COMMIT")
    ids = recorder.insert_events(stored(originator, 1, 2))
    assert relay.losses_left == 0
    assert ids is not None
    assert list(ids) == [2, 3]
    assert recorder.max_notification_id() == 3
    assert len(recorder.select_events(originator)) == 2


@pytest.mark.parametrize("others", [0, 1])
def test_an_insert_without_a_log_is_not_inserted_twice_either(factory: Factory, relay: Relay, others: int) -> None:
    recorder, originator, topic = factory.aggregate_recorder(), uuid4(), uuid4().hex
    relay.lose_answer(topic.encode())
    recorder.insert_events([*stored(originator, 1, 2, topic=topic), *stored(uuid4(), *range(others), topic=topic)])
    assert relay.losses_left == 0
    assert len(recorder.select_events(originator)) == 2
    with pytest.raises(persistence.IntegrityError):
        recorder.insert_events(stored(originator, 2))


@pytest.mark.parametrize("events", [0, 2])
def test_events_and_tracking_whose_answer_was_lost_are_there_once(factory: Factory, relay: Relay, events: int) -> None:
    recorder = factory.process_recorder()
    assert isinstance(recorder, EventStoreProcessRecorder)
    originator = uuid4()
    relay.lose_answer(b"COMMIT")
    recorder.insert_events(stored(originator, *range(events)), tracking=Tracking("upstream", 5))
    assert relay.losses_left == 0
    assert recorder.max_tracking_id("upstream") == 5
    assert len(recorder.select_events(originator)) == events


def test_neither_events_without_tracking_nor_tracking_without_events(factory: Factory) -> None:
    recorder = factory.process_recorder()
    one, other = uuid4(), uuid4()
    recorder.insert_events(stored(one, 1), tracking=Tracking("upstream", 5))
    with pytest.raises(persistence.IntegrityError):
        recorder.insert_events(stored(other, 1), tracking=Tracking("upstream", 5))
    with pytest.raises(persistence.IntegrityError):
        recorder.insert_events(stored(one, 1), tracking=Tracking("upstream", 6))
    assert recorder.select_events(other) == []
    assert recorder.max_tracking_id("upstream") == 5


def test_snapshots_are_those_of_the_store(factory: Factory, recorder: EventStoreApplicationRecorder) -> None:
    snapshots, originator = factory.aggregate_recorder("snapshots"), uuid4()
    recorder.insert_events(stored(originator, 0, 1, 2, 3))
    snapshots.insert_events(stored(originator, 1, state=b"one", topic="Snapshot"))
    snapshots.insert_events(stored(originator, 3, state=b'{"a":3}', topic="Snapshot"))
    assert snapshots.select_events(originator) == [
        *stored(originator, 1, state=b"one", topic="Snapshot"),
        *stored(originator, 3, state=b'{"a":3}', topic="Snapshot"),
    ]
    assert [event.originator_version for event in snapshots.select_events(originator, lte=2, desc=True, limit=1)] == [1]
    with pytest.raises(persistence.ProgrammingError):
        snapshots.insert_events(stored(originator, 4))
    loaded = recorder.datastore.store.load_aggregate(recorder.application, originator)
    assert loaded.snapshot is not None
    assert (loaded.snapshot.aggregate_version, loaded.events) == (4, [])


def test_what_others_append_there_is_refused_and_not_in_the_log(
    recorder: EventStoreApplicationRecorder, client: EventStore
) -> None:
    originator = uuid4()
    client.append_events(recorder.application, originator, [NewEvent("Other", {})], expected=ANY)
    assert recorder.max_notification_id() is None
    with pytest.raises(persistence.DataError):
        recorder.select_events(originator)
    with pytest.raises(persistence.DataError):
        recorder.insert_events(stored(originator, 2))


def test_errors_are_the_librarys(recorder: EventStoreApplicationRecorder, conninfo: str) -> None:
    with pytest.raises(persistence.ProgrammingError):
        recorder.insert_events(stored(uuid4(), 1, topic=""))
    with pytest.raises(persistence.ProgrammingError), recorder.datastore.transaction() as cursor:
        cursor.execute("SELECT nonsense")
    with Factory({"EVENT_STORE_CONNINFO": make_conninfo(conninfo, port=1)}) as nowhere:
        nowhere.datastore.store.retries = nowhere.datastore.store.retries.__class__(timeout=1)
        with pytest.raises(persistence.OperationalError):
            nowhere.application_recorder().max_notification_id()


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"EVENT_STORE_CONNINFO": "dbname=x", "EVENT_STORE_POOL_SIZE": "many"},
        {"EVENT_STORE_CONNINFO": "dbname=x", "EVENT_STORE_POOL_SIZE": "0"},
    ],
)
def test_an_environment_that_says_too_little_is_an_error(env: dict[str, str]) -> None:
    with pytest.raises(OSError, match="EVENT_STORE_"):
        Factory(env)


def test_the_factory_of_decisions_is_found_where_the_other_one_is(
    empty_conninfo: str,
) -> None:
    environment = {"PERSISTENCE_MODULE": "event_store.eventsourcing", "EVENT_STORE_CONNINFO": empty_conninfo}
    with DCBInfrastructureFactory.construct(Environment("Courses", environment)) as factory:
        assert factory.dcb_recorder().append([DCBEvent("Opened", b"{}")]) == 1


def test_one_of_many_decisions_is_stored_and_positions_have_no_gap(factory: Factory) -> None:
    recorder = factory.dcb_recorder()
    query = DCBQuery([DCBQueryItem(tags=["name:ada"])])

    def decide(number: int) -> int:
        head = recorder.read(query).head
        try:
            return recorder.append(
                [DCBEvent("NameTaken", b"\0", ["name:ada"]), DCBEvent("Welcomed", b"{}")], DCBAppendCondition(query)
            )
        except persistence.IntegrityError:
            return recorder.append([DCBEvent("Refused", b"text", [str(number)])], DCBAppendCondition(query, head or 2))

    with ThreadPoolExecutor(6) as pool:
        positions = sorted(pool.map(decide, range(6)))
    assert positions == [2, 3, 4, 5, 6, 7]
    events = list(recorder.read())
    assert [event.position for event in events] == list(range(1, 8))
    assert [event.event.data for event in events] == [b"\0", b"{}", *[b"text"] * 5]
    assert [event.event.type for event in recorder.read(query)] == ["NameTaken"]


def test_an_append_of_decisions_whose_answer_was_lost_is_made_once(factory: Factory, relay: Relay) -> None:
    recorder = factory.dcb_recorder()
    query = DCBQuery([DCBQueryItem(tags=["name:bob"])])
    recorder.append([DCBEvent("Opened", b"{}")])
    relay.lose_answer(b"COMMIT")
    assert recorder.append([DCBEvent("NameTaken", b"{}", ["name:bob"])], DCBAppendCondition(query)) == 2
    assert relay.losses_left == 0
    assert [event.position for event in recorder.read(query)] == [2]


def test_a_decision_on_what_is_of_a_lost_history_is_refused(empty_store: Store, empty_conninfo: str) -> None:
    environment, query = {"EVENT_STORE_CONNINFO": empty_conninfo}, DCBQuery([DCBQueryItem(tags=["name:eve"])])
    events = [DCBEvent("NameTaken", b"{}", ["name:eve"])]
    with Factory(Environment("Names", environment)) as factory:
        assert factory.dcb_recorder().append([DCBEvent("Opened", b"{}")] * 2) == 2
    with empty_store.connect("postgres") as admin:
        # As if the server had been started since.
        admin.execute("UPDATE event_store.settings SET server_start = '2000-01-01'")
    with Factory(Environment("Names", environment)) as factory:
        recorder = factory.dcb_recorder()
        assert recorder.append([DCBEvent("Renamed", b"{}")]) > 3
        with pytest.raises(LostNotificationsError) as lost:
            recorder.append(events, DCBAppendCondition(query, after=3))
        assert lost.value.back_to == 2
        last = recorder.append(events, DCBAppendCondition(query, after=2))
        assert [event.position for event in recorder.read(query)] == [last]
