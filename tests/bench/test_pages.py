"""A full page of the feed, against the page of before readers waited for appends only: the same events, in turn."""

import itertools
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

import pytest

from .before import OldPages
from .figures import Figure, Figures
from .pages import pages
from .server import BenchServer
from .stores.event_store import EventStore
from .timing import in_turn, say, seconds

IN_FEED: Final = 100_000
PAGE: Final = 1_000
#: Not timed: a session plans a prepared statement anew for its first pages.
FIRST: Final = 10
ROUNDS: Final = 40
COMMAND: Final = "make bench PYTEST_ARGS='-k pages'"


@pytest.fixture
def ours(server: BenchServer) -> Iterator[EventStore]:
    """This store, with events."""
    store = EventStore(server)
    try:
        store.create()
        store.fill(0, IN_FEED)
        yield store
    finally:
        if store.database:
            store.drop()


def test_full_pages(ours: EventStore, figures: Figures) -> None:
    old = OldPages.of(ours)

    def read(store: EventStore) -> float:
        with store.connect() as connection:
            # Without the last page, which is empty: whatever is not full is read in another way.
            full = itertools.islice(pages(store, connection, PAGE), IN_FEED // PAGE)
            found = list(itertools.islice(full, FIRST))
            spent = seconds(lambda: found.extend(full))
        assert found == [PAGE] * (IN_FEED // PAGE), f"{store.shown}: events are missing in the feed"
        return (len(found) - FIRST) * PAGE / spent

    say(f"\nRead {IN_FEED:,} events in full pages of {PAGE:,}: {ROUNDS} rounds, after one to warm up")
    rates = in_turn({store.shown: partial(read, store) for store in (ours, old)}, ROUNDS, warm_up=1)
    now, before = median(rates[ours.shown]), median(rates[old.shown])
    figures.add(
        Figure(
            f"full pages of {PAGE:,} events of the feed",
            f"{now:,.0f} events/s",
            f"the page of before readers waited for appends only: {before:,.0f} events/s",
            now / before,
            "≥ 0.97 x",
            round(now / before, 2) >= 0.97,
            COMMAND,
            rates,
        )
    )
