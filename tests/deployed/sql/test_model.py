"""Any sequence of appends has the outcome that a plain model of the rules has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from .appends import Connection, append_event, append_events, call, counted, stored
from .stores import Store

#: Few of each, so that they meet.
AGGREGATES = st.integers(0, 2)
COMMANDS = st.one_of(st.none(), st.none(), st.integers(0, 3))
DATA = st.one_of(st.none(), st.integers(0, 1))
EVENT_IDS = st.one_of(st.none(), st.none(), st.integers(0, 4))
EXPECTED = st.one_of(st.none(), st.integers(-2, 6))
NUMBERS = st.lists(st.integers(0, 1), min_size=1, max_size=3)


class RefusedError(Exception):
    """The model's answer to what the store refuses."""


class Model:
    """The rules, in the order in which they are looked at: command, version, ids."""

    def __init__(self) -> None:
        self.streams: dict[int, list[int]] = {}
        self.commands: dict[int, tuple[Any, Any]] = {}
        self.event_ids: set[int] = set()

    def append(
        self,
        parts: list[tuple[int, int | None, list[int]]],
        command: int | None = None,
        data: int | None = None,
        event_ids: list[int | None] | None = None,
    ) -> list[int]:
        """The versions after the append, one for each aggregate."""
        aggregates = [aggregate for aggregate, _, _ in parts]
        content = (aggregates, data if data is not None else [numbers for _, _, numbers in parts], data is None)
        if command in self.commands:
            before, result = self.commands[command]
            if before != content:
                raise RefusedError("SE004")
            return list(result)
        for aggregate, expected, _ in parts:
            version = len(self.streams.get(aggregate, []))
            if expected is not None and expected < -1:
                raise RefusedError("SE002")
            if expected is not None and expected != version and not (expected == -1 and version > 0):
                raise RefusedError("SE001")
        given = [event_id for event_id in event_ids or [] if event_id is not None]
        if len(set(given)) < len(given) or self.event_ids & set(given):
            raise RefusedError("SE003")

        self.event_ids |= set(given)
        for aggregate, _, numbers in parts:
            self.streams.setdefault(aggregate, []).extend(numbers)
        result = [len(self.streams[aggregate]) for aggregate in aggregates]
        if command is not None:
            self.commands[command] = (content, result)
        return result

    def record(self, command: int, aggregate: int, data: int) -> bool:
        """Whether the command was recorded now."""
        content = ([aggregate], data, False)
        if command in self.commands:
            if self.commands[command][0] != content:
                raise RefusedError("SE004")
            return False
        self.commands[command] = (content, None)
        return True


