"""Appends directly and by way of the pooler, in turn: few clients, many clients, a fixed rate, reloads, memory.

And by way of the pooler while the password is rotated and the certificate renewed.
"""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

import pytest

from .figures import Figure, Figures, Row
from .inventories import POOLED, Inventory
from .pooling import Followers, Way, memory_of, stored
from .timing import in_turn, percentile, repeated, say

FEW, MANY, MOST = 16, 500, 1000
ROUNDS = 5
#: So many appends of each client, by their number. Not for some seconds: many take long to connect over TLS, with SCRAM.
EACH: Final = {FEW: 500, MANY: 20}
#: Appends a second in what measures how long one takes.
RATE: Final = 2000
#: And for a minute, with reloads: a rate that this machine holds, so that what is seen is the reload and not a queue.
HELD: Final = 1000
STEADY: Final = 20
LONG: Final = 60
TABLE: Final = "Directly and by way of the pooler"
COMMAND: Final = "make bench PYTEST_ARGS='-k pooling'"


@dataclass(frozen=True)
class Ways:
    """The ways to one container's store."""

    container: str
    direct: Way
    pooled: Way
    #: As clients do that prepare; PgBouncer knows that from 1.21 on.
    pooled_prepared: Way


@pytest.fixture(scope="module")
def ways(pooled: Inventory) -> Ways:
    direct, pooler = pooled.dsn(POOLED), pooled.dsn(POOLED, pooled=True)
    return Ways(
        POOLED,
        Way("direct", direct, "prepared"),
        Way("pooled", pooler, "extended"),
        Way("pooled, prepared", pooler, "prepared"),
    )


def at_least(what: str, new: float, old: float, limit: float) -> Figure:
    """A ratio of rates that has a goal."""
    rates = f"{new:,.0f} events/s", f"{old:,.0f} events/s"
    return Figure(what, *rates, new / old, f"≥ {limit} x", new / old >= limit, COMMAND, {})


def at_most(what: str, new: str, old: str, ratio: float, limit: float) -> Figure:
    """A ratio of what should be small."""
    return Figure(what, new, old, ratio, f"≤ {limit} x", ratio <= limit, COMMAND, {})


def test_pooling_throughput(ways: Ways, figures: Figures) -> None:
    before, acknowledged = stored(ways.direct), list[int]()

    def load(way: Way, clients: int) -> float:
        done = way.append(clients, each=EACH[clients])
        acknowledged.append(done.processed)
        return done.per_second

    say(f"\nSingle appends, directly and pooled: {ROUNDS} rounds, after one to warm up")
    every = (ways.direct, ways.pooled, ways.pooled_prepared)
    runs = {f"{way.name}, {clients}": partial(load, way, clients) for clients in EACH for way in every}
    rates = in_turn(runs, ROUNDS, warm_up=1)
    medians = {name: median(series) for name, series in rates.items()}
    for clients in EACH:
        names = {way.name: f"{way.name}, {clients}" for way in every}
        cells = {way: f"{medians[name]:,.0f}" for way, name in names.items()}
        series = {way: rates[name] for way, name in names.items()}
        figures.compare(Row(TABLE, f"appends, {clients} clients, events/s", cells, series, "events/s"))
    pooled, many = f"pooled, {FEW}", f"pooled, {MANY}"
    for what, new, old, limit in (
        (f"appends, {FEW} clients, pooled against direct", pooled, f"direct, {FEW}", 0.75),
        (f"appends, pooled, {MANY} clients against {FEW}", many, pooled, 1.0),
        (f"appends, {MANY} clients, pooled against direct", many, f"direct, {MANY}", 1.3),
    ):
        figures.add(at_least(what, medians[new], medians[old], limit))
    assert stored(ways.direct) - before == sum(acknowledged)


def test_pooling_latency(ways: Ways, figures: Figures) -> None:
    def slowest(way: Way) -> float:
        return percentile(way.append(FEW, seconds=STEADY, rate=RATE).latencies, 0.99)

    say(f"\n{RATE:,} appends/s, directly and pooled: three rounds of {STEADY} s")
    times = in_turn({way.name: partial(slowest, way) for way in (ways.direct, ways.pooled)}, 3, warm_up=1)
    medians = {name: median(series) for name, series in times.items()}
    cells = {name: f"{value:.1f} ms" for name, value in medians.items()}
    figures.compare(Row(TABLE, f"p99 of an append at {RATE:,} a second", cells, times, "ms"))
    what = f"p99 of an append at {RATE:,} a second, pooled against direct"
    figures.add(at_most(what, cells["pooled"], cells["direct"], medians["pooled"] / medians["direct"], 1.5))


