"""Changed declarations reach what exists: live where that is possible, with a restart where not, never by losing data."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .containers import INNER_TRIXIE as TRIXIE
from .containers import OTHER_ADDRESS, declared
from .deployment import STORAGE, Deployment, differences, init_pid, inside, run, sql

GROWN = "estest-grown"
UNIT = "systemctl show --property=MainPID --value postgresql@17-main"


def _limit(key: str) -> str:
    return run("lxc-cgroup", "-n", TRIXIE, key).stdout.strip()


@dataclass(frozen=True)
class Changed:
    """Changes that one run has brought about together: what its plan said, and processes from before it."""

    report: str
    init: str
    server: str


@contextmanager
def changed(deployed: Deployment, container: dict[str, Any], host: dict[str, Any] | None = None) -> Iterator[Changed]:
    """Deploy these changes, and take them back afterwards."""
    deployed.apply()
    before, init, server = dict(deployed.containers[TRIXIE]), init_pid(TRIXIE), inside(TRIXIE, UNIT)
    deployed.containers[TRIXIE] |= container
    deployed.host = host or {}
    try:
        status, report = deployed.drift()
        assert status == 2
        deployed.apply()
        yield Changed(report, init, server)
        deployed.assert_as_declared()
    finally:
        deployed.containers[TRIXIE], deployed.host = before, {}


LOCKED = "import fcntl, time; fcntl.lockf(open('/var/lib/dpkg/lock-frontend', 'w'), fcntl.LOCK_EX); time.sleep(20)"


class TestWhileTheServerGoesOn:
    """What is reloaded, or needs not even that."""

    @pytest.fixture(scope="class")
    @classmethod
    def together(cls, deployed: Deployment) -> Iterator[Changed]:
        # Somebody else installs packages, from the plan on.
        inside(TRIXIE, f'apt-mark hold less; setsid python3 -c "{LOCKED}" > /dev/null 2>&1 < /dev/null &')
        changes = {
            "processes": 700,
            "postgresql_settings": {"work_mem": "5MB"},
            "packages": ["awk", "less", "psmisc"],  # mawk provides awk
        }
        with changed(deployed, changes) as together:
            yield together
            inside(TRIXIE, "apt-mark unhold less")

    def test_neither_container_nor_server_is_restarted(self, together: Changed) -> None:
        assert "restart" not in together.report
        assert (init_pid(TRIXIE), inside(TRIXIE, UNIT)) == (together.init, together.server)

    def test_a_limit_is_taken_over(self, together: Changed) -> None:
        assert f"container {TRIXIE}: pids.max is 1000, not 700 (live)" in differences(together.report)
        assert _limit("pids.max") == "700"

    def test_a_setting_is_reloaded(self, together: Changed) -> None:
        assert "PostgreSQL: reload for work_mem" in differences(together.report)
        assert sql(TRIXIE, "SHOW work_mem") == "5MB"

    def test_others_who_install_are_waited_for_and_what_is_provided_or_held_is_there(self, together: Changed) -> None:
        missing = [line for line in differences(together.report) if line.startswith("package ")]
        assert missing == ["package psmisc: missing"]
        assert inside(TRIXIE, "command -v killall")


class TestWithARestartOfTheServer:
    """What the server reads when it starts."""

    @pytest.fixture(scope="class")
    @classmethod
    def together(cls, deployed: Deployment) -> Iterator[Changed]:
        changes = {"memory": "1GiB", "postgresql_settings": {"max_locks_per_transaction": 128}}
        # Nothing is to be installed: nobody listens there.
        with changed(deployed, changes, {"apt_proxy": "http://10.0.3.1:3142"}) as together:
            yield together

    def test_the_server_is_restarted_and_the_container_is_not(self, together: Changed) -> None:
        assert f"container {TRIXIE}: restart for" not in together.report
        assert init_pid(TRIXIE) == together.init
        assert inside(TRIXIE, UNIT) != together.server

    def test_a_setting_is_taken_over(self, together: Changed) -> None:
        restarts = [line for line in differences(together.report) if line.startswith("PostgreSQL: restart for ")]
        assert "max_locks_per_transaction" in "; ".join(restarts)
        assert sql(TRIXIE, "SHOW max_locks_per_transaction") == "128"

    def test_tuning_follows_the_declared_memory(self, together: Changed) -> None:  # noqa: ARG002  it does by now
        assert sql(TRIXIE, "SHOW shared_buffers") == "256MB"

    def test_the_proxy_of_apt_is_taken_over(self, together: Changed) -> None:  # noqa: ARG002  it is there by now
        assert 'Acquire::https::Proxy "http://10.0.3.1:3142";' in inside(TRIXIE, "apt-config dump")


def test_a_proxy_of_apt_that_is_not_declared_any_more_goes(deployed: Deployment) -> None:
    deployed.apply()
    assert "Proxy" not in inside(TRIXIE, "apt-config dump")


class TestWithARestartOfTheContainer:
    """What LXC reads when it starts a container."""

    @pytest.fixture(scope="class")
    @classmethod
    def together(cls, deployed: Deployment) -> Iterator[Changed]:
        with changed(deployed, {"address": OTHER_ADDRESS, "id_base": 300_000_000}) as together:
            yield together

    def test_the_plan_says_for_what(self, together: Changed) -> None:
        configuration = [
            line for line in differences(together.report) if line.startswith(f"container {TRIXIE}: restart")
        ]
        assert f"lxc.net.0.ipv4.address = {OTHER_ADDRESS}/24" in "".join(configuration)
        assert init_pid(TRIXIE) != together.init

    def test_the_address_is_another_one(self, deployed: Deployment, together: Changed) -> None:  # noqa: ARG002  it is by now
        with deployed.connect(TRIXIE) as connection:
            assert connection.info.host == OTHER_ADDRESS

    def test_a_new_id_range_leaves_the_data_where_they_are(self, deployed: Deployment, together: Changed) -> None:  # noqa: ARG002
        """Files keep their numbers on disk: they are mapped when they are mounted, and nothing has to be chowned."""
        assert run("cat", f"/proc/{init_pid(TRIXIE)}/uid_map").stdout.split() == ["0", "300000000", "65536"]
        with deployed.connect(TRIXIE) as connection:
            connection.execute("SELECT count(*) FROM event_store.events")


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
    grown.assert_as_declared()


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
