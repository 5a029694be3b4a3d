"""What it costs to refresh the portfolio as the history of the same positions grows."""

from functools import partial
from statistics import median
from typing import Final

from examples.portfolio import AGGREGATE_TYPE

from .figures import Figure, Figures, Row
from .server import BenchServer
from .stores.base import payload
from .stores.event_store import EventStore
from .timing import in_turn, say, seconds
from .worker import project_everything

POSITIONS: Final = 200
#: Events of each position.
HISTORIES: Final = (10, 100, 1_000)
#: Positions that have changed since the last refresh.
CHANGED: Final = 50
ROUNDS: Final = 15
TABLE: Final = "Refresh as history grows"
COMMAND: Final = "make bench PYTEST_ARGS='-k refresh'"
_HISTORY: Final = """
    INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                    actor, actor_type, source, created_at)
    SELECT event_store.new_event_id(), %(type)s, md5('position' || position)::uuid, version, 'PositionUpdated',
           %(payload)s::jsonb, 'bench', 'service', 'api', clock_timestamp()
      FROM generate_series(1, %(events)s::integer) AS version, generate_series(1, %(positions)s::integer) AS position
"""
_CHANGE: Final = """
    SELECT count(event_store.append_event(%(type)s, md5('position' || position)::uuid, NULL, 'PositionUpdated', %(payload)s))
      FROM generate_series(1, %(changed)s::integer) AS position
"""


def test_refresh(server: BenchServer, figures: Figures) -> None:
    stores = {history: EventStore(server) for history in HISTORIES}
    parameters = {"type": AGGREGATE_TYPE, "payload": payload(), "positions": POSITIONS, "changed": CHANGED}
    projected: list[float] = []
    try:
        say(f"\nRefresh {POSITIONS} positions with {', '.join(map(str, HISTORIES))} events each: {ROUNDS} rounds")
        for history, store in stores.items():
            store.create()
            with server.connect(store.database) as connection:
                connection.execute(_HISTORY, {**parameters, "events": history})
                connection.execute("VACUUM ANALYZE")
            spent = seconds(partial(project_everything, store))
            projected.append(history * POSITIONS / spent)
            with server.connect(store.database) as connection:
                # What autovacuum does a minute later: no longer history is left behind, but a batch's row versions.
                connection.execute("VACUUM ANALYZE projections.positions")
        say(f"  projected {projected[-1]:,.0f} events/s")

        def refresh(store: EventStore) -> float:
            with server.connect(store.database) as connection:
                connection.execute(_CHANGE, parameters)
                return 1000 * seconds(lambda: connection.execute("SELECT public.refresh_materialized_views()"))

        contenders = {f"{history:,} events each": partial(refresh, store) for history, store in stores.items()}
        times = in_turn(contenders, ROUNDS, warm_up=3)
    finally:
        for store in stores.values():
            if store.database:
                store.drop()
    medians = {name: median(series) for name, series in times.items()}
    cells = {name: f"{medians[name]:.1f} ms" for name in contenders}
    figures.compare(Row(TABLE, f"{POSITIONS} positions, {CHANGED} changed", cells, times, "ms"))
    shortest, longest = next(iter(contenders)), list(contenders)[-1]
    ratio = medians[longest] / medians[shortest]
    figures.add(
        Figure(
            f"refresh_materialized_views(), {POSITIONS} positions with {longest}",
            f"{medians[longest]:.1f} ms",
            f"{shortest}: {medians[shortest]:.1f} ms",
            ratio,
            "≤ 1.25 x",
            ratio <= 1.25,
            COMMAND,
            times,
        )
    )
    what = f"projecting {HISTORIES[-1] * POSITIONS:,} events from the beginning"
    figures.compare(Row(TABLE, what, {longest: f"{projected[-1]:,.0f} events/s"}))
