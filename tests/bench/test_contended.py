"""16 clients that all append to one aggregate, whatever its version: every row accounted for."""

import itertools
from collections import Counter
from functools import partial
from statistics import median
from typing import Final
from uuid import uuid4

from examples.portfolio import generate

from .figures import Figure, Figures, Row
from .pgbench import pgbench
from .stores import OURS, PEERS, Store
from .timing import in_turn, say

CLIENTS: Final = 16
ROUNDS: Final = 5
SECONDS: Final = 2
TABLE: Final = "16 clients on one aggregate"
COMMAND: Final = "make bench PYTEST_ARGS='-k contended'"


def test_contended(stores: list[Store], figures: Figures) -> None:
    stream = uuid4()
    contenders = [store for store in stores if store.contended_script]
    first = list(itertools.islice(generate(4, 1), 1))
    for store in contenders:
        with store.connect() as connection:
            store.execute(connection, store.append(stream, 0, first))
    acknowledged, refused = Counter[str](), Counter[str]()

    def load(store: Store) -> float:
        done = pgbench(store, store.contended_script, clients=CLIENTS, seconds=SECONDS, stream=str(stream))
        acknowledged[store.shown] += done.processed
        refused[store.shown] += done.refused
        return done.per_second

    say(f"\n{CLIENTS} clients on one aggregate: {ROUNDS} rounds of {SECONDS} s, after one to warm up")
    rates = in_turn({store.shown: partial(load, store) for store in contenders}, ROUNDS, warm_up=1)
    medians = {store.shown: median(rates[store.shown]) for store in contenders}
    cells = {name: f"{rate:,.0f}" for name, rate in medians.items()}
    figures.compare(Row(TABLE, "any version", cells, {name: rates[name] for name in medians}, "events/s"))

    accounts: dict[str, str] = {}
    for store in contenders:
        versions = store.versions_of(stream)
        missing = 1 + acknowledged[store.shown] - len(versions)
        gaps = len(set(range(1, len(versions) + 1)) - set(versions))
        accounts[store.shown] = f"{acknowledged[store.shown]:,} acknowledged, {missing} missing, {gaps} gaps"
        if store.shown == OURS:
            assert (missing, gaps, len(set(versions))) == (0, 0, len(versions))
    figures.compare(Row(TABLE, "accounted for", accounts))
    conflicts = {name: f"{refused[name] / max(acknowledged[name], 1):.1f}" for name in medians}
    figures.compare(Row(TABLE, "conflicts for each event stored", conflicts))

    best = max(PEERS, key=lambda name: medians[name])
    ratio = medians[OURS] / medians[best]
    figures.add(
        Figure(
            f"{CLIENTS} clients on one aggregate",
            f"{medians[OURS]:,.0f}/s, {accounts[OURS]}",
            f"best peer, {best}: {medians[best]:,.0f}/s",
            ratio,
            "≥ 1.5 x",
            ratio >= 1.5,
            COMMAND,
            {name: rates[name] for name in (OURS, best)},
        )
    )
