"""The worker in its containers: drift of it, what it may do, and that it comes back whatever happens to the server."""

import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import pytest

from deploy.model.event_stores import DATABASE, WORKER_ROLE
from deploy.worker.deploy import PAUSES, SQL_FILE, UNIT_FILE, UNITS

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .containers import SERVERS
from .deployment import Deployment, differences, inside, run, sql

BOTH = pytest.mark.parametrize(("name", "version"), list(zip(SERVERS, (17, 15), strict=True)))
FEED, PROJECTIONS, VIEWS, SEALS = (f"event-store@{name}.service" for name in ("feed", "projections", "views", "seals"))
FOLDER = "/etc/systemd/system"
#: The server ends all others with it, throws its memory away and recovers.
KILL_A_SESSION = "pkill -9 -f '[e]vent_store_worker stock_analysis_event_store'"


class Case(NamedTuple):
    """A change by hand in the container, and a text that the report must name it with; both may be about a UNIT."""

    name: str
    change: str
    reported: str


CASES = [
    Case("user's shell", f"usermod --shell /bin/bash {WORKER_ROLE}", f"user {WORKER_ROLE}: shell is /bin/bash"),
    Case("user in a group", f"usermod --append --groups postgres {WORKER_ROLE}", f"user {WORKER_ROLE}: groups is"),
    Case("user with a password", f"echo {WORKER_ROLE}:by-hand | chpasswd", f"user {WORKER_ROLE}: locked is False"),
    Case("no user", f"systemctl stop 'event-store@*'; userdel {WORKER_ROLE}", f"user {WORKER_ROLE}: missing"),
    Case("unit edited", f"sed -i 's/^User=.*/User=root/' {UNIT_FILE}", f"UNIT: started before {UNIT_FILE}"),
    Case("SQL edited and loaded", f"echo 'SELECT 1;' >> {SQL_FILE}; systemctl restart UNIT", f"{SQL_FILE}: content"),
    Case("file newer than the process", f"touch {SQL_FILE}", f"UNIT: started before {SQL_FILE} was written"),
    Case("stopped", "systemctl stop UNIT", "UNIT: not running (inactive)"),
    Case("disabled", "systemctl disable --quiet UNIT", "UNIT: not enabled"),
    Case("masked", "systemctl mask --quiet --now UNIT", f"{FOLDER}/UNIT: changes"),
    Case("masked until the next boot", "systemctl mask --quiet --runtime UNIT", "/run/systemd/system/UNIT: changes"),
    Case("changed by a drop-in", f"mkdir {FOLDER}/UNIT.d; echo '[Service]\nUser=root' > {FOLDER}/UNIT.d/x.conf",
         f"{FOLDER}/UNIT.d/x.conf: changes"),
    Case("all changed by a drop-in that is loaded", f"mkdir {FOLDER}/event-store@.service.d; echo '[Service]\nUser=root' > {FOLDER}/event-store@.service.d/x.conf;"
         " systemctl daemon-reload; systemctl restart 'event-store@*' || true", f"{FOLDER}/event-store@.service.d/x.conf: changes"),
    Case("started without the file", f"sed -i s/^UMask=.*/UMask=0022/ {UNIT_FILE}; systemctl daemon-reload; systemctl restart UNIT;"
         f"sed -i s/^UMask=.*/UMask=0077/ {UNIT_FILE}; systemctl restart UNIT", "UNIT: started before systemd had read"),
    Case("a unit of its own", f"sed s/^User=.*// {UNIT_FILE} > {FOLDER}/UNIT; systemctl daemon-reload; systemctl restart UNIT || true",
         f"{FOLDER}/UNIT: changes"),
]  # fmt: skip


#: Names of those that can be seen together, and of the units that they are about.
TOGETHER = [
    {"user's shell": FEED, "disabled": FEED, "stopped": PROJECTIONS, "masked": VIEWS, "changed by a drop-in": SEALS},
    {"SQL edited and loaded": FEED, "unit edited": FEED},
    {"no user": FEED},
    {"started without the file": FEED},
]


