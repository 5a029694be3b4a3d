"""Changed declarations reach what exists: live where that is possible, with a restart where not, never by losing data."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import INNER_TRIXIE as TRIXIE
from .containers import OTHER_ADDRESS, declared
from .deployment import STORAGE, Deployment, differences, init_pid, inside, run, sql

GROWN = "estest-grown"
UNIT = "systemctl show --property=MainPID --value postgresql@17-main"


def _limit(key: str) -> str:
    return run("lxc-cgroup", "-n", TRIXIE, key).stdout.strip()


def test_limits_are_taken_over_while_the_container_runs(deployed: Deployment) -> None:
    before = init_pid(TRIXIE)
    deployed.containers[TRIXIE] |= {"processes": 700, "memory": "1GiB"}
    _, report = deployed.drift()
    assert f"container {TRIXIE}: pids.max is 1000, not 700 (live)" in differences(report)
    assert f"container {TRIXIE}: restart for" not in report
    deployed.apply()
    assert _limit("pids.max") == "700"
    assert init_pid(TRIXIE) == before
    assert sql(TRIXIE, "SHOW shared_buffers") == "256MB", "tuning follows the declared memory"
    assert deployed.drift()[0] == 0


def test_what_cannot_be_taken_over_restarts_the_container(deployed: Deployment) -> None:
    deployed.apply()
    before = init_pid(TRIXIE)
    deployed.containers[TRIXIE]["address"] = OTHER_ADDRESS
    _, report = deployed.drift()
    assert f"container {TRIXIE}: restart for configuration: lxc.net.0.ipv4.address = {OTHER_ADDRESS}/24" in differences(
        report
    )
    deployed.apply()
    assert init_pid(TRIXIE) != before
    with deployed.connect(TRIXIE) as connection:
        assert connection.info.host == OTHER_ADDRESS
    assert deployed.drift()[0] == 0


def test_a_new_id_range_leaves_the_data_where_they_are(deployed: Deployment) -> None:
    """Files keep their numbers on disk: they are mapped when they are mounted, and nothing has to be chowned."""
    deployed.containers[TRIXIE]["id_base"] = 300_000_000
    deployed.apply()
    assert run("cat", f"/proc/{init_pid(TRIXIE)}/uid_map").stdout.split() == ["0", "300000000", "65536"]
    with deployed.connect(TRIXIE) as connection:
        connection.execute("SELECT count(*) FROM event_store.events")
    assert deployed.drift()[0] == 0


def test_a_setting_that_can_be_reloaded_does_not_restart_the_server(deployed: Deployment) -> None:
    deployed.apply()
    before = inside(TRIXIE, UNIT)
    deployed.containers[TRIXIE]["postgresql_settings"] = {"work_mem": "5MB"}
    _, report = deployed.drift()
    assert "PostgreSQL: reload for work_mem" in differences(report)
    assert "PostgreSQL: restart" not in report
    deployed.apply()
    assert sql(TRIXIE, "SHOW work_mem") == "5MB"
    assert inside(TRIXIE, UNIT) == before


def test_a_setting_that_needs_it_restarts_the_server_once(deployed: Deployment) -> None:
    deployed.apply()
    before, container = inside(TRIXIE, UNIT), init_pid(TRIXIE)
    deployed.containers[TRIXIE]["postgresql_settings"] = {"max_locks_per_transaction": 128}
    _, report = deployed.drift()
    assert "PostgreSQL: restart for max_locks_per_transaction" in differences(report)
    deployed.apply()
    assert sql(TRIXIE, "SHOW max_locks_per_transaction") == "128"
    assert inside(TRIXIE, UNIT) != before
    assert init_pid(TRIXIE) == container
    assert deployed.drift()[0] == 0


def test_a_package_is_added(deployed: Deployment) -> None:
    """From the container's own apt sources, through the bridge."""
    deployed.containers[TRIXIE]["packages"] = ["tree"]
    deployed.apply()
    assert inside(TRIXIE, "command -v tree")
    assert deployed.drift()[0] == 0


LOCKED = "import fcntl, time; fcntl.lockf(open('/var/lib/dpkg/lock-frontend', 'w'), fcntl.LOCK_EX); time.sleep(20)"


def test_others_who_install_are_waited_for_and_what_is_provided_or_held_is_there(deployed: Deployment) -> None:
    deployed.containers[TRIXIE]["packages"] = ["awk", "less", "psmisc"]  # mawk provides awk
    inside(TRIXIE, f'apt-mark hold less; setsid python3 -c "{LOCKED}" > /dev/null 2>&1 < /dev/null &')
    try:
        _, report = deployed.drift()
        assert [line for line in differences(report) if line.startswith("package ")] == ["package psmisc: missing"]
        deployed.apply()
    finally:
        inside(TRIXIE, "apt-mark unhold less")
    assert inside(TRIXIE, "command -v killall")
    assert deployed.drift()[0] == 0


def test_the_proxy_of_apt_is_taken_over(deployed: Deployment) -> None:
    deployed.host = {"apt_proxy": "http://10.0.3.1:3142"}
    try:
        deployed.apply()
        assert 'Acquire::https::Proxy "http://10.0.3.1:3142";' in inside(TRIXIE, "apt-config dump")
    finally:
        deployed.host = {}
    deployed.apply()
    assert "Proxy" not in inside(TRIXIE, "apt-config dump")
    assert deployed.drift()[0] == 0


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A container of its own, since what has grown never shrinks again."""
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), GROWN, declared(GROWN))
    deployment.destroy()
    deployment.apply()
    yield deployment
    deployment.destroy()


def test_volumes_grow_with_a_restart_only_where_root_may_not_resize_what_is_mounted(grown: Deployment) -> None:
    before = init_pid(GROWN)
    live = int(re.findall(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[0], 16) >> 24 & 1 == 1
    grown.containers[GROWN] |= {"disk": "3GiB", "root_disk": "3GiB"}
    status, report = grown.drift()
    assert status == 2
    assert ("(live)" if live else "with a restart") in report
    grown.apply()
    for path in ("/srv/postgresql", "/"):
        assert int(inside(GROWN, f"df -B1 --output=size {path} | tail -n 1")) > 2.8 * 1024**3
    assert (init_pid(GROWN) == before) is live
    assert grown.drift()[0] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"disk": "2GiB"}, "a volume never shrinks"),
        ({"release": "bookworm"}, "move the data into a new container with pg_dump"),
    ],
)
def test_what_would_lose_data_is_refused(grown: Deployment, change: dict[str, str], message: str) -> None:
    grown.containers[GROWN] |= {"disk": "3GiB", "root_disk": "3GiB"}
    grown.apply()
    before = run("stat", "-c", "%s", f"{STORAGE}/volumes/{GROWN}.img").stdout
    declared = dict(grown.containers[GROWN])
    grown.containers[GROWN] |= change
    try:
        status, report = grown.drift()
        assert (status, message in report) == (1, True), report
        done = grown.pyinfra("-y", check=False)
        assert done.returncode != 0
        assert message in done.stderr
        assert run("stat", "-c", "%s", f"{STORAGE}/volumes/{GROWN}.img").stdout == before
    finally:
        grown.containers[GROWN] = declared
