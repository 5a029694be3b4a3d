"""`@lxc/NAME`: a container on this machine."""

from collections.abc import Iterator
from typing import Any

from pyinfra.api import Host
from pyinfra.api.state import State
from pyinfra.connectors.local import LocalConnector

from deploy.machine.connectors.attach import AttachConnector, check_container_name


class LxcConnector(AttachConnector):
    """Runs commands in the container through this machine's lxc-attach."""

    def __init__(self, state: State, host: Host) -> None:
        super().__init__(state, host)
        self.outer = LocalConnector(state, host)

    @staticmethod
    def make_names_data(name: str | None = None) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """One inventory entry; raises `InventoryError` for what cannot be a container's name."""
        container = check_container_name(name)
        yield f"@lxc/{container}", {"lxc_name": container, "lxc_host": "@local"}, ["@lxc"]
