"""Commands: the same one again returns its first result, another one under its id is refused."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from .appends import Connection, append_event, append_events, at_once, call, counted, refused, stored
from .stores import Store


def processed(connection: Connection, command_id: UUID) -> bool:
    (row,) = call(connection, "check_command_processed", command_id=command_id)
    return bool(row["check_command_processed"])


def record(connection: Connection, command_id: Any, **more: Any) -> bool:
    arguments = {"command_type": "Count", "aggregate_type": "Counter", "aggregate_id": UUID(int=5)}
    (row,) = call(connection, "record_command", **{"command_id": command_id} | arguments | more)
    return bool(row["record_command"])


def test_a_repeated_command_returns_its_first_result(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    command = {"command_id": command_id, "command_type": "Count", "command_data": {"by": 1}}
    assert not processed(app, command_id)
    first = append_event(app, aggregate, 0, event_data={"n": 1}, **command)
    assert processed(app, command_id)
    append_event(app, aggregate, 1)
    # Whatever is expected now, and whatever the sender decided this time: it is compared by command_data.
    for expected in (0, 1, 2, None, -1, 99):
        assert append_event(app, aggregate, expected, event_data={"n": 2}, **command) == first
    assert len(stored(app, aggregate)) == 2
    assert stored(app, aggregate)[0]["causation_id"] == command["command_id"]


def test_without_data_it_is_compared_by_its_events(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    events = counted(1, 2)
    first = append_events(app, aggregate, events, 0, command_id=command_id)
    # What a sender makes again for another try does not count.
    again = [event | {"event_id": str(uuid4()), "metadata": {"attempt": 2}, "schema_version": 1} for event in events]
    assert append_events(app, aggregate, again, 0, command_id=command_id, correlation_id=uuid4()) == first
    for other in (
        counted(1),
        counted(1, 3),
        counted(2, 1),
        counted(1, 2, schema_version=2),
        counted(1, 2, event_type="X"),
    ):
        with refused("SE004") as refusal:
            append_events(app, aggregate, other, command_id=command_id)
        assert refusal.message == f"command {command_id} was recorded with other content"
        assert refusal.detail.startswith(f"recorded: append on Counter {aggregate} at ")
        assert refusal.detail.endswith(f"repeated: append on Counter {aggregate}, with other data or events")
    assert len(stored(app, aggregate)) == 2


@pytest.mark.parametrize("first", [{}, {"schema_version": None}, {"schema_version": 1}], ids=str)
def test_a_schema_version_that_is_left_out_is_the_same_as_the_first(app: Connection, first: dict[str, Any]) -> None:
    aggregate, command_id = uuid4(), uuid4()
    result = append_events(app, aggregate, counted(1, **first), command_id=command_id)
    for again in ({}, {"schema_version": None}, {"schema_version": 1}):
        assert append_events(app, aggregate, counted(1, **again), command_id=command_id) == result
        append_event(app, aggregate, event_data={"n": 1}, command_id=command_id, **again)
    assert len(stored(app, aggregate)) == 1


def test_one_event_and_a_list_of_one_are_the_same_command(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    first = append_event(app, aggregate, event_data={"n": 1}, command_id=command_id)
    again = append_events(app, aggregate, counted(1), command_id=command_id)
    assert again == {key: first[key] for key in ("event_version", "global_position")}


@pytest.mark.parametrize(
    "other",
    [
        {"command_type": "Reset"},
        {"command_data": {"by": 2}},
        {"command_data": None},
        {"aggregate_type": "Clock"},
        {"aggregate_id": UUID(int=9)},
    ],
    ids=str,
)
def test_other_content_is_refused(app: Connection, other: dict[str, Any]) -> None:
    command = {"command_id": uuid4(), "command_type": "Count", "command_data": {"by": 1}}
    append_event(app, aggregate := uuid4(), **command)
    with refused("SE004"):
        append_event(app, aggregate, **command | other)
    assert len(stored(app, aggregate)) == 1


def test_a_command_for_several_aggregates(app: Connection) -> None:
    ids = [uuid4(), uuid4()]

    def transfer(*numbers: int, order: list[UUID] = ids, **more: Any) -> list[dict[str, Any]]:
        appends = [
            {"aggregate_type": "Counter", "aggregate_id": str(id_), "events": counted(number)}
            for id_, number in zip(order, numbers, strict=True)
        ]
        return call(app, "append_to_aggregates", appends=appends, command_id=command_id, command_type="Move", **more)

    command_id = uuid4()
    first = transfer(1, 2)
    assert transfer(1, 2) == first
    with refused("SE004"):
        transfer(1, 3)
    with refused("SE004"):
        transfer(1, 2, order=[ids[0], uuid4()])
    with refused("SE004"):
        transfer(1, 2, command_data={})
    assert [len(stored(app, id_)) for id_ in ids] == [1, 1]

    command_id = uuid4()
    second = transfer(3, 4, command_data={"amount": 1})
    assert transfer(5, 6, command_data={"amount": 1}) == second
    with refused("SE004"):
        transfer(3, 4, order=[ids[0], uuid4()], command_data={"amount": 1})


def test_a_failed_command_is_not_recorded(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    with refused("SE001"):
        append_event(app, aggregate, 7, command_id=command_id)
    assert not processed(app, command_id)
    assert append_event(app, aggregate, 0, command_id=command_id)["event_version"] == 1


def test_a_rolled_back_command_can_be_sent_again(store: Store, app: Connection) -> None:
    aggregate, command_id, other = uuid4(), uuid4(), store.connect(autocommit=False)
    append_event(other, aggregate, 0, command_id=command_id)
    other.rollback()
    assert append_event(app, aggregate, 0, command_id=command_id)["event_version"] == 1


def test_one_command_in_many_sessions_at_once(store: Store, app: Connection) -> None:
    def append(aggregate: UUID, command_id: UUID, connection: Connection, number: int) -> Any:
        if number % 2:
            return append_event(connection, aggregate, 0, event_data={"n": 1}, command_id=command_id)["global_position"]
        return append_events(connection, aggregate, counted(1), 0, command_id=command_id)["global_position"]

    for _ in range(5):
        aggregate, command_id = uuid4(), uuid4()
        results = at_once(store, 8, partial(append, aggregate, command_id))
        (event,) = stored(app, aggregate)
        assert results == [event["global_position"]] * 8


def test_the_record_of_a_command(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    command = {"command_id": command_id, "command_type": "Count", "command_data": {"by": 1}}
    row = append_event(app, aggregate, actor="alice", actor_type="user", source="ui", **command)
    (recorded,) = app.execute(
        """SELECT command_type, aggregate_type, aggregate_id, data, actor, actor_type, source, event_versions,
                  global_positions, content_hash, created_by FROM event_store.commands WHERE command_id = %s""",
        [command_id],
    ).fetchall()
    assert recorded == (
        *("Count", "Counter", aggregate, {"by": 1}, "alice", "user", "ui"),
        *([1], [row["global_position"]], None, "stock_analysis_user"),
    )


def test_record_command(app: Connection) -> None:
    command_id = uuid4()
    assert record(app, command_id, data={"a": 1})
    assert processed(app, command_id)
    assert not record(app, command_id, data={"a": 1})
    for other in (
        {"data": {"a": 2}},
        {"command_type": "Other"},
        {"aggregate_type": "Clock"},
        {"aggregate_id": uuid4()},
    ):
        with refused("SE004") as refusal:
            record(app, command_id, **{"data": {"a": 1}} | other)
        assert refusal.message == f"command {command_id} was recorded with other content"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"command_id": None}, "command_id is NULL"),
        ({"command_type": ""}, "command_type is not a text of 1 to 255 characters"),
        ({"command_type": None}, "command_type is not a text of 1 to 255 characters"),
        ({"aggregate_type": ""}, "aggregate_type is not a text of 1 to 255 characters"),
        ({"aggregate_id": None}, "aggregate_id is NULL"),
        ({"data": None}, "data is NULL"),
        ({"source": "fax"}, "source is not ui, api, import, webhook or system"),
    ],
)
def test_a_malformed_command_is_refused(app: Connection, arguments: dict[str, Any], what: str) -> None:
    with refused("SE002") as refusal:
        record(app, **{"command_id": uuid4()} | arguments)
    assert refusal.message == f"malformed: {what}"


def test_recorded_by_many_sessions_at_once(store: Store) -> None:
    def work(command_id: UUID, connection: Connection, _: int) -> bool:
        return record(connection, command_id)

    for _ in range(5):
        results = at_once(store, 8, partial(work, uuid4()))
        assert sorted(results) == [False] * 7 + [True]


def test_recorded_without_events_there_is_no_result_to_return(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    record(app, command_id, command_type="Count", aggregate_id=aggregate)
    with refused("SE004") as refusal:
        append_event(app, aggregate, command_id=command_id, command_type="Count", command_data={})
    assert refusal.message == f"command {command_id} was recorded without events"
    assert stored(app, aggregate) == []


def test_appended_with_a_command_it_is_recorded(app: Connection) -> None:
    aggregate, command_id = uuid4(), uuid4()
    append_event(app, aggregate, command_id=command_id, command_type="Count", command_data={"by": 1})
    assert not record(app, command_id, aggregate_id=aggregate, data={"by": 1})