def test_pooling_reloads(ways: Ways, figures: Figures) -> None:
    def slowest() -> float:
        return percentile(ways.pooled.append(FEW, seconds=LONG, rate=HELD).latencies, 0.99)

    def slowest_with_reloads() -> float:
        with repeated(lambda: in_container(ways.container, "systemctl reload pgbouncer"), pause=1):
            return slowest()

    say(f"\n{HELD:,} appends/s, pooled, for {LONG} s with a reload in each second, and for {LONG} s without")
    times = in_turn({"without": slowest, "with reloads": slowest_with_reloads}, 1)
    without, reloading = times["without"][0], times["with reloads"][0]
    what = f"p99 of an append at {HELD:,} a second, with a reload of the pooler in each"
    figures.add(at_most(what, f"{reloading:.1f} ms", f"{without:.1f} ms", reloading / without, 1.5))


def test_pooling_memory(ways: Ways, figures: Figures) -> None:
    def used(way: Way) -> float:
        with ThreadPoolExecutor() as threads:
            running = threads.submit(way.append, MANY, each=EACH[MANY])
            most = 0
            while not running.done():
                most = max(most, memory_of(ways.container))
                time.sleep(0.5)
            running.result()
        return most / 2**20

    say(f"\nMemory of the container with {MANY} clients that append, directly and pooled: three rounds")
    found = in_turn({way.name: partial(used, way) for way in (ways.direct, ways.pooled)}, 3)
    medians = {name: median(series) for name, series in found.items()}
    cells = {name: f"{value:,.0f} MiB" for name, value in medians.items()}
    figures.compare(Row(TABLE, f"memory of the container, {MANY} clients", cells, found, "MiB"))
    what = f"memory of the container, {MANY} clients, pooled against direct"
    figures.add(at_most(what, cells["pooled"], cells["direct"], medians["pooled"] / medians["direct"], 0.3))


def test_pooling_with_most_clients(ways: Ways, figures: Figures) -> None:
    say(f"\n{MOST:,} pooled clients append for {LONG} s")
    before = stored(ways.direct)
    done = ways.pooled.append(MOST, seconds=LONG)  # an error ends it, and this
    added = stored(ways.direct) - before
    assert added == done.processed
    what = f"{MOST:,} pooled clients for {LONG} s"
    measured = f"{done.processed:,} acknowledged, 0 errors, {done.processed - added} missing"
    figures.add(Figure(what, measured, "", None, "0 errors, 0 missing", True, COMMAND, {}))


def test_pooling_rotation_and_renewal(ways: Ways, pooled: Inventory, figures: Figures) -> None:
    """What clients do is in docs/operations/passwords.md: they read their conninfo at each connect, and go over by and by."""
    say(f"\n{FEW} pooled clients append while the password is rotated and the certificate renewed")
    before = stored(ways.direct)
    with Followers(lambda: pooled.dsn(POOLED, pooled=True), FEW) as clients:
        pooled.rotate(POOLED)
        in_container(POOLED, "rm /srv/postgresql/tls/server.crt /srv/postgresql/tls/server.key")
        pooled.deploy()
        clients.go_over()
    # The password of before is none any more.
    assert stored(Way("direct", pooled.dsn(POOLED), "prepared")) - before >= clients.acknowledged > 0
    assert clients.gone_over == 2 * FEW
    failed = len(clients.failures)
    measured = f"{clients.acknowledged:,} acknowledged, {failed} failed"
    what = f"a rotation and a renewal under {FEW} pooled clients"
    figures.add(Figure(what, measured, "", None, "0 failed statements", failed == 0, COMMAND, {}))
    assert clients.failures == []


def in_container(container: str, command: str) -> None:
    """Run a command as root in a container."""
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    attach = ["lxc-attach", "-n", container, "--clear-env", "--set-var", path, "--", "sh", "-c", command]
    subprocess.run(attach, check=True, capture_output=True)
