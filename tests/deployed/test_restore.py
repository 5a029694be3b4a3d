"""A store moves into another container and onto a newer PostgreSQL, by a dump of the whole database (README)."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .deployment import Deployment, differences, inside, run, sql

DATABASE = "stock_analysis_event_store"
APPEND = "SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Moved', '{}')"
EVENTS = "SELECT count(*), sum(hashtextextended(e::text, 0)::numeric) FROM event_store.events e"
#: As the page says it.
KEEP_OUT = r"""
    SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles WHERE rolname ~ '^stock_analysis_user' \gexec
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename ~ '^stock_analysis_user';
"""


@pytest.fixture
def moved(deployed: Deployment) -> Iterator[Deployment]:
    """What is in the older server's store is in the newer one's as well; its own one comes back at the end."""
    deployed.apply()
    with deployed.connect(BOOKWORM) as connection:
        connection.execute(APPEND)
    # Its transactions have come further than the other server's will for a while.
    sql(BOOKWORM, "SELECT pg_current_xact_id();\n" * 5000)
    with deployed.connect(BOOKWORM) as connection:
        connection.execute(APPEND)
    with deployed.connect(BOOKWORM) as connection:
        sql(BOOKWORM, KEEP_OUT)
        with pytest.raises(psycopg.OperationalError):
            connection.execute(APPEND)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        deployed.connect(BOOKWORM)
    inside(TRIXIE, "systemctl stop 'event-store@*'")
    sql(TRIXIE, f"ALTER DATABASE {DATABASE} RENAME TO kept", "postgres")
    try:
        sql(TRIXIE, f"CREATE DATABASE {DATABASE} OWNER stock_analysis_user TEMPLATE template0", "postgres")
        user = "-- runuser -u postgres --"
        run("sh", "-ec", f"cd /; lxc-attach -n {BOOKWORM} {user} pg_dump -Fc {DATABASE} | "
                         f"lxc-attach -n {TRIXIE} {user} pg_restore --exit-on-error -d {DATABASE}")  # fmt: skip
        yield deployed
    finally:
        inside(TRIXIE, "systemctl stop 'event-store@*'")
        sql(TRIXIE, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", "postgres")
        sql(TRIXIE, f"ALTER DATABASE kept RENAME TO {DATABASE}", "postgres")
        deployed.apply()
    deployed.assert_as_declared()


def _feed(connection: "psycopg.Connection[Any]") -> list[Any]:
    query = "SELECT global_position, event_type FROM event_store.read_feed(max_count => 100000)"
    return connection.execute(query).fetchall()


def test_a_moved_store_goes_on_where_it_ended(moved: Deployment) -> None:
    assert sql(TRIXIE, EVENTS) == sql(BOOKWORM, EVENTS)
    with moved.connect(TRIXIE) as connection, pytest.raises(psycopg.Error) as refusal:
        connection.execute(APPEND)
    assert refusal.value.sqlstate == "SE012"
    status, report = moved.drift()
    assert status == 2
    assert "feed: restored from another cluster, to be rebased" in differences(report)

    moved.pyinfra("-y", "--limit", f"@lxc/{TRIXIE}")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        moved.connect(BOOKWORM)
    assert sql(TRIXIE, EVENTS) == sql(BOOKWORM, EVENTS), "the deploy changed an event"
    moved.apply()
    moved.assert_as_declared()
    assert sql(TRIXIE, EVENTS) == sql(BOOKWORM, EVENTS), "an event was changed"
    with moved.connect(TRIXIE) as connection, moved.connect(BOOKWORM) as other:
        connection.execute("LISTEN event_store")
        connection.execute(APPEND)
        assert list(connection.notifies(timeout=30, stop_after=1)), "the worker does not work"
        *before, last = _feed(connection)
        assert before == _feed(other)
        assert last[0] == connection.execute("SELECT max(global_position) FROM event_store.events").fetchone()[0]  # type: ignore[index]
