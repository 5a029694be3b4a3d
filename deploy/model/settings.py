"""Every variable of an inventory: what it means, its default, what is valid, and what is derived from it.

Inventories and group_data are pure data; this is the one typed picture of them that the rest of the code reads. Each
class is the reference of one inventory group: its fields are the keys that may stand in the inventory file or in
``group_data/GROUP.py``.
"""

import binascii
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deploy.model import tuning
from deploy.model.setting_names import check_owned_settings, check_setting_names
from deploy.model.sizes import GIB
from deploy.model.values import Address, Disk, Memory, Network

#: The PostgreSQL that each supported Debian release packages.
POSTGRESQL_OF_RELEASE: Final = {"bookworm": 15, "trixie": 17}
ID_RANGE: Final = 65_536
_FIRST_ID: Final = 1_000_000

DATABASE: Final = "stock_analysis_event_store"
APPLICATION_ROLE: Final = "stock_analysis_user"
OWNER_ROLE: Final = "event_store_owner"
#: Also the operating system's user that the worker's services run as: the server lets it in by that name.
WORKER_ROLE: Final = "event_store_worker"
PORT: Final = 5432


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    """The inventory's name of the machine, for example ``@local`` or ``@lxc/stock-analysis``."""


class LxcHost(_Group):
    """Group ``lxc_hosts``: a machine that runs containers."""

    bridge: str = Field(default="lxcbr0", pattern=r"^[A-Za-z0-9_.-]{1,15}$")
    """The bridge that the containers' network devices are attached to."""

    network: Literal["managed", "existing"] = "managed"
    """``managed``: lxc-net makes the bridge, with NAT, DHCP and DNS. ``existing``: the bridge is there; nothing of it is
    touched, and it has to lead to ``gateway`` by itself."""

    subnet: Network = IPv4Network("10.0.3.0/24")
    """The network on the bridge."""

    gateway: Address | None = None
    """The containers' default gateway. Default: the first address of ``subnet``, which is the managed bridge's own."""

    nameservers: list[Address] = []
    """DNS servers for the containers. Default: the gateway, where lxc-net answers."""

    storage_path: str = Field(default="/var/lib/event-store", pattern=r"^(/[A-Za-z0-9_.-]+)+$")
    """Where images, root file systems and data volumes are kept. Put it on the disk that is meant for the data."""

    @property
    def gateway_address(self) -> IPv4Address:
        """The gateway that containers with a static address use."""
        return self.gateway or next(self.subnet.hosts())

    @property
    def nameserver_addresses(self) -> list[IPv4Address]:
        """The DNS servers that containers use."""
        return self.nameservers or [self.gateway_address]

    @property
    def dhcp_range(self) -> tuple[IPv4Address, IPv4Address]:
        """The upper half of ``subnet``, which a managed bridge gives out; static addresses are for the lower half."""
        return self.subnet.network_address + self.subnet.num_addresses // 2, self.subnet.broadcast_address - 1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.gateway_address not in self.subnet:
            raise ValueError(f"gateway {self.gateway_address} is outside subnet {self.subnet}; give one inside")
        if self.subnet.prefixlen > 29:
            raise ValueError(f"subnet {self.subnet} has no room for containers; use a prefix of 29 or less")
        if self.network == "managed" and self.gateway and self.gateway != next(self.subnet.hosts()):
            raise ValueError("gateway: a managed bridge has the subnet's first address; leave the key out")
        return self


