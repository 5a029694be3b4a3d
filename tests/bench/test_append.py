"""One thousand events in one call, and read back."""

import itertools
import json
from statistics import median
from typing import Any, Final, LiteralString
from uuid import uuid4

import psycopg

from event_store.portfolio import AGGREGATE_TYPE, generate

from .bare_table import INSERT, READ, bare_table
from .figures import Figure, Figures
from .timing import in_turn, say, seconds

COUNT = 1_000
ROUNDS = 60
COMMAND = "make bench PYTEST_ARGS='-k append'"
APPEND: Final[LiteralString] = """
    SELECT event_store.append_events(%(type)s, %(id)s, 0, %(events)s::jsonb,
                                     actor => %(actor)s, actor_type => %(actor_type)s, source => %(source)s)
"""
GET: Final[LiteralString] = "SELECT * FROM event_store.get_events(%(type)s, %(id)s)"


def test_append(connection: psycopg.Connection[Any], figures: Figures) -> None:
    events = list(itertools.islice(generate(2, positions=1, updates_per_position=4 * COUNT), COUNT))
    assert len(events) == COUNT
    expected = [(event.event_type, event.data, event.metadata, event.correlation_id) for event in events]
    # Both get the same text: what the client does with it is not measured.
    text = json.dumps([event.document() for event in events])
    common = {"type": AGGREGATE_TYPE, "actor": "bench", "actor_type": "service", "source": "api", "events": text}

    def contender(write: LiteralString, read: LiteralString, reads: list[float]) -> float:
        parameters = {**common, "id": uuid4()}
        spent = seconds(lambda: connection.execute(write, parameters))
        cursor = connection.cursor()
        tuples: list[tuple[Any, ...]] = []
        reads.append(seconds(lambda: tuples.extend(cursor.execute(read, parameters).fetchall())))
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, values, strict=True)) for values in tuples]
        assert [row["event_version"] for row in rows] == list(range(1, COUNT + 1))
        stored = [(row["event_type"], row["event_data"], row["metadata"], row["correlation_id"]) for row in rows]
        assert stored == expected
        return spent

    reads: dict[str, list[float]] = {"event store": [], "bare table": []}
    say(f"\nAppend {COUNT} events in one call and read them back: {ROUNDS} rounds")
    with bare_table(connection):
        contenders = {
            "event store": lambda: contender(APPEND, GET, reads["event store"]),
            "bare table": lambda: contender(INSERT, READ, reads["bare table"]),
        }
        appends = in_turn(contenders, ROUNDS, warm_up=8)
    reads = {name: times[-ROUNDS:] for name, times in reads.items()}
    both = {name: [sum(pair) for pair in zip(appends[name], reads[name], strict=True)] for name in reads}
    for what, times, goal, limit in (
        (f"append {COUNT:,} events in one call", appends, "≤ 1.3 x", None),
        (f"read {COUNT:,} events of an aggregate, as Python objects", reads, "", None),
        (f"append {COUNT:,} events and read them back", both, "≤ 30 ms", 0.030),
    ):
        store, bare = median(times["event store"]), median(times["bare table"])
        reached = store <= limit if limit else not goal or store <= 1.3 * bare
        measured, against = f"{store * 1000:.1f} ms", f"bare table with the same indexes: {bare * 1000:.1f} ms"
        figures.add(Figure(what, measured, against, store / bare, goal, reached, COMMAND, times))
