"""`event-store status`: what it says of a deployment that is well, and of each thing in it that is not."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .containers import declared
from .deployment import Deployment, inside, run, sql

ABSENT = "estest-absent"
STORE, OTHER = f"@lxc/{TRIXIE}", f"@lxc/{BOOKWORM}"
Rows = dict[str, tuple[str, str]]


@pytest.fixture
def repaired(deployed: Deployment) -> Iterator[Deployment]:
    """A deployment that is well, for a test that breaks it; the next deploy repairs it."""
    yield deployed
    deployed.apply()
    assert status(deployed.inventory)[0] == 0


@pytest.fixture(autouse=True, scope="module")
def _no_subscriptions_of_other_tests(deployed: Deployment) -> None:
    """Nobody consumes them any more, so they would be behind."""
    deployed.apply()
    for name in deployed.containers:
        sql(name, "SELECT event_store.drop_subscription(subscription_name) FROM event_store.subscriptions")


def status(inventory: str) -> tuple[int, Rows]:
    """Exit status, and by ``KIND NAME`` state and detail."""
    done = run(sys.executable, "-m", "deploy.commands", "status", "-i", inventory, "--json", check=False)
    assert "Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert {"well": 0, "unknown": 1, "degraded": 2, "down": 3}[said["state"]] == done.returncode
    return done.returncode, {f"{row['kind']} {row['name']}": (row["state"], row["detail"]) for row in said["rows"]}


def states(rows: Rows, name: str) -> set[str]:
    """The states of everything about a machine."""
    found = {state for row, (state, _) in rows.items() if name in row}
    assert found
    return found


def test_all_is_well(deployed: Deployment) -> None:
    sql(TRIXIE, "SELECT event_store.create_subscription('mailer', partitions => 4, from_beginning => false)")
    try:
        inside(TRIXIE, "touch /run/mark; sleep 0.1")
        code, rows = status(deployed.inventory)
        assert inside(TRIXIE, "find /etc /srv/postgresql/tls /var/lib/systemd -newer /run/mark") == ""
    finally:
        sql(TRIXIE, "SELECT event_store.drop_subscription('mailer')")
    assert code == 0
    assert {state for state, _ in rows.values()} == {"well"}
    assert [row for row in rows if row.startswith("host ")] == ["host @local"]
    for store, version in ((STORE, 17), (OTHER, 15)):
        assert f"container {store}" in rows
        assert rows[f"cluster {store}/postgresql@{version}-main"] == ("well", "takes connections")
        assert len([row for row in rows if row.startswith(f"worker {store}/event-store@")]) == 4
        assert rows[f"login {store}/stock_analysis_user"] == ("well", "logs in as stock_analysis_user")
        assert f"projection {store}/portfolio_positions" in rows
    assert rows[f"subscription {STORE}/mailer"] == ("well", "up to date; 0 of 4 partitions have a consumer")


def test_a_table_is_for_people(deployed: Deployment) -> None:
    done = run(sys.executable, "-m", "deploy.commands", "status", "-i", deployed.inventory)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["kind", "name", "state", "detail"] in lines
    assert ["cluster", f"{STORE}/postgresql@17-main", "well", "takes", "connections"] in lines


def test_what_is_degraded(repaired: Deployment) -> None:
    inside(
        TRIXIE,
        "systemctl -q disable event-store@feed; "
        "sed -i 's/^max_connections.*/max_connections = 42/' /etc/postgresql/17/main/postgresql.conf",
    )
    sql(
        TRIXIE,
        """
        SELECT pg_reload_conf();
        SELECT event_store.pause_projection('users');
        SELECT event_store.create_subscription('mailer', aggregate_types => '{Note}');
        INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data, created_at)
        VALUES (gen_random_uuid(), 'Note', gen_random_uuid(), 1, 'Noted', '{}', now() - interval '1 hour');
        """,
    )
    sql(TRIXIE, "SELECT pg_sleep(0.5)")
    try:
        code, rows = status(repaired.inventory)
    finally:
        sql(TRIXIE, "SELECT event_store.resume_projection('users'), event_store.drop_subscription('mailer')")
    assert code == 2
    assert states(rows, OTHER) == {"well"}
    assert rows[f"container {STORE}"][0] == "well"
    assert rows[f"worker {STORE}/event-store@views"][0] == "well"
    for row, said in {
        f"cluster {STORE}/postgresql@17-main": "max_connections waits for a restart",
        f"worker {STORE}/event-store@feed": "does not start at boot; `make deploy` enables it",
        f"projection {STORE}/users": "to go on: SELECT event_store.resume_projection('users')",
        f"subscription {STORE}/mailer": "1 event, 36",
    }.items():
        assert rows[row][0] == "degraded", row
        assert said in rows[row][1]


def test_events_that_a_projection_left_out_are_counted(deployed: Deployment) -> None:
    noted = (
        "event_store.unapplied_events (projection_name, event_id, problem) VALUES ('users', gen_random_uuid(), 'tried')"
    )
    sql(TRIXIE, f"INSERT INTO {noted}")
    try:
        _, rows = status(deployed.inventory)
    finally:
        sql(TRIXIE, "DELETE FROM event_store.unapplied_events WHERE problem = 'tried'")
    assert "; 1 event left out: SELECT * FROM event_store.unapplied_events" in rows[f"projection {STORE}/users"][1]
    assert rows[f"projection {STORE}/users"][0] == "well"
    assert "left out" not in rows[f"projection {OTHER}/users"][1]


def test_a_server_and_a_service_that_are_down(repaired: Deployment) -> None:
    inside(TRIXIE, "systemctl stop postgresql@17-main")
    inside(BOOKWORM, "systemctl stop event-store@feed")
    code, rows = status(repaired.inventory)
    assert code == 3
    assert rows[f"container {STORE}"][0] == "well"
    assert rows[f"cluster {STORE}/postgresql@17-main"] == ("down", "the server is not running; `make deploy` starts it")
    assert rows[f"worker {STORE}/event-store@feed"][0] == "down"
    assert rows[f"projection {STORE}/*"][0] == "unknown"
    assert rows[f"login {STORE}/stock_analysis_user"][0] == "unknown"
    assert rows[f"cluster {OTHER}/postgresql@15-main"][0] == "well"
    assert rows[f"worker {OTHER}/event-store@feed"] == ("down", "inactive; `make deploy` starts it")


def test_containers_that_are_down_or_not_there(repaired: Deployment) -> None:
    run("lxc-stop", "-n", TRIXIE)
    repaired.containers = repaired.containers | declared(ABSENT)
    try:
        code, rows = status(repaired.inventory)
    finally:
        repaired.containers = {name: data for name, data in repaired.containers.items() if name != ABSENT}
    assert code == 3
    assert rows["host @local"][0] == "well"
    assert rows[f"container {STORE}"] == ("down", "not running; `make deploy` starts it")
    assert rows[f"cluster {STORE}/postgresql@17-main"][0] == "down"
    assert rows[f"container @lxc/{ABSENT}"] == ("down", "not there; `make deploy` creates it")
    assert states(rows, OTHER) == {"well"}


def test_a_store_of_another_version_cannot_be_determined(deployed: Deployment) -> None:
    sql(TRIXIE, "ALTER FUNCTION event_store.projection_lag(text) RENAME TO other")
    try:
        code, rows = status(deployed.inventory)
    finally:
        sql(TRIXIE, "ALTER FUNCTION event_store.other(text) RENAME TO projection_lag")
    assert code == 1
    assert rows[f"projection {STORE}/*"] == ("unknown", "cannot be determined; `make drift` may say why")
    assert rows[f"cluster {STORE}/postgresql@17-main"][0] == "well"


def test_a_host_that_cannot_be_reached(deployed: Deployment, tmp_path: Path) -> None:
    inventory = tmp_path / "far.py"
    inventory.write_text(
        "lxc_hosts = [('@local', {}), ('far', {'ssh_hostname': '127.0.0.1', 'ssh_port': 9})]\n"
        f"event_stores = [({STORE!r}, {deployed.containers[TRIXIE]!r}), ('@lxcssh/far:one', {{'address': '10.0.3.90'}})]\n"
    )
    code, rows = status(str(inventory))
    assert code == 1
    assert states(rows, "far") == {"unknown"}
    assert {row.partition(" ")[0] for row in rows if "far" in row} >= {"host", "container", "cluster", "worker"}
    assert all("far cannot be reached" in detail for row, (_, detail) in rows.items() if "far" in row)
    assert states(rows, STORE) == {"well"}
