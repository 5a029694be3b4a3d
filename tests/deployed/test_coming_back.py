"""A container or a server that went away comes back by itself, or a deploy brings it back; a deliberate stop stays one."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .deployment import Deployment, differences, init_pid, inside, run, sql

BOTH = pytest.mark.parametrize(("name", "version"), [(TRIXIE, 17), (BOOKWORM, 15)])
CONFIG = f"/var/lib/lxc/{TRIXIE}/config"


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that comes by itself; 30 seconds are what the client promises to wait for a server."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def works(name: str) -> bool:
    """The server answers, and the worker's services run."""
    script = "systemctl is-active --quiet 'event-store@*'; cd /; runuser -u postgres -- psql -Atc 'SELECT 1' || true"
    return run("lxc-info", "-n", name, "-sH").stdout == "RUNNING\n" and inside(name, script, check=False) == "1"


@pytest.fixture(autouse=True, scope="module")
def _as_declared(deployed: Deployment) -> Iterator[None]:
    """And still so when all of it has come back."""
    deployed.apply()
    yield
    deployed.assert_as_declared()


@pytest.mark.parametrize("how", ["lxc-attach -n NAME -- reboot", "lxc-stop -r -n NAME -t 60"])
def test_a_reboot_from_inside_is_a_start_like_any_other(how: str) -> None:
    before = init_pid(TRIXIE)
    run("sh", "-c", how.replace("NAME", TRIXIE), check=False)
    until(lambda: run("lxc-info", "-n", TRIXIE, "-pH", check=False).stdout.strip() not in ("", before))
    until(lambda: works(TRIXIE))


def test_a_container_that_lxc_has_started_without_its_id_map_is_restarted(deployed: Deployment) -> None:
    """As those were that this project's older versions have started."""
    run("sed", "-i", "/^lxc.hook.post-stop/d", CONFIG)
    run("lxc-stop", "-n", TRIXIE)
    run("lxc-start", "-n", TRIXIE)
    before = init_pid(TRIXIE)
    inside(TRIXIE, "until systemctl is-system-running | grep -q running; do sleep 0.2; done; reboot", check=False)
    until(lambda: run("lxc-info", "-n", TRIXIE, "-pH", check=False).stdout.strip() not in ("", before))
    assert Path(f"/proc/{init_pid(TRIXIE)}/root").stat().st_uid == 0, "LXC has learnt to do it"
    status, report = deployed.drift()
    assert status == 2, report
    assert any("without the id map" in line for line in differences(report)), report
    deployed.apply()
    assert works(TRIXIE)


@BOTH
def test_a_killed_server_comes_back_and_one_that_was_stopped_does_not(name: str, version: int) -> None:
    inside(name, f"kill -9 $(head -n 1 /run/postgresql/{version}-main.pid)")
    until(lambda: works(name))
    inside(name, f"systemctl stop postgresql@{version}-main; sleep 4")
    assert inside(name, f"systemctl is-active postgresql@{version}-main", check=False) == "inactive"
    inside(name, f"systemctl start postgresql@{version}-main")
    until(lambda: works(name))


@BOTH
def test_a_session_of_postgres_takes_no_shared_memory_along(name: str, version: int) -> None:
    there = inside(name, "ls /dev/shm/PostgreSQL.*")
    inside(name, "loginctl enable-linger postgres; sleep 1; loginctl disable-linger postgres; sleep 2")
    assert inside(name, "ls /dev/shm/PostgreSQL.*") == there


def test_a_server_that_lets_nobody_in_is_restarted(deployed: Deployment) -> None:
    inside(TRIXIE, "rm /dev/shm/PostgreSQL.*")
    status, report = deployed.drift()
    assert status == 2, report
    assert 'could not open shared memory segment "/PostgreSQL.' in report
    assert "pending" not in report
    deployed.apply()
    assert works(TRIXIE)


def test_the_application_leaves_connections_to_others(deployed: Deployment) -> None:
    with ExitStack() as stack:
        for _ in range(91):  # of 100
            stack.enter_context(deployed.connect(TRIXIE))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            deployed.connect(TRIXIE)
        inside(TRIXIE, "systemctl restart 'event-store@*'")
        assert sql(TRIXIE, "SELECT 1") == "1"


@BOTH
def test_the_containers_limits_are_the_only_ones(name: str, version: int) -> None:
    unit = f"postgresql@{version}-main"
    assert inside(name, f"systemctl show --property=TasksMax,OOMPolicy {unit}").splitlines() == [
        "OOMPolicy=continue",
        "TasksMax=infinity",
    ]
    assert int(inside(name, "df --output=size -B1 /dev/shm | tail -n 1")) == 768 * 1024**2 // 4


def test_a_database_that_takes_no_connections_is_not_taken_for_an_empty_one(deployed: Deployment) -> None:
    sql(TRIXIE, "ALTER DATABASE stock_analysis_event_store ALLOW_CONNECTIONS false", "postgres")
    status, report = deployed.drift()
    assert (status, "pending" in report) == (2, False), report
    deployed.apply()


def test_a_server_that_cannot_be_asked_about_its_store_cannot_be_determined(deployed: Deployment) -> None:
    """Nothing else differs, so nobody can say whether the store does."""
    inside(TRIXIE, "chmod 0 /srv/postgresql/17/main/base/$(cd /; runuser -u postgres -- psql -Atc \"SELECT oid FROM "
                   "pg_database WHERE datname = 'stock_analysis_event_store'\")")  # fmt: skip
    try:
        status, report = deployed.drift()
    finally:
        inside(TRIXIE, "chmod 700 /srv/postgresql/17/main/base/*")
    assert status == 1
    assert "database stock_analysis_event_store cannot be determined: the server refuses connections: FATAL:" in report


FOLDERS = ("/etc/event-store", "/srv/postgresql", "/srv/postgresql/17", "/etc/postgresql/17/main")
TLS = "/srv/postgresql/tls"


def test_a_mode_that_somebody_changed_is_repaired_as_such(deployed: Deployment) -> None:
    certificate = inside(TRIXIE, f"sha256sum {TLS}/server.crt {TLS}/server.key")
    inside(TRIXIE, f"chmod 700 {' '.join(FOLDERS)}; chmod 640 {TLS}/server.key")
    status, report = deployed.drift()
    assert status == 2
    assert set(differences(report)) >= {
        *(f"{folder}: mode is 700, not 755" for folder in FOLDERS),
        f"{TLS}/server.key: mode and owner are 640 postgres, not 600 postgres",
    }
    deployed.apply()
    assert inside(TRIXIE, f"stat -c %a {' '.join(FOLDERS)}").split() == ["755"] * len(FOLDERS)
    assert inside(TRIXIE, f"sha256sum {TLS}/server.crt {TLS}/server.key") == certificate, "clients may have pinned it"
