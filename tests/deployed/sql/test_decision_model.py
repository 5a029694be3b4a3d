"""Whatever deciders do at the same time: whoever replays the feed never sees an invariant broken."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .appends import Connection, Row, append_event, at_once
from .decisions import by_tags, by_types, decide, item, read, state, tagged
from .stores import Store

DECIDERS = 5
#: A student has so many courses at most.
COURSES = 2

NAMES = st.integers(0, 2)
ACCOUNTS = st.integers(0, 2)
OPERATIONS = st.one_of(
    st.tuples(st.just("take"), NAMES),
    st.tuples(st.just("take by type"), NAMES),
    st.tuples(st.just("resize"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("enrol"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("pay in"), ACCOUNTS, st.integers(1, 5)),
    st.tuples(st.just("move"), ACCOUNTS, ACCOUNTS, st.integers(1, 5)),
    st.tuples(st.just("count")),
)
#: Of each decider: what it does, and whether that is in a transaction that has appended something before.
PLANS = st.lists(
    st.lists(st.tuples(OPERATIONS, st.booleans()), min_size=1, max_size=8), min_size=DECIDERS, max_size=DECIDERS
)


class World:
    """The tags of one example, and what the events with them amount to."""

    def __init__(self) -> None:
        self.prefix = uuid4().hex

    def tag(self, kind: str, number: int) -> str:
        return f"{kind} {number} {self.prefix}"

    def type(self, name: str) -> str:
        return f"{name} {self.prefix}"

    def do(self, connection: Connection, operation: tuple[Any, ...]) -> None:
        """One operation, from its look to its append."""
        name, *arguments = operation
        getattr(self, name.replace(" ", "_"))(connection, *arguments)

    def take(self, connection: Connection, name: int) -> None:
        tag = self.tag("name", name)
        decide(connection, by_tags(tag), None, tagged(self.type("NameTaken"), tag, name=name))

    def take_by_type(self, connection: Connection, name: int) -> None:
        marker, taken = read(connection, by_types(self.type("NameTaken")))
        if name not in [event["event_data"]["name"] for event in taken]:
            event = tagged(self.type("NameTaken"), self.tag("name", name), name=name)
            decide(connection, by_types(self.type("NameTaken")), marker, event)

    def resize(self, connection: Connection, course: int, places: int) -> None:
        state(connection, tagged(self.type("Resized"), self.tag("course", course), course=course, places=places))

    def enrol(self, connection: Connection, course: int, student: int) -> None:
        tags = [self.tag("course", course), self.tag("student", student)]
        query = [item(tags=tags[:1]), item(self.type("Enrolled"), tags=tags[1:])]
        marker, events = read(connection, query)
        school = School()
        for event in events:
            school.see(event)
        if school.has_room(course, student):
            event = tagged(self.type("Enrolled"), *tags, course=course, student=student)
            decide(connection, query, marker, event)

    def pay_in(self, connection: Connection, account: int, amount: int) -> None:
        event = tagged(self.type("Moved"), self.tag("account", account), into=account, amount=amount)
        state(connection, event)

    def move(self, connection: Connection, source: int, into: int, amount: int) -> None:
        tag = self.tag("account", source)
        marker, events = read(connection, by_tags(tag))
        bank = Bank()
        for event in events:
            bank.see(event)
        if source != into and bank.balances[source] >= amount:
            moved = {"source": source, "into": into, "amount": amount}
            event = tagged(self.type("Moved"), tag, self.tag("account", into), **moved)
            decide(connection, by_tags(tag), marker, event)

    def count(self, connection: Connection) -> None:
        """Every event there is."""
        marker, events = read(connection, [])
        decide(connection, [], marker, tagged(self.type("Counted"), n=len(events)))


class School:
    """Seats of courses, and courses of students."""

    def __init__(self) -> None:
        self.places: Counter[int] = Counter()
        self.enrolled: list[tuple[int, int]] = []

    def see(self, event: Row) -> None:
        data = event["event_data"]
        if event["event_type"].startswith("Resized"):
            self.places[data["course"]] = data["places"]
        else:
            self.enrolled.append((data["course"], data["student"]))

    def has_room(self, course: int, student: int) -> bool:
        return (
            sum(one == course for one, _ in self.enrolled) < self.places[course]
            and sum(one == student for _, one in self.enrolled) < COURSES
            and (course, student) not in self.enrolled
        )


class Bank:
    """Balances of accounts."""

    def __init__(self) -> None:
        self.balances: Counter[int] = Counter()

    def see(self, event: Row) -> None:
        data = event["event_data"]
        if "source" in data:
            self.balances[data["source"]] -= data["amount"]
        self.balances[data["into"]] += data["amount"]


def replay(events: list[Row], before: int) -> None:
    """The events in the order of the feed; each decision was right when it was its turn."""
    names: Counter[int] = Counter()
    school, bank = School(), Bank()
    for place, event in enumerate(events):
        kind, data = event["event_type"].split(" ")[0], event["event_data"]
        match kind:
            case "NameTaken":
                names[data["name"]] += 1
                assert names[data["name"]] == 1
            case "Enrolled":
                assert school.has_room(data["course"], data["student"])
                school.see(event)
            case "Resized":
                school.see(event)
            case "Moved":
                bank.see(event)
                assert min(bank.balances.values()) >= 0
            case "Counted":
                assert data["n"] == before + place


def work(world: World, plan: list[tuple[tuple[Any, ...], bool]]) -> Callable[[Connection], int]:
    def run(connection: Connection) -> int:
        for operation, is_later in plan:
            while True:
                try:
                    with connection.transaction():
                        if is_later:
                            append_event(connection, uuid4(), event_type=f"Something {world.prefix}")
                        world.do(connection, operation)
                    break
                except psycopg.Error as error:
                    # Two that have appended, and then look at every event, wait for each other.
                    if error.sqlstate not in {"SE021", "40P01"}:
                        raise
                    if operation[0] == "take":
                        break
        return len(plan)

    return run


@pytest.mark.parametrize("examples", [12, pytest.param(150, marks=pytest.mark.soak)])
def test_no_invariant_is_ever_broken(store: Store, app: Connection, examples: int) -> None:
    # Not shrunk: what happens depends on who comes first.
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(PLANS)
    def check(plans: list[list[tuple[tuple[Any, ...], bool]]]) -> None:
        world = World()
        before = len(read(app, [])[1])
        runs = [work(world, plan) for plan in plans]
        assert at_once(store, DECIDERS, lambda connection, number: runs[number](connection)) == [len(p) for p in plans]
        replay(read(app, [])[1][before:], before)

    check()
