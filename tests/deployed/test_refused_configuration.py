"""A configuration that the server would refuse is found before it replaces one that works, in the plan already."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from deploy.model.cluster import ClusterPaths
from deploy.model.inventory import read_inventory
from deploy.postgres.config import pg_hba_conf, postgresql_conf
from deploy.postgres.trial import Trial

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .containers import declared
from .deployment import Deployment, differences, inside, sql

CONTAINERS = {TRIXIE: 17, BOOKWORM: 15}
FRESH = "estest-fresh"


class Refused(NamedTuple):
    """Overrides that a server does not start with, and what the message has to say."""

    settings: dict[str, str | int]
    key: str
    words: str
    """The server's own."""


CASES = {
    "a value that means nothing": Refused(
        {"log_min_messages": "plenty"},
        "log_min_messages = 'plenty'",
        'invalid value for parameter "log_min_messages": "plenty"',
    ),
    "settings that exclude each other": Refused({"wal_level": "minimal"}, "wal_level = 'minimal'", "WAL streaming ("),
    "a library that is not there": Refused(
        {"shared_preload_libraries": "auto_explain, nosuch", "work_mem": "2MB"},
        "shared_preload_libraries = 'auto_explain, nosuch'",
        'could not access file "nosuch": No such file or directory',
    ),
    # No machine has pages of this size unless somebody reserved them.
    "huge pages where there are none": Refused(
        {"huge_pages": "on", "huge_page_size": "1GB"}, "huge_pages = 'on'", "could not map anonymous shared memory"
    ),
}
#: Overrides, and what the server says to them: tried without a deploy around it.
MORE: dict[str, tuple[dict[str, str | int], str]] = {
    "a library that no session could begin without": (
        {"session_preload_libraries": "nosuch"},
        'could not access file "nosuch": No such file or directory',
    ),
    "a library that no session of a user could begin without": (
        {"local_preload_libraries": "nosuch"},
        'could not access file "$libdir/plugins/nosuch": No such file or directory',
    ),
    "a wrong setting of a library": (
        {"shared_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "abc"},
        'invalid value for parameter "auto_explain.log_min_duration": "abc"',
    ),
    "more shared memory than the container has": (
        {"max_locks_per_transaction": 1_000_000},
        "MB of shared memory, and the container has 768 MB of memory",
    ),
    "ciphers that TLS does not have": ({"ssl_ciphers": "nonsense"}, "could not set the cipher list"),
    "a group of the socket that does not exist": ({"unix_socket_group": "nosuch"}, 'group "nosuch" does not exist'),
    "reserved connections": ({"superuser_reserved_connections": 200}, "must be less than"),
    "logs where the server may not write": (
        {"logging_collector": "on", "log_directory": "/nowhere/log"},
        "could not open log file",
    ),
    "messages that the server would keep to itself": (
        {"log_min_messages": "panic", "log_destination": "syslog", "lc_messages": "xx_YY"},
        'invalid value for parameter "lc_messages": "xx_YY"',
    ),
}
#: Overrides that work.
GOOD: dict[str, dict[str, str | int]] = {
    "libraries": {"shared_preload_libraries": "pg_stat_statements, auto_explain", "auto_explain.log_min_duration": 9},
    "logs in the data directory": {"logging_collector": "on"},
    "an archive": {"archive_mode": "on", "archive_command": "touch /run/event-store/archived"},
    "a standby's settings": {"restore_command": "touch /run/event-store/restored", "recovery_target_timeline": "7"},
    "no WAL senders": {"wal_level": "minimal", "max_wal_senders": 0},
}


def _state(container: str) -> tuple[str, str]:
    """The files with the times of their last change, and when the server started and loaded them; nothing is left over."""
    files = inside(container, "cd /etc/postgresql/*/main && stat -c '%n %.9Y %i' *.conf && cat *.conf")
    # The lock is there from the first trial on.
    assert inside(container, "ls -A /run/event-store 2>/dev/null || true") in ("", "trial.lock")
    assert inside(container, "pgrep -a -x postgres | grep -c event-store/trial || true") == "0"
    return files, sql(container, "SELECT pg_postmaster_start_time(), pg_conf_load_time()")


@pytest.fixture(scope="module")
def tried(deployed: Deployment) -> Deployment:
    """Both containers, as declared, after a first trial."""
    for container in CONTAINERS:
        deployed.containers[container]["postgresql_settings"] = {"work_mem": "3MB"}
    deployed.apply()
    for container in CONTAINERS:
        del deployed.containers[container]["postgresql_settings"]
    deployed.apply()
    return deployed


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=() if number < 2 else pytest.mark.soak)
        for number, (name, case) in enumerate(CASES.items())
    ],
)
def test_it_is_refused_in_the_plan_and_in_a_run_and_nothing_changes(tried: Deployment, case: Refused) -> None:
    before = {container: _state(container) for container in CONTAINERS}
    declared = tried.containers
    expected = f"{tried.inventory}: postgresql_settings: {case.key}: PostgreSQL"
    for container, version in CONTAINERS.items():
        tried.containers = declared | {container: declared[container] | {"postgresql_settings": case.settings}}
        status, report = tried.drift()
        assert status == 1
        assert f"@lxc/{container}: {expected} {version} refuses the configuration" in report
        assert case.words in report
    tried.containers = {name: data | {"postgresql_settings": case.settings} for name, data in declared.items()}
    done = tried.pyinfra("-y", check=False)
    tried.containers = declared
    assert done.returncode != 0
    for container, version in CONTAINERS.items():
        # pyinfra fills the names of machines up to the same length.
        refusal = re.escape(f"{expected} {version} refuses the configuration")
        assert re.search(rf"\[@lxc/{container}\] +{refusal}", done.stderr)
    assert done.stderr.count(case.words) == len(CONTAINERS)
    assert "Traceback" not in done.stderr
    assert {container: _state(container) for container in CONTAINERS} == before


