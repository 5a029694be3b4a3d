"""Reads of one stream, and of the whole feed from its beginning."""

import itertools
from functools import partial
from statistics import median
from typing import Final
from uuid import UUID, uuid4

from examples.portfolio import generate

from .figures import Figure, Figures, Row
from .pages import pages
from .pgbench import pgbench
from .stores import FLOOR, OURS, Store
from .stores.bare_table import BareTable
from .timing import in_turn, say, seconds

STREAMS: Final = (100, 1_000)
ROUNDS: Final = 3
IN_FEED: Final = 100_000
FEED_ROUNDS: Final = 3
PAGE: Final = 1_000
TABLE: Final = "Reads"
COMMAND: Final = "make bench PYTEST_ARGS='-k reads'"


def test_stream_reads(stores: list[Store], figures: Figures) -> None:
    most = max(STREAMS)
    events = list(itertools.islice(generate(2, positions=1, updates_per_position=4 * most), most))
    readers = _with_indexes(stores)
    streams = {count: uuid4() for count in STREAMS}
    for store in readers:
        with store.connect() as connection:
            for count, stream in streams.items():
                store.execute(connection, store.append(stream, 0, events[:count]))

    def load(store: Store, stream: UUID) -> float:
        done = pgbench(store, store.read_script, clients=1, seconds=1, stream=str(stream))
        return 1000 / done.per_second

    for count, stream in streams.items():
        say(f"\nRead a stream of {count:,} events: {ROUNDS} rounds of a second")
        times = in_turn({store.shown: partial(load, store, stream) for store in readers}, ROUNDS, warm_up=1)
        cells = {store.shown: f"{median(times[store.shown]):.2f} ms" for store in readers}
        series = {store.shown: times[store.shown] for store in readers}
        figures.compare(Row(TABLE, f"a stream of {count:,} events", cells, series, "ms"))


def test_catch_up_reads(stores: list[Store], figures: Figures) -> None:
    readers = _with_indexes(stores)
    for store in readers:
        store.fill(0, IN_FEED)
    expected = {store.shown: store.count() for store in readers}

    def catch_up(store: Store) -> float:
        found: list[int] = []
        with store.connect() as connection:
            spent = seconds(lambda: found.extend(pages(store, connection, PAGE)))
        assert sum(found) == expected[store.shown], f"{store.shown}: events are missing in the feed"
        return sum(found) / spent

    say(f"\nCatch up with {IN_FEED:,} events in pages of {PAGE:,}: {FEED_ROUNDS} rounds")
    rates = in_turn({store.shown: partial(catch_up, store) for store in readers}, FEED_ROUNDS, warm_up=1)
    medians = {store.shown: median(rates[store.shown]) for store in readers}
    cells = {name: f"{rate:,.0f} events/s" for name, rate in medians.items()}
    series = {name: rates[name] for name in medians}
    figures.compare(Row(TABLE, f"catch-up of the whole feed in pages of {PAGE:,}", cells, series, "events/s"))
    ratio = medians[OURS] / medians[FLOOR]
    figures.add(
        Figure(
            f"catch-up of {IN_FEED:,} events in pages of {PAGE:,}",
            f"{medians[OURS]:,.0f} events/s",
            f"{FLOOR}: {medians[FLOOR]:,.0f} events/s",
            ratio,
            "≥ 0.95 x",
            round(ratio, 2) >= 0.95,
            COMMAND,
            {name: rates[name] for name in (OURS, FLOOR)},
        )
    )


def _with_indexes(stores: list[Store]) -> list[Store]:
    """Without an index each page reads the whole table."""
    return [store for store in stores if not isinstance(store, BareTable) or store.indexes]
