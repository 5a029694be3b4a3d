import pytest
from declared import container

from deploy.model.limits import cgroup_limits, is_limit

KEYS = {
    2: {"memory.max", "memory.swap.max", "cpu.max", "pids.max"},
    1: {"memory.limit_in_bytes", "cpu.cfs_period_us", "cpu.cfs_quota_us", "pids.max"},
}


@pytest.mark.parametrize("version", KEYS)
def test_each_hierarchy_gets_keys_that_it_has(version: int) -> None:
    assert cgroup_limits(container(), version).keys() == KEYS[version]


def test_limits_are_the_declared_ones_on_both_hierarchies() -> None:
    one = container(memory="3GiB", cpus=3, processes=700)
    two, old = cgroup_limits(one, 2), cgroup_limits(one, 1)
    assert two["memory.max"] == old["memory.limit_in_bytes"] == str(3 * 1024**3)
    assert two["cpu.max"] == f"{old['cpu.cfs_quota_us']} {old['cpu.cfs_period_us']}" == "300000 100000"
    assert two["pids.max"] == old["pids.max"] == "700"


def test_the_memory_limit_is_not_gone_round_by_swap() -> None:
    assert cgroup_limits(container(), 2)["memory.swap.max"] == "0"


@pytest.mark.parametrize(
    ("line", "live"),
    [
        ("lxc.cgroup2.memory.max = 1", True),
        ("lxc.cgroup.pids.max = 1", True),
        ("lxc.start.auto = 1", True),
        ("lxc.net.0.link = lxcbr0", False),
        ("lxc.idmap = u 0 1000000 65536", False),
        ("# lxc.cgroup2.memory.max", False),
    ],
)
def test_only_limits_and_autostart_need_no_restart(line: str, live: bool) -> None:
    assert is_limit(line) is live