def _trial(
    deployment: Deployment, container: str, overrides: Mapping[str, str | int] | None = None, more_access: str = ""
) -> list[str]:
    """What the server says to the declared configuration with some changes."""
    settings = read_inventory(deployment.inventory)
    store = next(store for store in settings.event_stores if store.lxc_name == container)
    store = store.model_copy(update={"postgresql_settings": overrides or {}})
    command = Trial().command(
        ClusterPaths(store.version), postgresql_conf(store), pg_hba_conf(store, settings) + more_access, store.memory
    )
    answer = inside(container, command.get_raw_value()).splitlines()
    assert answer[0] == ("refused" if answer[1:] else "accepted")
    return Trial().process(answer)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(("overrides", "words"), MORE.values(), ids=list(MORE))
def test_what_a_server_does_not_start_with_is_refused(
    tried: Deployment, container: str, overrides: dict[str, str | int], words: str
) -> None:
    before = _state(container)
    assert words in "; ".join(_trial(tried, container, overrides))
    assert _state(container) == before


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("overrides", GOOD.values(), ids=list(GOOD))
def test_what_a_server_starts_with_is_accepted_and_does_nothing_yet(
    tried: Deployment, container: str, overrides: dict[str, str | int]
) -> None:
    before = _state(container)
    assert _trial(tried, container, overrides) == []
    assert _state(container) == before


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_access_rule_that_the_server_cannot_read_is_refused(tried: Deployment, container: str) -> None:
    """No inventory can make one; a change of the template could."""
    before = _state(container)
    words = "; ".join(_trial(tried, container, more_access="local all all nonsense\n"))
    assert 'LOG:  invalid authentication method "nonsense"' in words
    assert f'line 8 of configuration file "/etc/postgresql/{CONTAINERS[container]}/main/pg_hba.conf"' in words
    assert _trial(tried, container, more_access="local all nobody reject\n") == []
    assert _state(container) == before


