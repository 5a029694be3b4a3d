"""The texts of a member's files."""

import subprocess

import pytest
from consensus_members import declared

from deploy.consensus.config import ENVIRONMENT, PROGRAM, UNIT_FILE, first_start, texts
from deploy.model.consensus import ConsensusMember

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
