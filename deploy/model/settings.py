"""The one typed picture of an inventory that the rest of the code reads.

Inventories and group_data are pure data. The model of each group says what a key means, its default, what is valid, and
what is derived from it: `LxcHost`, and for each kind of container a subclass of `Container`.
"""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, PrivateAttr

from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.hosts import LxcHost
from deploy.model.passwords import Passwords
from deploy.model.project import ROOT
from deploy.model.providers import provider
from deploy.model.remembered import Remembered

#: The kinds of containers, by their group of the inventory.
KINDS: Final[Mapping[str, type[Container]]] = {kind.group: kind for kind in (EventStore,)}


class Settings(BaseModel):
    """The whole inventory, valid in itself and as a whole."""

    model_config = ConfigDict(frozen=True)

    file: str
    """The inventory's file."""

    hosts: dict[str, LxcHost]
    containers: dict[str, Container]

    _providers: dict[str, Remembered] = PrivateAttr(default_factory=dict)

    @property
    def event_stores(self) -> list[EventStore]:
        """The containers that are event stores, in the inventory's order."""
        return [container for container in self.containers.values() if isinstance(container, EventStore)]

    def passwords_of(self, store: EventStore) -> Passwords:
        """The passwords of an event store's roles; they may be where those of others are."""
        file = ROOT / ".secrets" / f"{self.name}.json"
        if store.secrets not in self._providers:
            self._providers[store.secrets] = Remembered(provider(store.secrets, file))
        return Passwords(self._providers[store.secrets], os.environ, file)

    @property
    def authorities_folder(self) -> Path:
        """Where the inventory's certificate authorities are, on the operator's machine."""
        return ROOT / ".secrets" / f"{self.name}.ca"

    def client_folder(self, role: str) -> Path:
        """Where the certificate is that the operator's own commands show for a role."""
        return ROOT / ".secrets" / f"{self.name}.clients" / role

    @property
    def name(self) -> str:
        """The inventory's name: its file's, without the ending."""
        return Path(self.file).stem

    def host_of(self, container: Container) -> LxcHost:
        """The LXC host that a container runs on."""
        return self.hosts[container.lxc_host]

    def containers_on(self, host: str) -> list[Container]:
        """The containers of one LXC host, in the inventory's order."""
        return [container for container in self.containers.values() if container.lxc_host == host]

    def client_networks(self, store: EventStore) -> list[IPv4Network]:
        """Where the application may connect from."""
        return store.client_networks or [self.host_of(store).subnet]
