"""A container's resource limits as cgroup keys, for both hierarchies."""

from deploy.model.containers import Container

_PERIOD = 100_000
#: The keys of `cgroup_limits`, by cgroup version.
KEYS = {
    1: ("memory.limit_in_bytes", "cpu.cfs_period_us", "cpu.cfs_quota_us", "pids.max"),
    2: ("memory.max", "memory.swap.max", "cpu.max", "pids.max"),
}


def cgroup_limits(container: Container, cgroup_version: int) -> dict[str, str]:
    """cgroup key → value. Memory in bytes; CPU time in microseconds for each period of 100,000; processes by number."""
    quota = str(container.cpus * _PERIOD)
    cpu = (str(_PERIOD), quota) if cgroup_version == 1 else ("0", f"{quota} {_PERIOD}")
    memory, processes = str(container.memory), str(container.processes)
    values = (memory, *cpu, processes)
    return dict(zip(KEYS[cgroup_version], values, strict=True))


def is_limit(line: str) -> bool:
    """Whether a line of a container's configuration is one that a running container can take over."""
    return line.startswith(("lxc.cgroup.", "lxc.cgroup2.", "lxc.start."))
