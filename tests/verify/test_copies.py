"""The copies of a repository on its LXC host: that something makes them, that they are fresh, and that nobody inside can write them."""

from datetime import UTC, datetime

import pytest
from testinfra.host import Host

from deploy.backups.copies.config import PROGRAM, program_texts, texts, timer_of
from deploy.backups.copies.facts import CopiesFact
from deploy.backups.copies.status import of_copies
from deploy.machine.facts import Machine
from deploy.machine.status import State
from deploy.model.backup_repositories import BackupRepository
from deploy.model.copied import COPIES
from deploy.model.hosts import LxcHost
from deploy.model.settings import Settings


@pytest.fixture(autouse=True)
def _copied(repository: BackupRepository) -> None:
    if not repository.is_copied:
        pytest.skip("not verifiable here: the repository is in a bucket, and nothing of ours copies that")


def test_the_host_has_what_makes_copies(lxc_host: Host, repository: BackupRepository, settings: Settings) -> None:
    for path, text in {**program_texts(), **texts(repository, settings)}.items():
        file = lxc_host.file(path)
        assert file.content_string == text, path
        assert (file.user, file.group, file.mode) == ("root", "root", 0o755 if path == PROGRAM else 0o644), path


def test_the_host_makes_copies_by_itself(lxc_host: Host, repository: BackupRepository, machine: Machine) -> None:
    if not machine.systemd:
        pytest.skip("not verifiable here: systemd is not PID 1 on the host, so no timer of it can run")
    unit = lxc_host.service(timer_of(repository))
    assert (unit.is_running, unit.is_enabled) == (True, True)


def test_there_is_a_verified_copy(lxc_host: Host, repository: BackupRepository) -> None:
    fact = CopiesFact()
    said = lxc_host.check_output(fact.command(repository.lxc_name).get_raw_value()).splitlines()
    state, detail = of_copies(fact.process(said), datetime.now(UTC))
    assert state == State.WELL, detail


def test_the_copies_are_the_hosts(lxc_host: Host, repository: BackupRepository, host_settings: LxcHost) -> None:
    [shown] = repository.read_only_mounts(host_settings.storage_path)
    around = lxc_host.file(repository.copies(host_settings.storage_path))
    assert (around.uid, around.gid, around.mode) == (0, repository.ids.start, 0o750)
    assert lxc_host.check_output("find %s \\( ! -uid 0 -o ! -type l -perm /022 \\) -print -quit", shown) == ""


def test_its_container_sees_the_copies_and_cannot_write_them(inside: Host, repository: BackupRepository) -> None:
    mounts = [line.split() for line in inside.check_output("cat /proc/self/mounts").splitlines()]
    [options] = [mount[3].split(",") for mount in mounts if mount[1] == COPIES]
    assert {"ro", "nosuid", "nodev", "noexec"} <= {*options}
    # Read-only by the mount, and by whom it all belongs to: nobody, as there is no such user inside.
    assert inside.check_output("find %s ! -uid 65534 -print -quit", COPIES) == ""
