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

from deploy.model.backup_repositories import BackupRepository
from deploy.model.consensus import ConsensusMember
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.hosts import LxcHost
from deploy.model.passwords import Passwords
from deploy.model.project import ROOT
from deploy.model.providers import provider
from deploy.model.remembered import Remembered

#: The kinds of containers, by their group of the inventory.
KINDS: Final[Mapping[str, type[Container]]] = {
    kind.group: kind for kind in (EventStore, BackupRepository, ConsensusMember)
}


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

    @property
    def repositories(self) -> list[BackupRepository]:
        """The containers that keep backups, in the inventory's order."""
        return [container for container in self.containers.values() if isinstance(container, BackupRepository)]

    @property
    def members(self) -> list[ConsensusMember]:
        """The members of the consensus, in the inventory's order."""
        return [container for container in self.containers.values() if isinstance(container, ConsensusMember)]

    def repository_of(self, store: EventStore) -> BackupRepository | None:
        """The container that keeps an event store's backups; None if it has none."""
        return next((one for one in self.repositories if one.lxc_name == store.backup_repository), None)

    def source_of(self, store: EventStore) -> EventStore | None:
        """The event store that one is a copy of."""
        return next((one for one in self.event_stores if one.lxc_name == store.copy_of), None)

    def read_repository_of(self, store: EventStore) -> BackupRepository | None:
        """The container whose backups an event store reads: its own ones, or those of what it is a copy of."""
        return self.repository_of(self.source_of(store) or store)

    def copies_in(self, repository: BackupRepository) -> list[EventStore]:
        """The containers that backups of a repository are restored into, beside the event stores themselves."""
        return [store for store in self.event_stores if store.copy_of and self.read_repository_of(store) is repository]

    def stores_of(self, repository: BackupRepository) -> list[EventStore]:
        """The event stores whose backups a container keeps."""
        return [store for store in self.event_stores if store.backup_repository == repository.lxc_name]

    def peers_of(self, container: Container) -> list[Container]:
        """The containers that one talks to, by their names."""
        if isinstance(container, BackupRepository):
            return [*self.stores_of(container)]
        if isinstance(container, ConsensusMember):
            return [one for one in self.members if one is not container]
        found = self.read_repository_of(container) if isinstance(container, EventStore) else None
        return [found] if found else []

    def passwords_of(self, container: EventStore | BackupRepository) -> Passwords:
        """The secrets of a container; they may be where those of others are."""
        file = ROOT / ".secrets" / f"{self.name}.json"
        if container.secrets not in self._providers:
            self._providers[container.secrets] = Remembered(provider(container.secrets, file))
        return Passwords(self._providers[container.secrets], os.environ, file)

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