@pytest.mark.parametrize(
    "units",
    [
        *(pytest.param(units, id=" + ".join(units)) for units in TOGETHER),
        *(pytest.param({case.name: FEED}, id=f"{case.name} alone", marks=pytest.mark.soak) for case in CASES),
    ],
)
def test_drift_is_shown_and_repaired(deployed: Deployment, units: dict[str, str]) -> None:
    by_name = {case.name: case for case in CASES}
    for name, unit in units.items():
        inside(TRIXIE, by_name[name].change.replace("UNIT", unit))
    status, report = deployed.drift()
    assert status == 2, report
    for name, unit in units.items():
        reported = by_name[name].reported.replace("UNIT", unit)
        assert any(reported in line for line in differences(report)), report
    assert f"@lxc/{BOOKWORM}" not in report, "the other container is as declared"
    deployed.apply()
    assert deployed.drift() == (0, f"No drift: {deployed.inventory} is deployed as declared.\n")
    assert _users(TRIXIE) == {WORKER_ROLE}


SETTINGS = [
    ("UPDATE event_store.settings SET retention = '10 days'", "setting retention: 10 days, should be 7 years"),
    ("UPDATE event_store.settings SET unknown_event_types = 'refuse'", "setting unknown_event_types: refuse"),
    ("DELETE FROM event_store.settings", "setting retention: missing"),
]


@pytest.mark.parametrize("changes", [SETTINGS[:2], SETTINGS[2:]], ids=["changed", "deleted"])
def test_settings_that_were_changed_by_hand_are_shown_and_repaired(
    deployed: Deployment, changes: list[tuple[str, str]]
) -> None:
    # A row that is recreated begins a history of its own.
    history = "{feed_offset, fork, timeline, server_start, table_id, bounds_are_complete}"
    row = f"SELECT to_jsonb(s) - '{history}'::text[] FROM event_store.settings s"
    before = sql(TRIXIE, row)
    for change, _ in changes:
        sql(TRIXIE, change)
    status, report = deployed.drift()
    assert status == 2, report
    for _, reported in changes:
        assert any(reported in line for line in differences(report)), report
    deployed.apply()
    assert sql(TRIXIE, row) == before
    deployed.assert_as_declared()


def test_declared_settings_reach_the_store(deployed: Deployment) -> None:
    try:
        for declared in deployed.containers.values():
            declared |= {"unknown_event_types": "refuse", "retention_years": 10}
        deployed.apply()
        for name in deployed.containers:
            assert sql(name, "SELECT unknown_event_types, retention FROM event_store.settings") == "refuse|10 years"
    finally:
        for declared in deployed.containers.values():
            del declared["unknown_event_types"], declared["retention_years"]
        deployed.apply()


def _users(name: str) -> set[str]:
    """As whom the instances run."""
    return set(inside(name, "ps -o user:30= -p $(systemctl show --property=MainPID --value 'event-store@*' | xargs | tr ' ' ,)").split())  # fmt: skip


def _sessions(name: str) -> set[str]:
    """The instances that are connected to the server."""
    query = f"SELECT application_name FROM pg_stat_activity WHERE usename = '{WORKER_ROLE}'"
    return set(sql(name, query, "postgres", check=False).split())


EXPECTED = {f"event-store@{instance}" for instance in PAUSES}


def _at_work(name: str) -> bool:
    """Whether every instance is connected, and has done its first round: until then its unit is only activating."""
    active = ["active"] * len(UNITS)
    return (
        _sessions(name) == EXPECTED
        and inside(name, f"systemctl is-active {' '.join(UNITS)}", check=False).split() == active
    )


def _eventually(name: str, what: Callable[[], bool]) -> None:
    """Within what a test can wait for; how long it takes is no promise."""
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until, inside(name, "journalctl --no-pager -n 40 -u 'event-store@*'")
        time.sleep(0.1)


