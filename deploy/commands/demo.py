"""`event-store demo`: appends the events of some made-up stock positions and shows the portfolio that follows from them."""

import time
from collections.abc import Iterable
from typing import Any, Final

import click
import psycopg

from deploy.commands import options, output
from deploy.commands.connection import choose_event_store, dsn
from deploy.commands.errors import CommandError
from deploy.commands.running import run_old_path
from deploy.model.inventory import read_inventory
from event_store import NewEvent, Origin, Session
from event_store.errors import EventStoreError
from examples.batches import batches
from examples.portfolio import AGGREGATE_TYPE, Event, generate

_POSITIONS: Final = 12
_BATCH: Final = 50
# Apart from the small seeds that tests and benchmarks take, whose positions may be in this store.
_FIRST_SEED: Final = 1_000_000

# The index of the feed answers it, however many events there are.
_LAST: Final = """
    SELECT global_position FROM event_store.events ORDER BY transaction_id DESC, global_position DESC LIMIT 1
"""
_NEW: Final = """
    SELECT symbol, quantity, round(average_price, 2), round(current_value, 2), last_updated
      FROM projections.portfolio_positions WHERE position_id = ANY (%s) ORDER BY current_value DESC
"""
_TOTALS: Final = """
    SELECT symbol, count(*) FILTER (WHERE quantity > 0), sum(quantity), round(sum(current_value), 2)
      FROM projections.portfolio_positions
     GROUP BY symbol HAVING sum(quantity) > 0 ORDER BY sum(current_value) DESC
"""


@click.command()
@options.inventory
@options.container
def demo(inventory: str, container: str | None) -> None:
    """Append some stock-analysis events, and show the portfolio that follows from them.

    Each call brings positions of its own, made from where the store's feed ends.
    """
    settings = read_inventory(inventory)
    store = choose_event_store(settings, container)
    uri = dsn(store, settings)
    deploy = options.make("deploy", settings.file)
    try:
        with psycopg.connect(uri, autocommit=True, connect_timeout=5) as connection:
            _show(connection, store.name)
    except psycopg.OperationalError as error:
        raise CommandError(f"no connection to {store.name}: {error}\nBring it up with: {deploy}") from None
    except psycopg.ProgrammingError as error:  # a table or a function is missing, or the right to use it
        raise CommandError(f"{store.name} is not as it was deployed: {error}\nFix it with: {deploy}") from None
    except (psycopg.Error, EventStoreError) as error:
        raise CommandError(f"{store.name} refused: {error}") from None


def _show(connection: psycopg.Connection[Any], name: str) -> None:
    last = connection.execute(_LAST).fetchone()
    session = Session(connection)
    events = list(generate(_FIRST_SEED + (last[0] if last else 0), _POSITIONS))

    started = time.perf_counter()
    calls = _append(session, events)
    appended = time.perf_counter()
    session.refresh_materialized_views()
    refreshed = time.perf_counter()
    positions = connection.execute(_NEW, (list({event.aggregate_id for event in events}),)).fetchall()
    totals = connection.execute(_TOTALS).fetchall()
    queried = time.perf_counter()

    info = connection.info
    click.echo(f"Event store {name} at {info.host}:{info.port}, database {info.dbname}, role {info.user}\n")
    click.echo("The new positions, as of their latest event")
    output.table(("symbol", "quantity", "average price", "value", "last event"), positions)
    click.echo("The whole portfolio, by symbol")
    total = ("total", *(sum(column) for column in list(zip(*totals, strict=True))[1:])) if totals else ()
    output.table(("symbol", "positions", "quantity", "value"), [*totals, total] if total else [])
    click.echo(
        f"Appended {len(events)} events of {_POSITIONS} positions in {calls} transactions: {_ms(started, appended)}"
        f"\nRefreshed the projection: {_ms(appended, refreshed)}"
        f"\nQueried it twice: {_ms(refreshed, queried)}"
    )


def _append(session: Session, events: Iterable[Event]) -> int:
    """Append as an application does, a batch in a transaction of its own each; returns how many there were."""
    calls = 0
    for calls, batch in enumerate(batches(events, _BATCH), start=1):  # noqa: B007  # the number is the result
        first = batch.events[0]
        session.append_events(
            AGGREGATE_TYPE,
            batch.aggregate_id,
            [
                NewEvent(
                    event.event_type,
                    event.data,
                    event.metadata,
                    causation_id=event.causation_id,
                    correlation_id=event.correlation_id,
                )
                for event in batch.events
            ],
            expected=batch.expected_version,
            origin=Origin(first.actor, first.actor_type, first.source),
        )
    return calls


def _ms(start: float, end: float) -> str:
    return f"{(end - start) * 1000:.1f} ms"


if __name__ == "__main__":
    run_old_path(demo, "--inventory", "--container")
