"""Appends of one event in a transaction of its own, each with the exact version that it expects."""

import itertools
from collections import Counter
from functools import partial
from statistics import median
from typing import Final

from .figures import Figure, Figures, Row
from .pgbench import pgbench
from .stores import FLOOR, OURS, SAFE_PEERS, Store
from .stores.emmett import Emmett
from .timing import in_turn, say

SECONDS: Final = 2
#: Clients and rounds; what has goals is measured more often.
ROUNDS: Final = {1: 3, 8: 3, 16: 5, 32: 3}
GOALS_AT: Final = 16
COMMAND: Final = "make bench PYTEST_ARGS='-k throughput'"


def test_throughput(stores: list[Store], figures: Figures) -> None:
    runs, acknowledged = itertools.count(), Counter[str]()

    def load(store: Store, clients: int) -> float:
        done = pgbench(store, store.append_script, clients=clients, seconds=SECONDS, run=next(runs), n=-1)
        assert not done.refused
        acknowledged[store.shown] += done.processed
        return done.per_second

    for clients, rounds in ROUNDS.items():
        say(f"\nOne event per transaction, {clients} client(s): {rounds} rounds of {SECONDS} s")
        contenders = {store.shown: partial(load, store, clients) for store in stores}
        rates = in_turn(contenders, rounds, warm_up=0 if acknowledged else 1)
        medians = {store.shown: median(rates[store.shown]) for store in stores}
        cells = {name: f"{rate:,.0f} ({rate / medians[FLOOR]:.2f} ×)" for name, rate in medians.items()}
        what = f"{clients} client{'s' if clients > 1 else ''}"
        figures.compare(
            Row("One event per transaction", what, cells, {name: rates[name] for name in medians}, "events/s")
        )
        if clients == GOALS_AT:
            _goals(medians, rates, figures)
    for store in stores:
        assert store.count() == acknowledged[store.shown], f"{store.shown}: acknowledged events are missing"


def _goals(medians: dict[str, float], rates: dict[str, list[float]], figures: Figures) -> None:
    best = max(SAFE_PEERS, key=lambda name: medians[name])
    # The goal against the bare table has rounds of its own: see test_cost.py.
    for against, why, limit in (
        (best, "best peer whose feed is safe: ", 3.0),
        (Emmett.name, "", 1.25),
    ):
        ratio = medians[OURS] / medians[against]
        figures.add(
            Figure(
                f"appends, one event per transaction, {GOALS_AT} clients, against {against}",
                f"{medians[OURS]:,.0f}/s",
                f"{why}{against}: {medians[against]:,.0f}/s",
                ratio,
                f"≥ {limit} x",
                ratio >= limit,
                COMMAND,
                {name: rates[name] for name in (OURS, against)},
            )
        )
