"""The texts of a member's files."""

import os
import subprocess
from pathlib import Path

import pytest
from consensus_members import declared

from deploy.consensus.config import ENVIRONMENT, UNIT_FILE, first_start, texts
from deploy.model.consensus import PROGRAM, ConsensusMember

ONE, TWO, THREE = map(declared, (1, 2, 3))


def test_etcd_reads_nothing_of_the_others() -> None:
    """No member restarts because another one has joined."""
    alone, three = texts(ONE, []), texts(ONE, [TWO, THREE])
    assert {path for path in alone if alone[path] != three[path]} == {PROGRAM}


def test_nobody_comes_in_without_a_certificate() -> None:
    lines = texts(ONE, [])[ENVIRONMENT].splitlines()
    assert {
        "ETCD_LISTEN_PEER_URLS=https://10.0.3.21:2380",
        "ETCD_LISTEN_CLIENT_URLS=https://10.0.3.21:2379",
        "ETCD_CLIENT_CERT_AUTH=true",
        "ETCD_PEER_CLIENT_CERT_AUTH=true",
        "ETCD_CLIENT_CERT_ALLOWED_HOSTNAME=client.consensus.event-store.internal",
        "ETCD_PEER_CERT_ALLOWED_HOSTNAME=peer.consensus.event-store.internal",
    } <= set(lines)
    assert "http://" not in "".join(lines)


def test_a_member_without_data_does_not_start_by_itself() -> None:
    unit = texts(ONE, [])[UNIT_FILE]
    assert "ConditionPathExistsGlob=|/srv/consensus/etcd/member/wal/*.wal\n" in unit
    assert "ConditionPathExists=|/srv/consensus/first-start.env\n" in unit


def test_members_of_a_new_cluster_are_told_the_same() -> None:
    assert first_start([ONE, TWO], "some") == (
        'ETCD_INITIAL_CLUSTER="c1=https://10.0.3.21:2380,c2=https://10.0.3.22:2380"\n'
        'ETCD_INITIAL_CLUSTER_STATE="new"\nETCD_INITIAL_CLUSTER_TOKEN="some"\n'
    )


@pytest.mark.parametrize("others", [[], [TWO, THREE]])
def test_the_program_is_a_shell_script(others: list[ConsensusMember]) -> None:
    done = subprocess.run(["sh", "-n"], input=texts(ONE, others)[PROGRAM], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("voters", "up", "status"),
    [
        ([1, 2, 3], [1, 2, 3], 0),
        ([1, 2, 3], [1, 2], 1),  # the next one would be one too many
        ([1, 2, 3], [2, 3], 0),  # it does not answer anyway
        ([1, 2, 3], [3], 0),  # there is no majority anyway
        ([1, 2, 3, 4, 5], [1, 3, 4, 5], 0),
        ([1], [1], 0),
    ],
)
def test_a_member_is_spared_only_while_the_others_are_a_majority(
    tmp_path: Path, voters: list[int], up: list[int], status: int
) -> None:
    healthy = "|".join(f"https://10.0.3.{20 + one}:2379" for one in up)
    listed = [
        f"{one}, started, c{one}, https://10.0.3.{20 + one}:2380, https://10.0.3.{20 + one}:2379, false"
        for one in voters
    ]
    stub = tmp_path / "etcdctl"
    lines = "\n".join(f"echo '{line}'" for line in listed)
    stub.write_text(
        f'#!/bin/sh\n[ "$2" = list ] || case $ETCDCTL_ENDPOINTS in {healthy}) exit 0;; *) exit 1;; esac\n{lines}\n'
    )
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho active\n")
    (tmp_path / "systemctl").chmod(0o755)
    stub.chmod(0o755)
    script = texts(ONE, [TWO, THREE])[PROGRAM].replace("patience=60", "patience=0")
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-s", "spare"], input=script, env=paths, text=True, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("there would be no majority" in done.stderr) == bool(status)