class Machine(RuleBasedStateMachine):
    """The store and the model, side by side. Each run has ids of its own, in one database for all."""

    app: ClassVar[Connection]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.names: dict[tuple[str, int], UUID] = {}

    def name(self, kind: str, number: int | None) -> UUID | None:
        return None if number is None else self.names.setdefault((kind, number), uuid4())

    def aggregate(self, number: int) -> UUID:
        return self.names.setdefault(("aggregate", number), uuid4())

    def command(self, command: int | None, data: int | None) -> dict[str, Any]:
        if command is None:
            return {}
        return {"command_id": self.name("command", command), "command_data": None if data is None else {"data": data}}

    def same(self, by_model: Callable[[], Any], by_store: Callable[[], Any]) -> None:
        with told() as expected:
            expected["result"] = by_model()
        with told() as actual:
            actual["result"] = by_store()
        assert actual == expected

    @rule(
        aggregate=AGGREGATES,
        expected=EXPECTED,
        number=st.integers(0, 1),
        event_id=EVENT_IDS,
        command=COMMANDS,
        data=DATA,
    )
    def append_event(
        self,
        *,
        aggregate: int,
        expected: int | None,
        number: int,
        event_id: int | None,
        command: int | None,
        data: int | None,
    ) -> None:
        if self.recorded_without_events(command):
            return
        data = None if command is None else data
        self.same(
            lambda: self.model.append([(aggregate, expected, [number])], command, data, [event_id]),
            lambda: [
                append_event(
                    self.app,
                    self.aggregate(aggregate),
                    expected,
                    event_data={"n": number},
                    event_id=self.name("event", event_id),
                    **self.command(command, data),
                )["event_version"]
            ],
        )

    @rule(
        aggregate=AGGREGATES,
        expected=EXPECTED,
        numbers=NUMBERS,
        ids=st.lists(EVENT_IDS, min_size=3),
        command=COMMANDS,
        data=DATA,
    )
    def append_events(
        self,
        *,
        aggregate: int,
        expected: int | None,
        numbers: list[int],
        ids: list[int | None],
        command: int | None,
        data: int | None,
    ) -> None:
        if self.recorded_without_events(command):
            return
        data = None if command is None else data
        ids = ids[: len(numbers)]
        events = counted(*numbers)
        for event, event_id in zip(events, ids, strict=True):
            if event_id is not None:
                event["event_id"] = str(self.name("event", event_id))
        self.same(
            lambda: self.model.append([(aggregate, expected, numbers)], command, data, ids),
            lambda: [
                append_events(self.app, self.aggregate(aggregate), events, expected, **self.command(command, data))[
                    "event_version"
                ]
            ],
        )

    @rule(
        parts=st.lists(
            st.tuples(AGGREGATES, EXPECTED, NUMBERS), min_size=2, max_size=3, unique_by=lambda part: part[0]
        ),
        command=COMMANDS,
        data=DATA,
    )
    def append_to_aggregates(
        self, parts: list[tuple[int, int | None, list[int]]], command: int | None, data: int | None
    ) -> None:
        if self.recorded_without_events(command):
            return
        data = None if command is None else data
        appends = [
            {
                "aggregate_type": "Counter",
                "aggregate_id": str(self.aggregate(aggregate)),
                "expected_version": expected,
                "events": counted(*numbers),
            }
            for aggregate, expected, numbers in parts
        ]
        self.same(
            lambda: self.model.append(parts, command, data),
            lambda: [
                row["event_version"]
                for row in call(self.app, "append_to_aggregates", appends=appends, **self.command(command, data))
            ],
        )

    @rule(command=st.integers(0, 3), aggregate=AGGREGATES, data=st.integers(0, 1))
    def record_command(self, command: int, aggregate: int, data: int) -> None:
        before, result = self.model.commands.get(command, (None, None))
        if before is not None and result is not None and (before[2] or len(before[0]) > 1):
            # It was appended and compared by more than record_command() is told.
            return
        self.same(
            lambda: self.model.record(command, aggregate, data),
            lambda: call(
                self.app,
                "record_command",
                command_id=self.name("command", command),
                command_type="append",
                aggregate_type="Counter",
                aggregate_id=self.aggregate(aggregate),
                data={"data": data},
            )[0]["record_command"],
        )

    def recorded_without_events(self, command: int | None) -> bool:
        """Those are refused by an append, whatever it is; there is a test for that."""
        return command in self.model.commands and self.model.commands[command][1] is None

    @invariant()
    def the_streams_are_the_models(self) -> None:
        for aggregate, numbers in self.model.streams.items():
            events = stored(self.app, self.aggregate(aggregate))
            assert [event["event_version"] for event in events] == list(range(1, len(numbers) + 1))
            assert [event["event_data"]["n"] for event in events] == numbers


@contextmanager
def told() -> Iterator[dict[str, Any]]:
    """What the block puts in, or the SQLSTATE that it ends with."""
    answer: dict[str, Any] = {}
    try:
        yield answer
    except psycopg.Error as error:
        answer["sqlstate"] = error.sqlstate
    except RefusedError as error:
        answer["sqlstate"] = str(error)


@pytest.mark.parametrize("in_one_transaction", [False, True])
def test_the_store_does_what_the_model_does(store: Store, in_one_transaction: bool) -> None:
    class Bound(Machine):
        app = store.connect()

    if in_one_transaction:
        # Each call in a savepoint, so that a refusal does not end the others.
        Bound.app.execute("BEGIN")
        Bound.same = in_savepoint(Bound.same)  # type: ignore[method-assign]
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
    Bound.app.close()


def in_savepoint(same: Callable[..., None]) -> Callable[..., None]:
    """``same``, with the store's part in a savepoint."""

    def wrapped(self: Machine, by_model: Callable[[], Any], by_store: Callable[[], Any]) -> None:
        def guarded() -> Any:
            with self.app.transaction():
                return by_store()

        same(self, by_model, guarded)

    return wrapped
