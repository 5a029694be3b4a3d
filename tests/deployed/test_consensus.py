"""Three members of the consensus: begun together, broken one by one, joined and removed. No test costs the majority.

The tests build on each other, as an operator's steps do.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.certificates.keys import PASSPHRASE

from .containers import ADDRESSES, OTHER_ADDRESS, members
from .deployment import ROOT, Deployment, differences, inside, run
from .locks import containers_lock

NAMES = ("estest-consensus-1", "estest-consensus-2", "estest-consensus-3")
#: Takes the place of another one.
FOURTH = "estest-consensus-4"
SECRET = {PASSPHRASE: "correct horse battery"}
UNIT = "etcd.service"
ENVIRONMENT = "/etc/event-store/consensus/etcd.env"
#: Where there is nothing.
NOBODY = "https://10.0.3.99:2380"
#: Longer than an election and a restart on a machine with other work.
PATIENCE = 60
FOLDER = "/srv/consensus"
TLS = f"--cacert {FOLDER}/peer/ca.crt --cert {FOLDER}/peer/server.crt --key {FOLDER}/peer/server.key"


class Consensus:
    """The members of an inventory."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def apply(self, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.deployment.pyinfra("-y", check=check, env=SECRET)

    def as_declared(self) -> None:
        """A second apply changes nothing, and there is no drift."""
        assert self.deployment.apply() == []
        self.deployment.assert_as_declared()

    def drift(self) -> list[str]:
        """What `make drift` names."""
        return differences(self.deployment.drift()[1])

    def etcdctl(self, name: str, arguments: str, *, check: bool = True) -> str:
        """etcd's own command in a member, at that member only."""
        at = f"etcdctl --endpoints=https://{ADDRESSES[name]}:2379 {TLS} --command-timeout=20s {arguments}"
        return inside(name, at, check=check)

    def listed(self, by: str) -> dict[str, str]:
        """The members that vote, as one of them knows them: name → id."""
        lines = [line.split(", ") for line in self.etcdctl(by, "member list").splitlines()]
        return {line[2]: line[0] for line in lines if line[-1] == "false"}

    def started(self, name: str) -> str:
        """Another one after a restart of etcd."""
        return inside(name, f"systemctl show --value --property=MainPID {UNIT}")

    def restarted(self, name: str) -> tuple[int, int]:
        """When etcd was last started, and when it was ready: microseconds since the host has booted."""
        properties = "ExecMainStartTimestampMonotonic ActiveEnterTimestampMonotonic"
        begun, ready = (inside(name, f"systemctl show --value --property={one} {UNIT}") for one in properties.split())
        return int(begun), int(ready)

    def status(self) -> dict[str, tuple[str, str]]:
        """What `make status` says of each member: state and detail."""
        line = [sys.executable, "-m", "deploy.commands", "status", "-i", self.deployment.inventory, "--json"]
        rows = json.loads(run(*line, check=False, env=os.environ | SECRET).stdout)["rows"]
        return {row["name"].split("/")[1]: (row["state"], row["detail"]) for row in rows if row["kind"] == "consensus"}


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)


@pytest.fixture(scope="module", name="consensus")
def _consensus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consensus]:
    """Three members that are declared, and nothing that is there."""
    forget()
    with containers_lock(*NAMES, FOURTH):
        deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest-consensus", {})
        destroy(deployment)
        deployment.members = members(*NAMES)
        yield Consensus(deployment)
        destroy(deployment)
    forget()


def destroy(deployment: Deployment) -> None:
    """All of them, whichever are declared; an even number is refused."""
    for names in (NAMES, (FOURTH,)):
        deployment.members = members(*names)
        deployment.destroy()


def forget() -> None:
    for path in (ROOT / ".secrets").glob("estest-consensus.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_three_members_begin_together(consensus: Consensus) -> None:
    line = [sys.executable, "-m", "deploy.commands", "ca", "-i", consensus.deployment.inventory]
    run(*line, env=os.environ | SECRET)
    line = [sys.executable, "-m", "deploy.commands", "plan", "-i", consensus.deployment.inventory]
    plan = run(*line, check=False, env=os.environ | SECRET)
    said = plan.stdout + plan.stderr
    assert said.count("members of the consensus: a new cluster of " + ", ".join(NAMES)) == len(NAMES)
    assert said.count(f"{UNIT}: not running (inactive)") == len(NAMES)
    consensus.apply()
    assert set(consensus.listed(NAMES[0])) == set(NAMES)
    consensus.etcdctl(NAMES[0], "put kept yes")
    assert consensus.etcdctl(NAMES[2], "get --print-value-only kept") == "yes"
    consensus.as_declared()


def test_two_addresses_do_not_change_at_once(consensus: Consensus) -> None:
    before = [consensus.started(name) for name in NAMES]
    for name, address in zip(NAMES[:2], (ADDRESSES[FOURTH], OTHER_ADDRESS), strict=True):
        consensus.deployment.members[name]["address"] = address
    refused = consensus.apply(check=False)
    consensus.deployment.members = members(*NAMES)
    assert refused.returncode != 0
    assert "change one, deploy, and change the next one then" in refused.stdout + refused.stderr
    assert [consensus.started(name) for name in NAMES] == before


def test_who_shows_no_certificate_of_a_member_is_not_let_in(consensus: Consensus, tmp_path: Path) -> None:
    at = f"--endpoints=https://{ADDRESSES[NAMES[0]]}:2379 --dial-timeout=2s --command-timeout=3s"
    plain = at.replace("https", "http")
    assert inside(NAMES[0], f"etcdctl {plain} get kept", check=False) == ""
    authority = f"--cacert {FOLDER}/peer/ca.crt"
    assert inside(NAMES[0], f"etcdctl {at} {authority} get kept", check=False) == ""
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=estest-consensus-1 "
        "-addext subjectAltName=DNS:client.consensus.event-store.internal -addext extendedKeyUsage=clientAuth "
        "-keyout /tmp/foreign.key -out /tmp/foreign.crt 2>/dev/null"
    )
    foreign = f"{authority} --cert /tmp/foreign.crt --key /tmp/foreign.key"
    assert inside(NAMES[0], f"{make}; etcdctl {at} {foreign} get kept", check=False) == ""
    # The authority signs for applications as well, which have no business here.
    line = [sys.executable, "-m", "deploy.commands", "certificate", "-i", consensus.deployment.inventory]
    run(*line, "--out", str(tmp_path), env=os.environ | SECRET)
    for name in ("crt", "key"):
        text = (tmp_path / f"client.{name}").read_text()
        inside(NAMES[0], f"umask 077; cat > /tmp/application.{name}", stdin=text)
    application = f"{authority} --cert /tmp/application.crt --key /tmp/application.key"
    assert inside(NAMES[0], f"etcdctl {at} {application} get kept", check=False) == ""
    assert inside(NAMES[0], f"etcdctl {at} {TLS} get --print-value-only kept") == "yes"


