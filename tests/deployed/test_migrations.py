"""The migrations one by one, in a database of their own on both servers: forward, back, twice at once, and killed."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from deploy.schema import catalogue, migrations
from deploy.schema.migrations import Migration
from deploy.schema.rollback.losses import guard, losses

from .containers import SERVERS
from .deployment import Deployment, inside, schema_dump, sql

pytestmark = pytest.mark.releases

SCHEMA = catalogue.load()
STEPS = SCHEMA.migrations
DATABASE = "estest_migrations"
PSQL = f"psql -Xq -v ON_ERROR_STOP=1 --single-transaction -d {DATABASE} -f -"

EVENTS = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data)
    SELECT gen_random_uuid(), gen_random_uuid(), 'Position', 1, 'PositionOpened', '{"symbol": "AAPL", "quantity": 2}'
      FROM generate_series(1, 3)"""
COLUMNS = """
    SELECT json_agg(c.table_schema || '.' || c.table_name || '.' || c.column_name)
      FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE t.table_schema IN ('event_store', 'projections') AND t.table_type = 'BASE TABLE'"""


@pytest.fixture(params=SERVERS)
def name(request: pytest.FixtureRequest, deployed_server: Callable[[str], Deployment]) -> Iterator[str]:
    """A container with an empty database in which only the migrations are run, without repeatable objects."""
    container: str = request.param
    deployed_server(container)
    sql(container, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", "postgres")
    sql(container, f"CREATE DATABASE {DATABASE} TEMPLATE template0", "postgres")
    sql(container, f"GRANT CREATE, TEMPORARY ON DATABASE {DATABASE} TO event_store_owner", "postgres")
    sql(container, SCHEMA.ledger, DATABASE)
    yield container
    sql(container, f"DROP DATABASE {DATABASE} WITH (FORCE)", "postgres")


def _psql(container: str, script: str) -> str:
    """All of a script or nothing of it, as a deploy runs it; what it printed, errors too."""
    return inside(container, f"cd /; exec runuser -u postgres -- {PSQL} 2>&1", stdin=script, check=False)


def _up(container: str, step: Migration) -> None:
    assert "ERROR" not in _psql(container, migrations.up_script(step, SCHEMA.ledger))


def _columns(container: str) -> set[str]:
    return set(json.loads(sql(container, COLUMNS, DATABASE) or "null") or [])


def _events(container: str) -> str:
    """All that they have. A column without a value may go, or come."""
    what = "md5(string_agg(jsonb_strip_nulls(to_jsonb(e))::text, '' ORDER BY global_position))"
    return sql(container, f"SELECT {what} FROM event_store.events e", DATABASE)


def test_each_is_taken_back_to_a_byte_identical_schema(name: str) -> None:
    """With events in the store, but for the first one, which is not taken back then; and what it takes along it says."""
    for step in STEPS:
        before, columns = schema_dump(name, DATABASE), _columns(name)
        _up(name, step)
        if step.version > 1:
            sql(name, EVENTS, DATABASE)
            events = _events(name)
        down = migrations.down_script(step, SCHEMA.ledger, guard(step, ()))
        gone = _columns(name) - columns
        assert "ERROR" not in _psql(name, down), str(step)
        assert schema_dump(name, DATABASE) == before, str(step)
        said = {loss.table for loss in losses(step)}
        assert {column.rpartition(".")[0] for column in gone} - said == set(), (
            f"{step} does not say that it loses these"
        )
        if step.version > 1:
            assert _events(name) == events
        _up(name, step)
        if step.version == 1:
            sql(name, EVENTS, DATABASE)
            assert "rows of event_store.events would be lost" in _psql(name, down)


def test_a_step_out_of_its_turn_is_refused(name: str) -> None:
    for step in STEPS[:2]:
        _up(name, step)
    first = migrations.down_script(STEPS[0], SCHEMA.ledger, guard(STEPS[0], ()))
    assert "0001_event_store is not the last migration applied" in _psql(name, first)
    assert sql(name, "SELECT count(*) FROM deployment.migrations", DATABASE) == "2"


def test_two_runners_at_once_apply_each_migration_once(name: str) -> None:
    """Both begin with the first one; whoever comes second to a migration finds it applied, and goes on to the next."""
    outputs: list[str] = []

    def run() -> None:
        outputs.extend(_psql(name, migrations.up_script(step, SCHEMA.ledger)) for step in STEPS)

    runners = [threading.Thread(target=run) for _ in range(2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [output for output in outputs if "ERROR" in output] == []
    assert len(outputs) == 2 * len(STEPS)
    applied = sql(name, "SELECT count(*), count(DISTINCT version), max(version) FROM deployment.migrations", DATABASE)
    assert applied == "|".join([str(len(STEPS))] * 3)


def _interrupted(script: str, step: str) -> Iterator[str]:
    """The script with its own backend terminated at the beginning of ``step``, in its middle, and at its end."""
    lines = step.splitlines(keepends=True)
    # Between statements: where a line ends with a semicolon and the next one starts at the margin with a word.
    places = [0, *(n for n in range(1, len(lines)) if lines[n - 1].rstrip().endswith(";") and lines[n][:1].isupper())]
    for place in sorted({places[0], places[len(places) // 2], places[-1], len(lines)}):
        cut = "".join(
            [*lines[:place], "\nSET LOCAL ROLE NONE; SELECT pg_terminate_backend(pg_backend_pid());\n", *lines[place:]]
        )
        yield script.replace(step, cut)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_server_process_that_ends_leaves_nothing_partial(name: str, direction: str) -> None:
    for step in STEPS:
        if direction == "down":
            _up(name, step)
            script, text = migrations.down_script(step, SCHEMA.ledger, guard(step, ())), step.down
        else:
            script, text = migrations.up_script(step, SCHEMA.ledger), step.up
        before = schema_dump(name, DATABASE)
        ledger = sql(name, "SELECT count(*) FROM deployment.migrations", DATABASE)
        for interrupted in _interrupted(script, text):
            assert "terminating connection" in _psql(name, interrupted), f"{step} was not interrupted"
        assert schema_dump(name, DATABASE) == before, str(step)
        assert sql(name, "SELECT count(*) FROM deployment.migrations", DATABASE) == ledger
        if direction == "up":
            _up(name, step)


def test_a_killed_psql_leaves_nothing_partial(name: str) -> None:
    """SIGKILL, as the whole run would get it; the next run does not have to wait for anybody."""
    before = schema_dump(name, DATABASE)
    script = migrations.up_script(STEPS[0], SCHEMA.ledger).replace(
        STEPS[0].up, f"{STEPS[0].up}\nSELECT pg_sleep(600);\n"
    )
    command = ["lxc-attach", "-n", name, "--", "sh", "-c", f"cd /; exec runuser -u postgres -- {PSQL}"]
    runner = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
    assert runner.stdin
    runner.stdin.write(script)
    runner.stdin.close()
    sleeping = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND wait_event = 'PgSleep'"
    while sql(name, sleeping, "postgres") != "1":
        time.sleep(0.1)
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    inside(name, "pkill -9 -x psql -u postgres", check=False)
    # The server learns of it when it next looks at the connection; until then the lock is held.
    sql(name, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'", "postgres")
    assert schema_dump(name, DATABASE) == before
    _up(name, STEPS[0])