@BOTH
def test_every_instance_runs_without_any_privilege(
    deployed_server: Callable[[str], Deployment], name: str, version: int
) -> None:
    deployed_server(name)
    assert _sessions(name) == EXPECTED
    assert _users(name) == {WORKER_ROLE}
    for unit in UNITS:
        status = inside(name, f"cat /proc/$(systemctl show --property=MainPID --value {unit})/status")
        assert "CapBnd:\t0000000000000000\n" in status
        assert "NoNewPrivs:\t1\n" in status
        assert "Seccomp:\t2\n" in status
    assert "Read-only file system" in inside(
        name, f"nsenter --mount --target $(systemctl show --property=MainPID --value {FEED}) touch /etc/x 2>&1 || true"
    )


@BOTH
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM event_store.events",
        "SELECT * FROM event_store.read_feed()",
        "SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Forged', '{}')",
        "INSERT INTO event_store.settings (cluster_identifier) VALUES (1)",
        "SELECT event_store.rebase_feed()",
        "CREATE TABLE public.t ()",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE t ()",
        "SET ROLE event_store_owner",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_the_role_may_call_its_functions_and_nothing_else(
    deployed_server: Callable[[str], Deployment], name: str, version: int, statement: str
) -> None:
    deployed_server(name)
    psql = f"/usr/lib/postgresql/{version}/bin/psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -d {DATABASE} -f -"
    as_worker = f"cd /; setpriv --reuid={WORKER_ROLE} --regid={WORKER_ROLE} --init-groups"
    assert inside(name, f"{as_worker} {psql}", stdin="SELECT session_user") == WORKER_ROLE
    assert "ERROR:  42501" in inside(name, f"{as_worker} {psql} 2>&1", stdin=statement, check=False)


@BOTH
def test_it_goes_with_the_server_and_never_starts_it(
    deployed_server: Callable[[str], Deployment], name: str, version: int
) -> None:
    deployed = deployed_server(name)
    server = f"postgresql@{version}-main"
    inside(name, f"systemctl restart {server}")
    _eventually(name, lambda: _at_work(name))
    inside(name, f"systemctl stop {server}")
    assert inside(name, f"systemctl is-active {server} {' '.join(UNITS)}", check=False).split() == ["inactive"] * 5
    inside(name, f"systemctl start {server}")
    _eventually(name, lambda: _at_work(name))
    deployed.assert_as_declared()


