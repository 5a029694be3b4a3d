"""Several events in one call; a thousand of them are read back as well."""

import itertools
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from examples.portfolio import AGGREGATE_TYPE, Event, generate

from .figures import Figure, Figures, Row
from .stores import FLOOR, OURS, Store
from .timing import in_turn, say, seconds

#: Events in the call, and rounds.
ROUNDS: Final = {1: 60, 100: 40, 1_000: 40, 10_000: 5}
READ_BACK: Final = 1_000
#: A journal entry without its ids.
ENTRY: Final = {
    "ts": "2026-01-05T15:30:00Z",
    "type": "sell_to_open",
    "symbol": "AAPL",
    "quantity": "1",
    "price": "2.35",
    "amount": "235.00",
    "fees": "0.65",
    "currency": "USD",
    "option_type": "put",
    "strike": "150",
    "expires_on": "2026-02-20",
    "note": "rolled from January",
}
Connections = Mapping[str, "psycopg.Connection[Any]"]
COMMAND: Final = "make bench PYTEST_ARGS='-k append'"


def test_append(stores: list[Store], figures: Figures) -> None:
    most = max(ROUNDS)
    events = list(itertools.islice(generate(2, positions=1, updates_per_position=4 * most), most))
    assert len(events) == most
    with ExitStack() as opened:
        writers = {store.shown: opened.enter_context(store.connect()) for store in stores}
        # As an application reads: with JSON as Python objects.
        readers = {
            store.shown: opened.enter_context(store.server.connect(store.database))
            for store in stores
            if store.shown in (OURS, FLOOR)
        }
        _measure(stores, events, writers, readers, figures)


def test_append_of_a_payload_that_a_read_model_takes(stores: list[Store], figures: Figures) -> None:
    """It is checked before it is stored, beside one of the same size that no read model wants."""
    ours = next(store for store in stores if store.shown == OURS)
    with ours.connect() as connection:

        def call(aggregate_type: str) -> float:
            entry = ENTRY | {"user_id": str(uuid4()), "account_id": str(uuid4())}
            append = "SELECT event_store.append_event(%s, %s, 0, 'JournalEntryRecorded', %s)"
            parameters = [aggregate_type, uuid4(), Jsonb(entry)]
            return seconds(lambda: connection.execute(append, parameters))

        kinds = {"checked": partial(call, "JournalEntry"), "not": partial(call, "Elsewhere")}
        times = in_turn(kinds, ROUNDS[1] * 5, warm_up=20)
    checked, unchecked = median(times["checked"]), median(times["not"])
    what = f"append one journal entry of {len(ENTRY) + 2} fields, which its read model takes"
    against = f"the same, taken by none: {unchecked * 1000:.2f} ms"
    figures.add(Figure(what, f"{checked * 1000:.2f} ms", against, checked / unchecked, "", True, COMMAND, times))


def _measure(
    stores: list[Store], events: list[Event], writers: Connections, readers: Connections, figures: Figures
) -> None:
    reads: dict[str, list[float]] = defaultdict(list)
    last: dict[str, UUID] = {}

    def call(store: Store, count: int) -> float:
        stream = last[store.shown] = uuid4()
        # Put together before the clock runs: what the client does with it is not measured.
        statements = store.append(stream, 0, events[:count])
        spent = seconds(lambda: store.execute(writers[store.shown], statements))
        if count == READ_BACK and store.shown in readers:
            reads[store.shown].append(_read_back(store, readers[store.shown], stream, events[:count]))
        return spent

    for count, rounds in ROUNDS.items():
        say(f"\nAppend {count:,} event(s) in one call: {rounds} rounds")
        times = in_turn({store.shown: partial(call, store, count) for store in stores}, rounds, warm_up=4)
        in_ms = {store.shown: [1000 * spent for spent in times[store.shown]] for store in stores}
        cells = {name: f"{median(series):.2f}" for name, series in in_ms.items()}
        what = f"{count:,} event{'s' if count > 1 else ''}"
        figures.compare(Row("Several events in one call", what, cells, in_ms, "ms"))
        for store in stores:
            assert store.versions_of(last[store.shown]) == list(range(1, count + 1)), store.shown
        if count == READ_BACK:
            _goals(times, {name: series[-rounds:] for name, series in reads.items()}, figures)


def _read_back(store: Store, connection: "psycopg.Connection[Any]", stream: UUID, events: list[Event]) -> float:
    cursor = connection.cursor()
    tuples: list[tuple[Any, ...]] = []
    parameters = {"type": AGGREGATE_TYPE, "stream": stream}
    spent = seconds(lambda: tuples.extend(cursor.execute(store.read, parameters).fetchall()))
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in tuples]
    assert [row["event_version"] for row in rows] == list(range(1, len(events) + 1))
    stored = [(row["event_type"], row["event_data"], row["metadata"], row["correlation_id"]) for row in rows]
    assert stored == [(event.event_type, event.data, event.metadata, event.correlation_id) for event in events]
    return spent


def _goals(appends: dict[str, list[float]], reads: dict[str, list[float]], figures: Figures) -> None:
    both = {name: [sum(pair) for pair in zip(appends[name], reads[name], strict=True)] for name in reads}
    for what, times, goal, limit in (
        (f"append {READ_BACK:,} events in one call", appends, "≤ 1.3 x", None),
        (f"read {READ_BACK:,} events of an aggregate, as Python objects", reads, "", None),
        (f"append {READ_BACK:,} events and read them back", both, "≤ 30 ms", 0.030),
    ):
        store, bare = median(times[OURS]), median(times[FLOOR])
        reached = store <= limit if limit else not goal or store <= 1.3 * bare
        measured, against = f"{store * 1000:.1f} ms", f"{FLOOR}: {bare * 1000:.1f} ms"
        kept = {name: times[name] for name in (OURS, FLOOR)}
        figures.add(Figure(what, measured, against, store / bare, goal, reached, COMMAND, kept))
