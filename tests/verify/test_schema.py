"""The schema: as this checkout describes it, under its documented names, and append-only to whoever tries."""

from collections.abc import Sequence
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.model.event_stores import DATABASE
from deploy.schema import catalogue
from deploy.schema.facts import Answer, parse

from .application import Application
from .server import Server

_TABLES = ("events", "commands", "snapshots", "event_types", "projections")
_INDEXES = (
    "event_store.idx_events_aggregate",
    "event_store.idx_events_type",
    "event_store.idx_events_created_at",
    "event_store.idx_events_correlation",
    "event_store.idx_commands_aggregate",
    "event_store.idx_snapshots_aggregate",
    "projections.idx_portfolio_positions_position_id",
)
_FUNCTIONS = (
    "event_store.append_event",
    "event_store.append_events",
    "event_store.get_events",
    "event_store.get_events_since",
    "event_store.get_events_by_type",
    "event_store.get_events_in_time_range",
    "event_store.check_command_processed",
    "event_store.record_command",
    "public.refresh_materialized_views",
)


def test_catalogue_has_no_drift(server: Server) -> None:
    state = parse(server.output(catalogue.load().state, DATABASE))
    assert state.answer is Answer.DATABASE
    assert state.drift is not None, "there is nothing to compare with: this checkout was not deployed here"
    assert [str(difference) for difference in state.drift] == []


def test_all_migrations_are_applied_as_they_are_in_the_checkout(server: Server) -> None:
    rows = server.rows("SELECT version, name, sha256 FROM deployment.migrations ORDER BY version", DATABASE)
    assert [(row["version"], row["name"], row["sha256"]) for row in rows] == [
        (migration.version, migration.name, migration.sha256) for migration in catalogue.load().migrations
    ]


def _missing(server: Server, names: Sequence[str], kind: str) -> list[str]:
    found = server.rows(
        f"SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = '{kind}'"
        " AND relnamespace::regnamespace::text IN ('event_store', 'projections')",
        DATABASE,
    )
    return sorted(set(names) - {row["name"] for row in found})


def test_documented_tables_are_there(server: Server) -> None:
    assert not _missing(server, [f"event_store.{table}" for table in _TABLES], "r")


def test_documented_indexes_are_there(server: Server) -> None:
    assert not _missing(server, _INDEXES, "i")


def test_documented_projection_is_there_with_its_rows(server: Server) -> None:
    assert not _missing(server, ["projections.portfolio_positions"], "m")
    assert server.value("relispopulated FROM pg_class WHERE relname = 'portfolio_positions'", DATABASE) == "t"


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_application_may_call_the_documented_function(application: Application, function: str) -> None:
    with application.rolled_back() as connection:
        callable_ = connection.execute(
            "SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p"
            " WHERE p.pronamespace::regnamespace::text || '.' || p.proname = %s",
            [function],
        ).fetchone()
    assert callable_ == (True,)


_FORGED = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'Verify', 1, 'Forged', '{}')"""


# Nothing matches WHERE false and all is rolled back, so that a check that fails has not changed anything either.
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_store.events SET event_data = '{}' WHERE false",
        "DELETE FROM event_store.events WHERE false",
        "TRUNCATE event_store.events",
        _FORGED,
        "ALTER TABLE event_store.events ADD COLUMN forged text",
        "ALTER TABLE event_store.events DISABLE TRIGGER ALL",
        "DROP TABLE event_store.events",
        "DROP SCHEMA event_store CASCADE",
        "CREATE TABLE event_store.extra (id integer)",
        "CREATE OR REPLACE FUNCTION public.refresh_materialized_views() RETURNS void LANGUAGE sql AS ''",
        "SET LOCAL ROLE event_store_owner",
        "SET LOCAL session_replication_role = replica",
        "UPDATE event_store.commands SET data = '{}' WHERE false",
        "DELETE FROM event_store.commands WHERE false",
        "SELECT * FROM deployment.migrations",
    ],
)
def test_application_is_refused(application: Application, statement: str) -> None:
    with application.rolled_back() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("table", ["events", "commands"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = actor WHERE false", "DELETE FROM {} WHERE false"])
@pytest.mark.parametrize("replication_role", ["origin", "replica"])
def test_even_the_superuser_is_refused(server: Server, table: str, statement: str, replication_role: str) -> None:
    attempt = statement.format(f"event_store.{table}")
    script = f"BEGIN; SET LOCAL session_replication_role = {replication_role}; {attempt}; ROLLBACK;"
    result = server.run(script, DATABASE, options="-c lock_timeout=2s")
    assert result.rc != 0, f"it was not refused: {attempt}"
    assert "SE005" in result.stderr


def test_append_and_read_back(application: Application) -> None:
    """Rolled back; what is left is that the sequence of positions is one further."""
    aggregate, events = uuid4(), [("PositionOpened", {"symbol": "AAPL"}), ("PositionClosed", {"symbol": "AAPL"})]
    with application.rolled_back() as connection:
        appended = connection.execute(
            "SELECT event_version FROM event_store.append_events('Verify', %s, 0, %s)",
            [aggregate, Jsonb([{"event_type": kind, "event_data": data} for kind, data in events])],
        ).fetchone()
        read = connection.execute(
            "SELECT event_version, event_type, event_data FROM event_store.get_events('Verify', %s)", [aggregate]
        ).fetchall()
    assert appended == (2,)
    assert read == [(version, *event) for version, event in enumerate(events, start=1)]


def test_second_writer_of_a_version_is_refused(application: Application) -> None:
    event = Jsonb([{"event_type": "PositionOpened", "event_data": {}}])
    append = "SELECT event_store.append_events('Verify', %s, 0, %s)"
    aggregate = uuid4()
    with application.rolled_back() as connection:
        connection.execute(append, [aggregate, event])
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute(append, [aggregate, event])
    assert refusal.value.sqlstate == "SE001"