@BOTH
def test_it_comes_back_after_losing_its_connection_its_process_and_the_server(
    deployed_server: Callable[[str], Deployment], name: str, version: int
) -> None:
    deployed = deployed_server(name)
    sql(name, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{WORKER_ROLE}'", "postgres")
    _eventually(name, lambda: _at_work(name))
    inside(name, f"pkill -9 -u {WORKER_ROLE}")
    _eventually(name, lambda: _at_work(name))
    # All backends end with one that is killed, and the server recovers by itself.
    inside(name, KILL_A_SESSION)
    _eventually(name, lambda: _at_work(name))
    # systemd starts the server again, and the worker with it.
    inside(name, "pkill -9 -o -x postgres")
    unit = f"postgresql@{version}-main"
    _eventually(name, lambda: inside(name, f"systemctl show --property=NRestarts --value {unit}") != "0")
    _eventually(name, lambda: _at_work(name))
    deployed.assert_as_declared()


@BOTH
@pytest.mark.parametrize("end", ["systemctl restart {server}", KILL_A_SESSION], ids=["restart", "crash"])
def test_it_records_that_a_history_begins_without_any_append(
    deployed_server: Callable[[str], Deployment], name: str, version: int, end: str
) -> None:
    deployed_server(name)
    # Of what the test before has done.
    _eventually(name, lambda: sql(name, "SELECT event_store.due_fork() IS NULL", check=False) == "t")
    last = "SELECT f.fork, f.reason, f.recorded_by FROM event_store.forks f JOIN event_store.settings s USING (fork)"
    before = sql(name, last)
    inside(name, end.format(server=f"postgresql@{version}-main"))

    def recorded() -> str:
        return sql(name, last, check=False)  # Nothing while the server is on its way up.

    _eventually(name, lambda: recorded() not in {"", before})
    assert recorded().split("|")[1:] == ["start", WORKER_ROLE]


def test_a_server_that_is_down_at_boot_is_waited_for(deployed: Deployment) -> None:
    altered = "/srv/postgresql/17/main/postgresql.auto.conf"
    inside(TRIXIE, f"echo \"shared_buffers = '900GB'\" >> {altered}")
    run("lxc-stop", "-n", TRIXIE)
    run("lxc-start", "-n", TRIXIE)
    inside(TRIXIE, "until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do sleep 0.2; done")
    assert inside(TRIXIE, "systemctl is-active postgresql@17-main", check=False) != "active"
    _eventually(TRIXIE, lambda: "No such file" in inside(TRIXIE, f"journalctl --no-pager -b -u {FEED}"))
    inside(TRIXIE, f"sed -i /900GB/d {altered}; systemctl reset-failed; systemctl start postgresql@17-main")
    _eventually(TRIXIE, lambda: _at_work(TRIXIE))
    deployed.assert_as_declared()


def test_an_error_is_in_the_journal_and_in_the_plan(deployed: Deployment) -> None:
    sql(TRIXIE, f"REVOKE ALL ON DATABASE {DATABASE} FROM {WORKER_ROLE}")
    inside(TRIXIE, f"systemctl restart {FEED}", check=False)
    _eventually(TRIXIE, lambda: "permission denied" in inside(TRIXIE, f"journalctl --no-pager -n 20 -u {FEED}"))
    assert f"{FEED}: not running (activating)" in differences(deployed.drift()[1])
    deployed.apply()
    assert _sessions(TRIXIE) == EXPECTED
    deployed.assert_as_declared()


@BOTH
def test_readers_are_told_of_an_append(deployed_server: Callable[[str], Deployment], name: str, version: int) -> None:
    deployed = deployed_server(name)
    with deployed.connect(name) as listener, deployed.connect(name) as writer:
        listener.execute("LISTEN event_store")
        append = "SELECT global_position FROM event_store.append_event('Test', gen_random_uuid(), 0, 'Told', '{}')"
        row = writer.execute(append).fetchone()
        assert row
        told = [notice.payload for notice in listener.notifies(timeout=30, stop_after=1)]
    assert told
    assert int(told[0].split(",")[1]) >= row[0]


@BOTH
def test_what_the_application_sets_for_its_database_is_not_for_the_worker(
    deployed_server: Callable[[str], Deployment], name: str, version: int
) -> None:
    deployed = deployed_server(name)
    changes = [
        "default_transaction_read_only = on",
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "quote_all_identifiers = on",
        "local_preload_libraries = 'nowhere'",
        *(["transaction_timeout = '1ms'"] if version >= 17 else []),
    ]
    position = uuid4()
    with deployed.connect(name) as app:
        for change in changes:
            app.execute(f"ALTER DATABASE {DATABASE} SET {change}")
        inside(name, "systemctl restart 'event-store@*'")
        app.execute("SELECT event_store.append_event('Position', %s, 0, 'PositionOpened', '{}')", [position])
        for relation in ("positions", "portfolio_positions"):
            shown = f"SELECT FROM projections.{relation} WHERE position_id = '{position}'"
            _eventually(name, lambda shown=shown: app.execute(shown).rowcount == 1)  # type: ignore[misc]
    deployed.apply()
    deployed.assert_as_declared()


@BOTH
def test_an_emptied_view_is_filled_without_a_deploy(
    deployed_server: Callable[[str], Deployment], name: str, version: int
) -> None:
    deployed = deployed_server(name)
    sql(name, "REFRESH MATERIALIZED VIEW projections.portfolio_positions WITH NO DATA")
    populated = "SELECT relispopulated FROM pg_class WHERE oid = 'projections.portfolio_positions'::regclass"
    _eventually(name, lambda: sql(name, populated) == "t")
    deployed.assert_as_declared()


@BOTH
def test_idle_rounds_write_nothing(deployed_server: Callable[[str], Deployment], name: str, version: int) -> None:
    """No transaction id is taken. Maintenance takes some now and then: one quiet stretch is enough."""
    deployed_server(name)
    query = "SELECT pg_snapshot_xmax(pg_current_snapshot())"

    def quiet() -> bool:
        before = sql(name, query)
        time.sleep(3)
        return sql(name, query) == before

    _eventually(name, quiet)
