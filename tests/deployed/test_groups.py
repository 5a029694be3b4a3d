"""Tests that share containers stay in one process, whatever they are called."""

import pytest

from .containers import ADDRESSES, SERVERS
from .groups import HOST, INSIDE, ORDER, group_of

TRIXIE, BOOKWORM = SERVERS


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/unit/model/test_sizes.py::test_sizes[1GiB]", "unit"),
        ("tests/plan/test_plan.py::test_stages_follow_each_other", ""),
        ("tests/deployed/test_apply.py::test_deploys_both_releases", HOST),
        ("tests/deployed/test_a_new_part.py::test_it[estest-trixie]", HOST),
        ("tests/deployed/test_worker.py::test_drift_is_shown_and_repaired[stopped]", INSIDE),
        (f"tests/deployed/test_worker.py::test_a_lost_connection[{TRIXIE}-17]", TRIXIE),
        (f"tests/deployed/sql/test_feed.py::test_a_page[{TRIXIE}-10]", TRIXIE),
        (f"tests/deployed/client/test_restart.py::test_restart[fast-{BOOKWORM}]", BOOKWORM),
        (f"tests/deployed/drivers/test_drivers.py::test_a_driver[{TRIXIE}-pgjdbc]", TRIXIE),
        ("tests/deployed/test_ssh.py::test_verifies_over_ssh", "tests/deployed/test_ssh.py"),
    ],
)
def test_a_test_belongs_to_a_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
    assert group in (*ORDER, "")


def test_no_two_containers_have_one_address() -> None:
    own = [address for name, address in ADDRESSES.items() if name != "estest-twin" and address != "dhcp"]
    assert len(own) == len(set(own))