def test_more_memory_than_the_machine_can_map_is_refused(tried: Deployment) -> None:
    """In a plan only, since a run would give the container the memory first."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**3
    before = _state(TRIXIE)
    as_declared = dict(tried.containers[TRIXIE])
    tried.containers[TRIXIE] |= {"memory": f"{machine * 8}GiB"}
    tried.containers[TRIXIE] |= {"postgresql_settings": {"shared_buffers": f"{machine * 4}GB"}}
    status, report = tried.drift()
    tried.containers[TRIXIE] = as_declared
    assert status == 1
    assert f"postgresql_settings: shared_buffers = '{machine * 4}GB'" in report
    assert "could not map anonymous shared memory: Cannot allocate memory" in report
    assert _state(TRIXIE) == before


def test_a_library_whose_package_comes_with_the_same_run_is_not_missed_in_the_plan(tried: Deployment) -> None:
    before = dict(tried.containers[TRIXIE])
    tried.containers[TRIXIE] |= {"packages": ["postgresql-17-wal2json"]}
    tried.containers[TRIXIE] |= {"postgresql_settings": {"shared_preload_libraries": "wal2json"}}
    status, report = tried.drift()
    tried.containers[TRIXIE] = before
    assert status == 2, report
    assert "PostgreSQL: restart for shared_preload_libraries" in differences(report)


def test_what_a_killed_trial_left_behind_does_not_matter(tried: Deployment) -> None:
    inside(TRIXIE, "mkdir -p /run/event-store/trial/data && touch /run/event-store/trial/data/postmaster.pid")
    assert _trial(tried, TRIXIE) == []
    _state(TRIXIE)


def test_a_trial_that_cannot_be_made_is_no_answer(tried: Deployment) -> None:
    """A plan says so, and a run refuses: without a traceback, and without asking whether to go on."""
    before = sql(TRIXIE, "SHOW work_mem")
    declared = dict(tried.containers[TRIXIE])
    tried.containers[TRIXIE] |= {"postgresql_settings": {"work_mem": "7MB"}}
    inside(TRIXIE, "rm -rf /run/event-store && touch /run/event-store")
    try:
        assert "the configuration could not be tried" in tried.pyinfra("--dry").stderr
        done = tried.pyinfra("-y", check=False)
    finally:
        inside(TRIXIE, "rm -f /run/event-store")
        tried.containers[TRIXIE] = declared
    assert done.returncode != 0
    assert "the configuration cannot be tried, and nothing of it was replaced" in done.stderr
    assert "Traceback" not in done.stderr
    assert inside(TRIXIE, "grep -c 7MB /etc/postgresql/17/main/postgresql.conf || true") == "0"
    assert sql(TRIXIE, "SHOW work_mem") == before
    tried.assert_as_declared()


def test_a_copy_whose_data_may_be_lost_is_shown_as_such(tried: Deployment) -> None:
    as_declared = dict(tried.containers[TRIXIE])
    tried.containers[TRIXIE] |= {"durability": "none", "postgresql_settings": {"fsync": "off"}}
    words = "DATA CAN BE LOST: durability is none, and fsync = off"
    assert words in tried.pyinfra("--dry").stderr
    tried.apply()
    assert sql(TRIXIE, "SHOW fsync") == "off"
    check = "settings_in_force_keep_what_is_committed"
    assert words in tried.verify("-k", check).stdout
    tried.containers[TRIXIE] = as_declared
    assert tried.verify("-k", check, check=False).returncode != 0, "fsync is off, and that is not declared any more"
    tried.apply()
    assert sql(TRIXIE, "SHOW fsync") == "on"
    assert "DATA CAN BE LOST" not in tried.verify("-k", check).stdout


@pytest.fixture
def fresh_container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    containers = declared(FRESH)
    containers[FRESH]["postgresql_settings"] = {"log_min_messages": "plenty"}
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest-fresh", containers)
    deployment.destroy()
    yield deployment
    deployment.destroy()


def test_a_fresh_container_is_refused_and_the_next_run_with_a_good_value_heals_it(fresh_container: Deployment) -> None:
    done = fresh_container.pyinfra("-y", check=False)
    assert done.returncode != 0
    assert "postgresql_settings: log_min_messages = 'plenty'" in done.stderr
    assert inside(FRESH, "grep -c plenty /etc/postgresql/17/main/postgresql.conf || true") == "0"
    assert fresh_container.drift()[0] == 1
    fresh_container.containers[FRESH]["postgresql_settings"] = {"log_min_messages": "error"}
    fresh_container.apply()
    assert sql(FRESH, "SHOW log_min_messages") == "error"
    fresh_container.assert_as_declared()
