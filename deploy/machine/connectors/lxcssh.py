"""`@lxcssh/HOST:NAME`: a container on an LXC host that is reached over SSH."""

from collections.abc import Iterator
from typing import Any

from pyinfra.api import Host
from pyinfra.api.exceptions import InventoryError
from pyinfra.api.state import State
from pyinfra.connectors.base import host_to_connector_data
from pyinfra.connectors.ssh import SSHConnector

from deploy.machine.connectors.attach import AttachConnector, check_container_name


class LxcSshConnector(AttachConnector):
    """Runs commands in the container through lxc-attach on HOST.

    How HOST is reached (``ssh_user``, ``ssh_key``, ``ssh_port``, …) is what its own inventory entry says, so that it is
    said once; without such an entry, what this container's data say.
    """

    def __init__(self, state: State, host: Host) -> None:
        super().__init__(state, host)
        self.outer = SSHConnector(state, host)
        if (entry := self.lxc_host()) is not None:
            self.outer.data = host_to_connector_data(SSHConnector.data_cls, SSHConnector.data_meta, entry.data)
        self.outer.data["ssh_hostname"] = self.outer.data["ssh_hostname"] or host.data.lxc_host

    @staticmethod
    def make_names_data(name: str | None = None) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """One inventory entry; raises `InventoryError` if HOST or NAME is missing or NAME cannot be one."""
        hostname, separator, container = (name or "").rpartition(":")
        if not separator or not hostname:
            raise InventoryError(f"@lxcssh/{name or ''}: write @lxcssh/HOST:CONTAINER")
        check_container_name(container)
        yield f"@lxcssh/{hostname}:{container}", {"lxc_name": container, "lxc_host": hostname}, ["@lxcssh"]