def test_a_member_that_is_killed_is_not_missed_and_comes_back(consensus: Consensus) -> None:
    killed, other, _ = NAMES
    before = consensus.started(killed)
    inside(killed, "systemctl kill --signal=KILL etcd")
    # If it was the leader, a write that was under way fails, and the next one finds another leader.
    until(lambda: consensus.etcdctl(other, "put while yes", check=False) == "OK")
    until(lambda: consensus.started(killed) not in ("0", before))
    until(lambda: consensus.etcdctl(killed, "get --print-value-only while", check=False) == "yes")


def test_drift_and_a_member_without_its_data_are_named_and_repaired(consensus: Consensus) -> None:
    first, second, third = NAMES
    # etcd takes nobody in for some seconds after a member was down.
    until(lambda: consensus.etcdctl(first, f"member add nobody --learner --peer-urls={NOBODY}", check=False))
    before = consensus.listed(first)[second]
    inside(second, f"rm -rf {FOLDER}/etcd; systemctl restart {UNIT}")
    inside(third, f"systemctl disable --quiet {UNIT}; chmod 755 {FOLDER}/snapshots; sed -i '/QUOTA/d' {ENVIRONMENT}")
    rows = consensus.status()
    assert [rows[name][0] for name in NAMES] == ["well", "down", "well"]
    said = consensus.drift()
    for difference in (
        f"members of the consensus: {NOBODY} is one, and has never started",
        f"members of the consensus: {second} has lost its data, and joins as a new one",
        f"{UNIT}: not enabled",
        f"{FOLDER}/snapshots: mode and owner are 755 root:root, not 700 root:root",
        f"{ENVIRONMENT}: content differs",
        f"{UNIT}: restart for {ENVIRONMENT}, one member after the other",
    ):
        assert difference in said
    consensus.apply()
    after = consensus.listed(first)
    assert set(after) == set(NAMES)
    assert after[second] != before
    assert consensus.etcdctl(second, "get --print-value-only kept") == "yes"
    consensus.deployment.assert_as_declared()


def test_members_are_verified(consensus: Consensus) -> None:
    consensus.deployment.verify()


@pytest.mark.soak
def test_a_member_that_was_removed_by_hand_joins_again(consensus: Consensus) -> None:
    first, _, third = NAMES
    consensus.etcdctl(first, f"member remove {consensus.listed(first)[third]}")
    assert f"members of the consensus: {third} is not one of them, and joins" in consensus.drift()
    consensus.apply()
    assert set(consensus.listed(third)) == set(NAMES)
    consensus.as_declared()


@pytest.mark.soak
def test_a_member_takes_the_place_of_another_and_those_that_stay_restart_in_turn(consensus: Consensus) -> None:
    first, second, third = NAMES
    consensus.deployment.members = members(first, second, FOURTH)
    for data in consensus.deployment.members.values():
        data["disk"] = "3GiB"
    said = consensus.drift()
    assert f"members of the consensus: {third} is one, and not declared" in said
    assert said.count(f"{UNIT}: restart for {ENVIRONMENT}, one member after the other") == 2
    before = [consensus.started(name) for name in (first, second)]
    consensus.apply()
    assert set(consensus.listed(FOURTH)) == {first, second, FOURTH}
    assert consensus.etcdctl(FOURTH, "get --print-value-only kept") == "yes"
    assert all(one != consensus.started(name) for one, name in zip(before, (first, second), strict=True))
    (_, ready), (begun, _) = sorted(consensus.restarted(name) for name in (first, second))
    assert ready <= begun
    # Its container is left alone. What runs in it has noticed.
    until(lambda: inside(third, f"systemctl is-active {UNIT}", check=False) != "active")
    assert inside(third, f"ls {FOLDER}/etcd") == "member"
    consensus.as_declared()


def test_snapshots_are_made_and_can_be_read(consensus: Consensus) -> None:
    first = NAMES[0]
    inside(first, "systemctl start event-store-consensus-snapshot.service")
    [made] = inside(first, f"ls {FOLDER}/snapshots/*.db").split()
    assert json.loads(inside(first, f"etcdutl snapshot status {made} --write-out=json"))["totalKey"] > 0
    assert inside(first, f"stat -c %a {made}") == "600"
