"""A reader follows the feed while others append: what it misses, what it gets twice, how late it is."""

import itertools
from typing import Final

import pytest

from .figures import Figure, Figures, Row
from .follow import Followed, following, lags, spread
from .pgbench import pgbench
from .stores import OURS, SAFE_PEERS, Store
from .timing import percentile, say
from .writers import Manner, Writers

WRITERS: Final = 8
SECONDS: Final = 4
TABLE: Final = "The feed while 8 writers append"
COMMAND: Final = "make bench PYTEST_ARGS='-k feed'"
MANNERS: Final = {
    "quick transactions": Manner(pause=0.002),
    "some slow, some rolled back": Manner(pause=0.002, slow_one_in=10, undone_one_in=20),
}


@pytest.fixture(scope="module")
def with_feed(stores: list[Store]) -> list[Store]:
    return [store for store in stores if store.contended_script]


def test_feed_at_full_speed(with_feed: list[Store], figures: Figures) -> None:
    cells: dict[str, str] = {}
    runs = itertools.count()
    say(f"\nFollow the feed while {WRITERS} clients append for {SECONDS} s, one transaction in 20 open for 10 ms")
    for store in with_feed:
        before = store.keys()
        with following(store, store.follow(key=store.key_column, start=store.feed_end())) as reader:
            done = pgbench(store, store.slow_script, clients=WRITERS, seconds=SECONDS, run=f"feed-{next(runs)}", n=-1)
            reader.wait_for(done.processed)
        stored = store.keys() - before
        assert len(stored) == done.processed
        followed = Followed.of(stored, reader)
        cells[store.shown] = f"{followed} of {len(stored):,}"
        assert followed.faultless or store.shown != OURS, followed
    figures.compare(Row(TABLE, "at full speed, one transaction in 20 open for 10 ms", cells))


@pytest.mark.parametrize("manner", MANNERS)
def test_feed_lag(with_feed: list[Store], figures: Figures, manner: str) -> None:
    counts: dict[str, str] = {}
    after_commit: dict[str, list[float]] = {}
    after_call: dict[str, list[float]] = {}
    say(f"\nFollow the feed while {WRITERS} writers append for {SECONDS} s: {manner}")
    for store in with_feed:
        with following(store, store.follow(key=store.stream_column, start=store.feed_end())) as reader:
            done = Writers(store, MANNERS[manner])
            done.write(WRITERS, SECONDS)
            reader.wait_for(len(done.committed))
        reader.seen = [(key[-36:], when) for key, when in reader.seen]
        followed = Followed.of(set(done.committed), reader)
        counts[store.shown] = f"{followed} of {followed.acknowledged:,}"
        after_commit[store.shown] = lags(done.committed, reader)
        after_call[store.shown] = lags(done.called, reader)
        assert followed.faultless or store.shown != OURS, followed
    figures.compare(Row(TABLE, manner, counts))
    for what, series in (("commit", after_commit), ("call", after_call)):
        cells = {name: spread(times) for name, times in series.items()}
        figures.compare(Row(TABLE, f"{manner}: lag after the {what}, p50, p99", cells))
        _goal(f"{manner}, from the {what}", series, figures)


def _goal(what: str, series: dict[str, list[float]], figures: Figures) -> None:
    p99 = {name: percentile(times, 0.99) for name, times in series.items() if times}
    best = min(SAFE_PEERS, key=lambda name: p99[name])
    ratio = p99[OURS] / p99[best]
    figures.add(
        Figure(
            f"lag of a reader while {WRITERS} writers append, p99: {what}",
            f"{p99[OURS]:.1f} ms",
            f"best peer whose feed is safe, {best}: {p99[best]:.1f} ms",
            ratio,
            "≤ 1.0 x",
            round(ratio, 2) <= 1,
            COMMAND,
            {},
        )
    )
