"""How soon somebody knows: a listener, in the way of each store, and a reader of this store's projection."""

import threading
import time
from pathlib import Path
from typing import Final

import pytest

from .figures import Figure, Figures, Row
from .follow import Reader, following, lags, spread
from .stores import OURS, Store
from .timing import percentile, say
from .worker import working
from .writers import Manner, Writers

SECONDS: Final = 5
MANNER: Final = Manner(pause=0.02)
TABLE: Final = "Being told"
COMMAND: Final = "make bench PYTEST_ARGS='-k told'"
#: What shows a new position, and how late it may be.
SHOWN_IN: Final = {"projections.positions": 1.0, "projections.portfolio_positions": 1.0}


@pytest.fixture(scope="module")
def with_feed(stores: list[Store]) -> list[Store]:
    return [store for store in stores if store.contended_script]


def test_told(with_feed: list[Store], figures: Figures, tmp_path: Path) -> None:
    told: dict[str, list[float]] = {}
    shown: dict[str, list[float]] = {}
    say(f"\nListen while one client appends every {MANNER.pause * 1000:.0f} ms for {SECONDS} s")
    for store in with_feed:
        if store.shown == OURS:
            with working(store, tmp_path):
                told[store.shown] = _listen(store, shown)
        else:
            told[store.shown] = _listen(store)
    cells = {name: spread(times) for name, times in told.items()}
    figures.compare(Row(TABLE, "an event, p50, p99", cells, told, "ms"))
    for relation, limit in SHOWN_IN.items():
        times = shown[relation]
        figures.compare(Row(TABLE, f"shown in {relation}, p50, p99", {OURS: spread(times)}))
        p99 = percentile(times, 0.99)
        what = f"{relation} after an append, with the worker running"
        figures.add(Figure(what, f"p99 {p99:.0f} ms", "", None, "≤ 1 s", p99 <= 1000 * limit, COMMAND, {}))


def _listen(store: Store, shown: dict[str, list[float]] | None = None) -> list[float]:
    done = Writers(store, MANNER)
    stop = threading.Event()
    watched = {relation: Reader() for relation in (SHOWN_IN if shown is not None else ())}
    watchers = [threading.Thread(target=_watch, args=[store, *item, done, stop]) for item in watched.items()]
    with following(store, store.listener()) as reader:
        for watcher in watchers:
            watcher.start()
            # Connections are made one at a time.
            time.sleep(0.2)
        done.write(1, SECONDS)
        reader.wait_for(len(done.committed))
        for watcher_reader in watched.values():
            watcher_reader.wait_for(len(done.committed))
        stop.set()
    for watcher in watchers:
        watcher.join()
    reader.seen = [(key[-36:], when) for key, when in reader.seen]
    for relation, seen in watched.items():
        assert shown is not None
        shown[relation] = lags(done.committed, seen)
        assert len(shown[relation]) == len(done.committed), f"{relation} does not show every position"
    series = lags(done.committed, reader)
    assert len(series) == len(done.committed) or store.shown != OURS
    return series


def _watch(store: Store, relation: str, seen: Reader, done: Writers, stop: threading.Event) -> None:
    known: set[str] = set()
    with store.connect() as connection:
        while not stop.is_set():
            missing = [stream for stream in list(done.committed) if stream not in known]
            query = f"SELECT position_id::text FROM {relation} WHERE position_id = ANY(%s::uuid[])"
            rows = connection.execute(query, [missing]).fetchall() if missing else []
            now = time.monotonic_ns()
            for (stream,) in rows:
                known.add(stream)
                seen.seen.append((stream, now))
            time.sleep(0.001)
