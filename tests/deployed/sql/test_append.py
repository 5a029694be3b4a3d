"""Appending: expectations, what is stored, what is refused and how it says so, and many writers at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from .appends import Connection, Row, append_event, append_events, at_once, call, counted, is_waiting, refused, stored
from .feed import wait_until
from .stores import Store


def to_aggregates(connection: Connection, *appends: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return call(connection, "append_to_aggregates", appends=list(appends), **more)


def part(aggregate_id: UUID, *numbers: int, expected: int | None = None) -> dict[str, Any]:
    """One of several appends in a call."""
    return {
        "aggregate_type": "Counter",
        "aggregate_id": str(aggregate_id),
        "expected_version": expected,
        "events": counted(*numbers),
    }


def test_an_append_to_a_new_store_looks_at_its_own_aggregate_only(empty_store: Store) -> None:
    # A session plans for the table as it is then; without statistics an index on something else looks just as good.
    appends = 40
    with empty_store.connect() as app:
        for _ in range(appends):
            append_event(app, uuid4())
            append_events(app, uuid4(), counted(1, 2))
            with app.transaction():
                append_event(app, uuid4())
                append_event(app, uuid4())
                append_events(app, uuid4(), counted(1, 2))
        app.execute("SELECT pg_stat_force_next_flush()")
    with empty_store.connect("postgres") as admin:
        read = admin.execute(
            """SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)
                 FROM pg_stat_user_tables t WHERE relid = 'event_store.events'::regclass"""
        ).fetchone()
    assert read is not None
    assert read[0] <= 5 * appends


def test_what_is_appended_is_stored(app: Connection) -> None:
    aggregate, correlation, causation = uuid4(), uuid4(), uuid4()
    first = append_event(
        app,
        aggregate,
        0,
        event_data={"n": 1},
        metadata={"trace": "x"},
        schema_version=2,
        actor="alice",
        actor_type="user",
        source="ui",
        causation_id=causation,
        correlation_id=correlation,
    )
    second = append_events(
        app,
        aggregate,
        [
            {"event_type": "Counted", "event_data": {"n": 2}, "schema_version": 3, "metadata": None},
            {"event_type": "Reset", "event_data": {}, "metadata": {"a": [1]}, "correlation_id": str(correlation)},
        ],
        1,
        causation_id=causation,
    )
    events = stored(app, aggregate)
    assert [event["event_version"] for event in events] == [1, 2, 3]
    assert (first["event_id"], first["event_version"]) == (events[0]["event_id"], 1)
    assert (second["event_version"], second["global_position"]) == (3, events[2]["global_position"])
    assert [event["event_type"] for event in events] == ["Counted", "Counted", "Reset"]
    assert [event["event_data"] for event in events] == [{"n": 1}, {"n": 2}, {}]
    assert [event["metadata"] for event in events] == [{"trace": "x"}, {}, {"a": [1]}]
    assert [event["schema_version"] for event in events] == [2, 3, 1]
    assert [event["causation_id"] for event in events] == [causation] * 3
    assert [event["correlation_id"] for event in events] == [correlation, None, correlation]
    assert [(e["actor"], e["actor_type"], e["source"]) for e in events] == [
        ("alice", "user", "ui"),
        ("system", "system", "system"),
        ("system", "system", "system"),
    ]
    assert {event["created_by"] for event in events} == {"stock_analysis_user"}
    assert [event["created_at"] for event in events] == sorted(event["created_at"] for event in events)


def test_event_ids_are_of_version_7_and_carry_the_time(app: Connection) -> None:
    before = datetime.now(UTC).timestamp()
    ids = [append_event(app, uuid4())["event_id"] for _ in range(20)]
    append_events(app, many := uuid4(), counted(*range(100)))
    ids += [event["event_id"] for event in stored(app, many)]
    assert len(set(ids)) == 120
    for event_id in ids:
        assert event_id.version == 7
        assert event_id.variant == "specified in RFC 4122"
        assert abs((event_id.int >> 80) / 1000 - before) < 3600


@pytest.mark.parametrize("many", [False, True], ids=["one event", "a list"])
def test_expectations(app: Connection, many: bool) -> None:
    def append(aggregate: UUID, expected: int | None) -> int:
        if many:
            return int(append_events(app, aggregate, counted(1, 2), expected)["event_version"])
        return int(append_event(app, aggregate, expected)["event_version"])

    aggregate, step = uuid4(), 2 if many else 1
    with refused("SE001") as refusal:
        append(aggregate, -1)
    assert refusal.message == f"version conflict on Counter {aggregate}"
    assert refusal.detail == "expected version 1 or more, actual version 0"
    with refused("SE001") as refusal:
        append(aggregate, 1)
    assert refusal.detail == "expected version 1, actual version 0"

    assert append(aggregate, 0) == step
    with refused("SE001") as refusal:
        append(aggregate, 0)
    assert refusal.detail == f"expected version 0, actual version {step}"
    assert append(aggregate, step) == 2 * step
    with refused("SE001") as refusal:
        append(aggregate, step)
    assert refusal.detail == f"expected version {step}, actual version {2 * step}"
    assert "decide again" in refusal.hint
    assert append(aggregate, -1) == 3 * step
    assert append(aggregate, None) == 4 * step
    with refused("SE002") as refusal:
        append(aggregate, -2)
    assert refusal.message == "expected_version is malformed: -2"
    assert [event["event_version"] for event in stored(app, aggregate)] == list(range(1, 4 * step + 1))


def test_a_conflict_takes_no_position(app: Connection) -> None:
    aggregate = uuid4()
    before = append_event(app, aggregate)["global_position"]
    for _ in range(3):
        with refused("SE001"):
            append_event(app, aggregate, 0)
        with refused("SE001"):
            append_events(app, aggregate, counted(1, 2, 3), 0)
    assert append_event(app, aggregate)["global_position"] == before + 1


EVENT: dict[str, Any] = {"event_type": "Counted", "event_data": {}}
MALFORMED_LISTS = [
    ({}, "events is not a JSON array but an object"),
    ([], "events is empty"),
    ([EVENT, 1], "events[1] is not a JSON object but a number"),
    ([EVENT, {"event_data": {}}], "events[1].event_type is not a text of 1 to 255 characters"),
    ([EVENT | {"event_type": ""}], "events[0].event_type is not a text of 1 to 255 characters"),
    ([EVENT | {"event_type": 5}], "events[0].event_type is not a text of 1 to 255 characters"),
    ([EVENT | {"event_type": "x" * 256}], "events[0].event_type is not a text of 1 to 255 characters"),
    (['{"event_type": "Counted", "event_data": {}}'], "events[0] is not a JSON object but a string: encoded twice?"),
    ([EVENT | {"event_data": [1]}], "events[0].event_data is not a JSON object but an array"),
    ([EVENT | {"event_data": ' {"n": 1}'}], "events[0].event_data is not a JSON object but a string: encoded twice?"),
    ([EVENT, EVENT, {"event_type": "Counted"}], "events[2].event_data is not a JSON object but missing"),
    ([EVENT | {"metadata": "x"}], "events[0].metadata is not a JSON object but a string"),
    ([EVENT | {"schema_version": 0}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": 1.5}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": "2"}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": " 2"}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": True}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": 2**31}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"schema_version": 10**40}], "events[0].schema_version is not an integer of 1 or more"),
    ([EVENT | {"event_id": "1234"}], "events[0].event_id is not a UUID"),
    ([EVENT, EVENT | {"causation_id": 7}], "events[1].causation_id is not a UUID"),
    ([EVENT | {"correlation_id": {}}], "events[0].correlation_id is not a UUID"),
    ([EVENT | {"correlationId": str(uuid4())}], "events[0].correlationId is unknown"),
]


@pytest.mark.parametrize(("events", "what"), MALFORMED_LISTS, ids=[what for _, what in MALFORMED_LISTS])
def test_a_malformed_list_is_refused_with_the_place(app: Connection, events: Any, what: str) -> None:
    aggregate = uuid4()
    with refused("SE002") as refusal:
        append_events(app, aggregate, events)
    assert refusal.message == f"malformed: {what}"
    several = {"aggregate_type": "Counter", "aggregate_id": str(aggregate), "events": events}
    with refused("SE002") as refusal:
        to_aggregates(app, part(uuid4(), 1), several)
    assert refusal.message == f"malformed: appends[1].{what}"
    assert stored(app, aggregate) == []


def test_a_list_that_was_encoded_twice_is_recognised(app: Connection) -> None:
    with refused("SE002") as refusal:
        append_events(app, uuid4(), Jsonb('[{"event_type": "Counted", "event_data": {}}]'))
    assert refusal.message == "malformed: events is not a JSON array but a string: encoded twice?"
    assert refusal.hint.startswith("Pass the document itself")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"event_type": ""}, "event_type is not a text of 1 to 255 characters"),
        ({"event_type": None}, "event_type is not a text of 1 to 255 characters"),
        ({"event_type": "x" * 256}, "event_type is not a text of 1 to 255 characters"),
        ({"event_data": [1]}, "event_data is not a JSON object but an array"),
        ({"event_data": Jsonb("x")}, "event_data is not a JSON object but a string"),
        ({"event_data": Jsonb('{"n": 1}')}, "event_data is not a JSON object but a string: encoded twice?"),
        ({"event_data": Jsonb("[1]")}, "event_data is not a JSON object but a string: encoded twice?"),
        ({"event_data": Jsonb(7)}, "event_data is not a JSON object but a number"),
        ({"event_data": None}, "event_data is not a JSON object but null"),
        ({"metadata": [1]}, "metadata is not a JSON object but an array"),
        ({"metadata": Jsonb('{"trace": 1}')}, "metadata is not a JSON object but a string: encoded twice?"),
        (
            {"event_data": Jsonb('{"n": 1}'), "command_id": uuid4()},
            "event_data is not a JSON object but a string: encoded twice?",
        ),
        ({"schema_version": 0}, "schema_version is not an integer of 1 or more"),
        ({"aggregate_type": ""}, "aggregate_type is not a text of 1 to 255 characters"),
        ({"aggregate_type": None}, "aggregate_type is not a text of 1 to 255 characters"),
        ({"aggregate_type": "ä" * 256}, "aggregate_type is not a text of 1 to 255 characters"),
        ({"aggregate_id": None}, "aggregate_id is NULL"),
        ({"actor": None}, "actor is not a text of at most 255 characters"),
        ({"actor": "x" * 256}, "actor is not a text of at most 255 characters"),
        ({"actor_type": "robot"}, "actor_type is not user, service or system"),
        ({"source": "fax"}, "source is not ui, api, import, webhook or system"),
        ({"command_type": "Count"}, "command_type or command_data was passed without command_id"),
        ({"command_data": {}}, "command_type or command_data was passed without command_id"),
        ({"command_id": uuid4(), "command_type": ""}, "command_type is not a text of 1 to 255 characters"),
    ],
)
def test_malformed_arguments_are_refused_by_name(app: Connection, arguments: dict[str, Any], what: str) -> None:
    with refused("SE002") as refusal:
        append_event(app, uuid4(), **arguments)
    assert refusal.message == f"malformed: {what}"
    assert ("Pass the document itself" in refusal.hint) is ("encoded twice?" in what)


def test_null_is_as_good_as_left_out(app: Connection) -> None:
    append_event(app, aggregate := uuid4(), metadata=None, schema_version=None)
    append_events(app, aggregate, [EVENT | {"metadata": None, "schema_version": None, "event_id": None}])
    assert [(event["metadata"], event["schema_version"]) for event in stored(app, aggregate)] == [({}, 1)] * 2


def test_lengths_are_counted_in_characters(app: Connection) -> None:
    aggregate = uuid4()
    append_event(app, aggregate, aggregate_type="ä" * 255, event_type="ß" * 255, actor="é" * 255)
    (event,) = stored(app, aggregate, "ä" * 255)
    assert (event["event_type"], event["actor"]) == ("ß" * 255, "é" * 255)


def test_an_event_id_is_stored_once(app: Connection) -> None:
    aggregate, event_id = uuid4(), uuid4()
    assert append_event(app, aggregate, event_id=event_id)["event_id"] == event_id
    ways: list[Callable[[], Row]] = [
        lambda: append_event(app, uuid4(), event_id=event_id),
        lambda: append_events(app, uuid4(), [EVENT, EVENT | {"event_id": str(event_id)}]),
    ]
    for again in ways:
        with refused("SE003") as refusal:
            again()
        assert refusal.message == f"event {event_id} is stored already"
        assert refusal.detail == f"it is version 1 of Counter {aggregate}"

    twice, other = str(uuid4()), uuid4()
    with refused("SE003") as refusal:
        append_events(app, other, [EVENT | {"event_id": twice}, EVENT, EVENT | {"event_id": twice.upper()}])
    assert refusal.message == f"event {twice} is in the append twice"
    assert stored(app, other) == []


def test_one_event_id_in_two_sessions_at_once(store: Store, app: Connection) -> None:
    def append(one: UUID, many: UUID, connection: Connection, number: int) -> Any:
        if number % 2:
            return append_event(connection, uuid4(), event_id=one)["event_version"]
        return append_events(connection, uuid4(), [EVENT, EVENT | {"event_id": str(many)}])["event_version"]

    for _ in range(5):
        one, many = uuid4(), uuid4()
        results = at_once(store, 8, partial(append, one, many))
        assert Counter(results) == {1: 1, 2: 1, "SE003": 6}


def with_id(connection: Connection, event_id: UUID) -> int:
    return int(append_event(connection, uuid4(), event_id=event_id)["event_version"])


def list_with_id(connection: Connection, event_id: UUID) -> int:
    return int(append_events(connection, uuid4(), [EVENT | {"event_id": str(event_id)}])["event_version"])


@pytest.mark.parametrize("append", [with_id, list_with_id])
@pytest.mark.parametrize("append_first", [with_id, list_with_id])
def test_an_event_id_that_another_session_has_not_committed_yet(
    store: Store,
    app: Connection,
    append_first: Callable[[Connection, UUID], int],
    append: Callable[[Connection, UUID], int],
) -> None:
    with ThreadPoolExecutor(1) as pool, store.connect() as second, store.connect(autocommit=False) as first:
        # From its second append on, a session takes the shortest way.
        append_event(first, uuid4())
        first.commit()
        append_event(second, uuid4())

        def append_both(event_id: UUID, end: Callable[[], None]) -> int:
            append_first(first, event_id)
            waiting = pool.submit(append, second, event_id)
            wait_until(lambda: is_waiting(app, second))
            end()
            return waiting.result()

        assert append_both(uuid4(), first.rollback) == 1
        with refused("SE003") as refusal:
            append_both(event_id := uuid4(), first.commit)
        assert refusal.message == f"event {event_id} is stored already"


def test_several_aggregates_in_one_call(app: Connection) -> None:
    one, two, three = uuid4(), uuid4(), uuid4()
    append_event(app, two)
    rows = to_aggregates(app, part(two, 1, 2, expected=1), part(one, 3, expected=0), part(three, 4, 5, 6))
    assert [(row["aggregate_id"], row["event_version"]) for row in rows] == [(two, 3), (one, 1), (three, 3)]
    assert {row["aggregate_type"] for row in rows} == {"Counter"}
    assert [event["event_data"] for event in stored(app, three)] == [{"n": 4}, {"n": 5}, {"n": 6}]
    assert len({event["transaction_id"] for id_ in (one, two, three) for event in stored(app, id_)[-1:]}) == 1

    # All of it or nothing.
    with refused("SE001") as refusal:
        to_aggregates(app, part(one, 7, expected=1), part(two, 8, expected=1))
    assert refusal.message == f"version conflict on Counter {two}"
    assert len(stored(app, one)) == 1


@pytest.mark.parametrize(
    ("appends", "what"),
    [
        ([], "appends is not a JSON array with at least one object"),
        ({}, "appends is not a JSON array with at least one object"),
        ([7], "appends[0] is not a JSON object"),
        ([part(uuid4(), 1), {}], "appends[1].aggregate_type is not a text of 1 to 255 characters"),
        ([part(uuid4(), 1) | {"aggregate_id": "x"}], "appends[0].aggregate_id is not a UUID"),
        ([part(uuid4(), 1) | {"expected": 3}], "appends[0].expected is unknown"),
        ([part(uuid4(), 1) | {"expected_version": "x"}], "appends[0].expected_version is not a version, 0, -1 or null"),
        ([part(UUID(int=1), 1), part(UUID(int=1), 2)], "appends[1] names an aggregate for the second time"),
        ([part(uuid4())], "appends[0].events is empty"),
    ],
)
def test_malformed_appends_are_refused_with_the_place(app: Connection, appends: Any, what: str) -> None:
    with refused("SE002") as refusal:
        call(app, "append_to_aggregates", appends=appends)
    assert refusal.message == f"malformed: {what}"


def test_calls_with_the_same_aggregates_never_deadlock(store: Store, app: Connection) -> None:
    aggregates = [uuid4() for _ in range(6)]

    def work(connection: Connection, number: int) -> str:
        for turn in range(10):
            shift = (number + turn) % len(aggregates)
            order = aggregates[shift:] + aggregates[:shift]
            to_aggregates(connection, *(part(id_, number) for id_ in (order if number % 2 else reversed(order))))
        return "done"

    assert at_once(store, 6, work) == ["done"] * 6
    for id_ in aggregates:
        assert [event["event_version"] for event in stored(app, id_)] == list(range(1, 61))


def test_many_writers_of_one_aggregate_meet_no_false_conflict(store: Store, app: Connection) -> None:
    aggregate, writers, each = uuid4(), 8, 25

    def work(connection: Connection, number: int) -> list[int]:
        return [
            append_event(connection, aggregate, event_data={"writer": number, "n": n})["event_version"]
            if n % 5
            else append_events(connection, aggregate, [EVENT, EVENT | {"event_data": {"writer": number, "n": n}}])[
                "event_version"
            ]
            for n in range(each)
        ]

    versions = at_once(store, writers, work)
    events = stored(app, aggregate)
    assert [event["event_version"] for event in events] == list(range(1, len(events) + 1))
    assert len(events) == writers * (each + each // 5)
    acknowledged = {(number, n): version for number in range(writers) for n, version in enumerate(versions[number])}
    assert acknowledged == {
        (event["event_data"]["writer"], event["event_data"]["n"]): event["event_version"]
        for event in events
        if event["event_data"]
    }
    assert [event["created_at"] for event in events] == sorted(event["created_at"] for event in events)


def test_of_writers_with_one_expectation_one_wins(store: Store, app: Connection) -> None:
    aggregate = uuid4()

    def append(version: int, connection: Connection, _: int) -> Any:
        return append_event(connection, aggregate, version)["event_version"]

    for version in range(10):
        results = at_once(store, 6, partial(append, version))
        assert Counter(results) == {version + 1: 1, "SE001": 5}
    assert len(stored(app, aggregate)) == 10


def test_a_rolled_back_append_leaves_the_version_free(store: Store, app: Connection) -> None:
    aggregate, other = uuid4(), store.connect(autocommit=False)
    append_event(other, aggregate, 0)
    other.rollback()
    assert append_event(app, aggregate, 0)["event_version"] == 1


def test_numbers_in_the_feed_count_from_the_offset(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    admin.execute("UPDATE event_store.settings SET feed_offset = 5000000000")
    appends: list[Callable[[UUID], Any]] = [
        lambda aggregate: append_event(app, aggregate),
        lambda aggregate: append_events(app, aggregate, counted(1)),
        lambda aggregate: to_aggregates(app, part(aggregate, 1)),
    ]
    for append in appends:
        aggregate = uuid4()
        with app.transaction():
            append(aggregate)
            own = app.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
            assert own
        (event,) = stored(app, aggregate)
        assert int(event["transaction_id"]) == own[0] + 5_000_000_000


def test_a_restored_store_refuses_appends_until_it_is_rebased(empty_store: Store) -> None:
    admin = empty_store.connect("postgres")
    append_event(empty_store.connect(), uuid4())
    admin.execute("UPDATE event_store.settings SET cluster_identifier = cluster_identifier + 1")
    appends: list[Callable[[Connection], Row]] = [
        lambda app: append_event(app, uuid4()),
        lambda app: append_events(app, uuid4(), counted(1)),
    ]
    for append in appends:
        with refused("SE012") as refusal:
            append(empty_store.connect())
        assert "rebase" in refusal.hint


def test_without_its_settings_the_store_asks_for_a_deploy(empty_store: Store) -> None:
    before, admin = empty_store.connect(), empty_store.connect("postgres")
    append_event(before, uuid4())
    admin.execute("DELETE FROM event_store.settings")
    calls: list[Callable[[Connection], Any]] = [
        lambda app: append_event(app, uuid4()),
        lambda app: append_events(app, uuid4(), counted(1)),
        lambda app: to_aggregates(app, part(uuid4(), 1)),
        lambda app: call(app, "read_feed"),
    ]
    for app in (before, empty_store.connect()):
        for called in calls:
            with refused("SE012") as refusal:
                called(app)
            assert refusal.message == "the event store has lost its settings"
            assert "Deploy" in refusal.hint


def test_an_aggregate_whose_events_have_left_goes_on_counting(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    aggregate = uuid4()
    admin.execute(
        "INSERT INTO event_store.retired_aggregates VALUES ('Counter', %s, 7), ('Counter', %s, 12)", [aggregate] * 2
    )
    with refused("SE001") as refusal:
        append_event(app, aggregate, 0)
    assert refusal.detail == "expected version 0, actual version 12"
    assert append_event(app, aggregate, 12)["event_version"] == 13
    assert append_events(app, aggregate, counted(1), -1)["event_version"] == 14
    assert append_event(app, uuid4(), 0)["event_version"] == 1


def test_settings_that_are_made_anew_know_what_the_store_contains(empty_store: Store) -> None:
    """But not whether every append publishes a bound: the worker finds out."""
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    aggregate, schema = uuid4(), Jsonb({"required": ["quantity"]})
    admin.execute("INSERT INTO event_store.retired_aggregates VALUES ('Counter', %s, 7)", [aggregate])
    app.execute("SELECT event_store.register_event_type('Strict', 1, %s)", [schema])
    # When the present history began is lost; the next append begins another one.
    known = """
        SELECT to_jsonb(s) - '{feed_offset,bounds_are_complete,fork,timeline,server_start}'::text[]
          FROM event_store.settings s"""
    before = admin.execute(known).fetchone()
    admin.execute("DELETE FROM event_store.settings")
    admin.execute(
        "INSERT INTO event_store.settings (cluster_identifier) SELECT system_identifier FROM pg_control_system()"
    )
    assert admin.execute(known).fetchone() == before
    assert admin.execute("SELECT bounds_are_complete FROM event_store.settings").fetchone() == (False,)
    assert append_event(app, aggregate, 7)["event_version"] == 8
    assert app.execute("SELECT reason FROM event_store.current_fork()").fetchone() == ("settings",)
    with refused("SE007"):
        append_event(app, uuid4(), 0, event_type="Strict")


def test_settings_that_are_made_anew_number_new_events_after_the_old_ones(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    admin.execute("UPDATE event_store.settings SET feed_offset = 5000000000")
    append_event(app, uuid4())
    admin.execute("DELETE FROM event_store.settings")
    admin.execute(
        "INSERT INTO event_store.settings (cluster_identifier) SELECT system_identifier FROM pg_control_system()"
    )
    # A session that has looked at the cluster before, and does not look again.
    append_event(app, uuid4())
    query = "SELECT array_agg(transaction_id::text::bigint ORDER BY global_position) FROM event_store.events"
    numbers = admin.execute(query)
    first, second = (numbers.fetchone() or [[]])[0]
    assert 5000000000 < first < second


@pytest.mark.parametrize(
    "function",
    [
        "append_lists",
        "insert_events",
        "expect_version",
        "await_turn",
        "begin_command",
        "complete_command",
        "complete_settings",
        "lock_command",
        "lock_event_type",
        "try_event_type_lock",
        "share_event_types",
        "check_event_types",
        "check_json_schema",
        "json_schema_problems",
        "look_at_events",
        "refuse_many_locks",
        "note_retired_aggregates",
        "note_validated_event_type",
        "retired_version",
    ],
)
def test_the_inner_functions_are_not_the_applications(admin: Connection, function: str) -> None:
    rows = admin.execute(
        """SELECT has_function_privilege('stock_analysis_user', p.oid, 'EXECUTE')
             FROM pg_proc p WHERE p.pronamespace = 'event_store'::regnamespace AND p.proname = %s""",
        [function],
    ).fetchall()
    assert rows == [(False,)]


def test_objects_of_the_caller_are_not_found(store: Store, app: Connection) -> None:
    """What a caller puts into his own schema or temporary schema never stands in for what the functions mean."""
    aggregate = uuid4()
    for statement in (
        "CREATE TEMPORARY TABLE events (LIKE event_store.events)",
        "CREATE TEMPORARY TABLE settings AS SELECT * FROM event_store.settings",
        "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$",
        "SET search_path = pg_temp, pg_catalog",
    ):
        app.execute(sql.SQL(statement))
    append_event(app, aggregate)
    append_events(app, aggregate, counted(1))
    events = stored(store.connect(), aggregate)
    assert len(events) == 2
    assert all(event["created_at"].year > 2020 for event in events)


def test_the_settings_can_be_read_and_not_written(app: Connection) -> None:
    (row,) = app.execute("SELECT only_row, unknown_event_types, feed_offset FROM event_store.settings").fetchall()
    assert row == (True, "allow", 0)
    for statement in (
        "UPDATE event_store.settings SET feed_offset = 1",
        "DELETE FROM event_store.settings",
        "INSERT INTO event_store.settings (only_row, cluster_identifier) VALUES (false, 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(sql.SQL(statement))
