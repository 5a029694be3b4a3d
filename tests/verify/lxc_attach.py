"""A testinfra backend for classic LXC containers; testinfra's own ``lxc`` backend is for LXD.

It wraps the testinfra host of the container's LXC host, so the container is reached in whatever way that one is: on
this machine, over SSH, with sudo.
"""

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

_ENVIRONMENT = "--clear-env --set-var PATH=/usr/sbin:/usr/bin:/sbin:/bin --set-var HOME=/root --set-var LANG=C.UTF-8"


class ContainerNotRunningError(Exception):
    """There is no running container to look into."""


class LxcAttachBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs commands as root in the container ``name`` through lxc-attach on ``outer``."""

    NAME = "lxc-attach"

    def __init__(self, name: str, outer: Host) -> None:
        super().__init__(name)
        self.outer = outer

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """The result of a command; raises `ContainerNotRunningError` where lxc-attach itself could not do its work."""
        inner = self.get_command(command, *args)
        # A frozen container would keep lxc-attach waiting for ever.
        attach = f"timeout --kill-after=5 120 lxc-attach -n %s {_ENVIRONMENT} -- /bin/sh -c %s"
        result = self.outer.run(attach, self.hostname, inner)
        if result.rc != 0:
            # lxc-attach's own failure and the command's cannot be told apart by status.
            state = state_of(self.outer, self.hostname)
            if state != "RUNNING":
                raise ContainerNotRunningError(f"container {self.hostname} is {state}, not RUNNING")
        return self.result(result.rc, self.encode(inner), result.stdout_bytes, result.stderr_bytes)


def state_of(outer: Host, name: str) -> str:
    """LXC's word for the container's state, or ABSENT."""
    return str(outer.run("lxc-info -n %s -sH", name).stdout).strip() or "ABSENT"


def attach(name: str, outer: Host) -> Host:
    """The testinfra host of a container."""
    backend = LxcAttachBackend(name, outer)
    host = Host(backend)
    backend.set_host(host)
    return host