class Container(_Group):
    """Group ``event_stores``: a container with PostgreSQL and the event store in it."""

    lxc_name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    """LXC's name of the container (set by the connector)."""

    lxc_host: str
    """The inventory's name of its LXC host (set by the connector)."""

    memory: Memory = 2 * GIB
    """Memory limit. PostgreSQL's settings are derived from it, never from what the machine shows."""

    cpus: int = Field(default=2, ge=1, le=1024)
    """CPU limit, in whole CPUs' worth of time."""

    processes: int = Field(default=1000, ge=200, le=4_000_000)
    """Limit of processes and threads."""

    disk: Disk = 20 * GIB
    """Size of the data volume. It can grow, also while the container runs; it never shrinks."""

    root_disk: Disk = 4 * GIB
    """Size of the root file system, where the system and the logs are. It can grow, never shrink."""

    address: Address | Literal["dhcp"]
    """Static IPv4 address in the host's ``subnet`` (on a managed bridge: in its lower half), or ``dhcp``."""

    autostart: bool = True
    """Whether the container starts with its host."""

    id_base: int | None = Field(default=None, ge=100_000, le=2**32 - ID_RANGE - 1)
    """First of the 65,536 user and group ids on the host that the container's ids are mapped to. Default: derived from
    the container's name."""

    release: Literal["trixie", "bookworm"] = "trixie"
    """Debian release inside: trixie (13) or bookworm (12)."""

    postgresql_version: int | None = None
    """Major version: the one that the release packages, 17 in trixie and 15 in bookworm; it may be left out."""

    packages: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]] = []
    """Further Debian packages to have in the container."""

    storage: Literal["ssd", "hdd"] = "ssd"
    """The kind of disk below, for PostgreSQL's planner and I/O settings."""

    max_connections: int = Field(default=100, ge=10, le=10_000)
    """PostgreSQL's connection limit."""

    postgresql_settings: dict[str, str | int | float | bool] = {}
    """PostgreSQL settings by name; they win over the derived ones."""

    client_networks: list[Network] = []
    """Networks that the application connects from. Default: the host's ``subnet``."""

    unknown_event_types: Literal["allow", "refuse"] = "allow"
    """Whether events of types that are not in ``event_store.event_types`` may be appended."""

    retention_years: int = Field(default=7, ge=7, le=1000)
    """Years that an event stays at least. Seven is what was asked for, so that the setting can only lengthen it: what
    has left the store does not come back."""

    @property
    def ids(self) -> range:
        """The container's range of user and group ids on its host."""
        slot = binascii.crc32(self.lxc_name.encode()) % 16_384
        base = self.id_base if self.id_base is not None else _FIRST_ID + slot * ID_RANGE
        return range(base, base + ID_RANGE)

    @property
    def hardware_address(self) -> str:
        """MAC address in the range that Xen and LXC use, the same at each start, so that DHCP gives the same address."""
        digest = f"{binascii.crc32(self.name.encode()) & 0xFFFFFF:06x}"
        return f"00:16:3e:{digest[:2]}:{digest[2:4]}:{digest[4:]}"

    @property
    def version(self) -> int:
        """PostgreSQL's major version."""
        return self.postgresql_version or POSTGRESQL_OF_RELEASE[self.release]

    @property
    def server_settings(self) -> dict[str, str]:
        """What postgresql.conf sets: derived from the declared sizes, then overridden by name."""
        derived = tuning.derive_settings(
            self.memory, self.cpus, self.max_connections, self.storage, self.version, disk=self.disk
        )
        return derived | {name: _as_setting(value) for name, value in self.postgresql_settings.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        packaged = POSTGRESQL_OF_RELEASE[self.release]
        if self.version != packaged:
            raise ValueError(
                f"postgresql_version = {self.version}: Debian {self.release} packages PostgreSQL {packaged}; "
                f"write {packaged} or leave the key out"
            )
        problems = [
            f"{name}: a value is one line of printable characters"
            for name, value in self.postgresql_settings.items()
            if not str(value).isprintable()
        ]
        problems += check_setting_names(self.postgresql_settings, self.version)
        problems += check_owned_settings(self.postgresql_settings)
        problems += tuning.memory_problems(self.server_settings, self.memory)
        if problems:
            raise ValueError("postgresql_settings: " + "; ".join(problems))
        return self


def _as_setting(value: str | int | float | bool) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


class Settings(BaseModel):
    """The whole inventory, valid in itself and as a whole."""

    model_config = ConfigDict(frozen=True)

    hosts: dict[str, LxcHost]
    containers: dict[str, Container]

    def host_of(self, container: Container) -> LxcHost:
        """The LXC host that a container runs on."""
        return self.hosts[container.lxc_host]

    def containers_on(self, host: str) -> list[Container]:
        """The containers of one LXC host, in the inventory's order."""
        return [container for container in self.containers.values() if container.lxc_host == host]

    def client_networks(self, container: Container) -> list[IPv4Network]:
        """Where the application may connect from."""
        return container.client_networks or [self.host_of(container).subnet]
