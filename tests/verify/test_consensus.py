"""Members of the consensus, where they are declared: who they are, whom they let in, and that they are as declared."""

import time

import pytest
from testinfra.host import Host

from deploy.consensus.config import DATA, FIRST_START, SNAPSHOTS, TIMER, texts
from deploy.consensus.facts import Member, MemberFact
from deploy.consensus.status import of_member
from deploy.machine.services import Service
from deploy.machine.status import State
from deploy.model.consensus import CLIENT_PORT, PEER_PORT, UNIT, ConsensusMember
from deploy.model.settings import Settings

KIND = ConsensusMember
#: Seconds since a member has its data in which it may have no snapshot yet: one is made every hour.
_FIRST = 2 * 3600


@pytest.fixture
def member(container: ConsensusMember, inside: Host) -> Member:
    """What it says of itself and of the others."""
    assert isinstance(container, ConsensusMember)
    return MemberFact().process(inside.check_output(MemberFact().command()).splitlines())


def test_a_member_is_well(container: ConsensusMember, member: Member) -> None:
    service = Service(state="active")
    state, detail = of_member(container, service, member, member.snapshot or 0)
    assert state == State.WELL, detail
    assert member.begun


def test_the_members_are_those_that_are_declared(settings: Settings, member: Member) -> None:
    assert {(one.name, one.peer_url, one.client_url, one.learner) for one in member.listed or ()} == {
        (one.lxc_name, one.peer_url, one.client_url, False) for one in settings.members
    }


def test_a_member_runs_what_is_declared(inside: Host, container: ConsensusMember, settings: Settings) -> None:
    others = [one for one in settings.members if one is not container]
    for path, text in texts(container, others).items():
        assert inside.file(path).content_string == text, path
    for unit in (UNIT, TIMER):
        service = inside.service(unit)
        assert (service.is_running, service.is_enabled) == (True, True), unit
    assert not inside.file(FIRST_START).exists


def test_the_package_that_is_installed_is_the_one_that_runs(member: Member) -> None:
    assert member.installed.startswith(str(member.status["version"]))


def test_nothing_is_served_without_tls(inside: Host, container: ConsensusMember) -> None:
    listening = {line.split()[3] for line in inside.check_output("ss -Hltn").splitlines()}
    ours = {f"{container.address}:{port}" for port in (CLIENT_PORT, PEER_PORT)}
    assert ours == {one for one in listening if one.endswith((f":{CLIENT_PORT}", f":{PEER_PORT}"))}
    for port in (CLIENT_PORT, PEER_PORT):
        # Without a certificate nobody gets as far as an answer.
        said = inside.run("openssl s_client -connect %s:%s -tls1_2 < /dev/null 2>&1", str(container.address), str(port))
        assert "handshake failure" in said.stdout or "certificate required" in said.stdout or "alert" in said.stdout
        assert "Acceptable client certificate CA names" in said.stdout


@pytest.mark.parametrize(("path", "owner"), [(DATA, "etcd"), (SNAPSHOTS, "root")])
def test_nobody_else_reads_what_is_kept(inside: Host, container: ConsensusMember, path: str, owner: str) -> None:
    assert container
    file = inside.file(path)
    assert (file.mode, file.user, file.group) == (0o700, owner, owner)


def test_snapshots_are_not_too_old(inside: Host, member: Member) -> None:
    if member.snapshot is None and time.time() - float(inside.check_output(f"stat -c %Y {DATA}")) < _FIRST:
        pytest.skip("not verifiable here: the first snapshot is made within the first hours")
    assert member.snapshot is not None
    assert time.time() - member.snapshot < 3 * 3600
    assert inside.file(SNAPSHOTS).is_directory
