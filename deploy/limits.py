"""A container's resource limits as cgroup keys, for both hierarchies."""

from deploy.settings import Container

_PERIOD = 100_000


def cgroup_limits(container: Container, cgroup_version: int) -> dict[str, str]:
    """cgroup key → value. Memory in bytes; CPU time in microseconds for each period of 100,000; processes by number."""
    quota = str(container.cpus * _PERIOD)
    if cgroup_version == 2:
        return {
            "memory.max": str(container.memory),
            "memory.swap.max": "0",
            "cpu.max": f"{quota} {_PERIOD}",
            "pids.max": str(container.processes),
        }
    return {
        "memory.limit_in_bytes": str(container.memory),
        "cpu.cfs_period_us": str(_PERIOD),
        "cpu.cfs_quota_us": quota,
        "pids.max": str(container.processes),
    }


def is_limit(line: str) -> bool:
    """Whether a line of a container's configuration is one that a running container can take over."""
    return line.startswith(("lxc.cgroup.", "lxc.cgroup2.", "lxc.start."))
