"""Every variable of an inventory: what it means, its default, what is valid, and what is derived from it.

Inventories and group_data are pure data; this is the one typed picture of them that the rest of the code reads. Each
class is the reference of one inventory group: its fields are the keys that may stand in the inventory file or in
``group_data/GROUP.py``.
"""

import binascii
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deploy import tuning
from deploy.setting_names import check_owned_settings, check_setting_names
from deploy.sizes import GIB
from deploy.values import Address, Disk, Memory, Network

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
    """What the groups share.

    The docstring of a field is its text in docs/inventory.md; ``Default: ….`` in it goes to the column of defaults.
    ``change`` says what a deploy does after the key was changed: effects, a colon, the details.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    """The inventory's name of the machine, for example ``@local`` or ``@lxc/stock-analysis``."""


class LxcHost(_Group):
    """Group ``lxc_hosts``: a machine that runs containers."""

    bridge: str = Field(
        default="lxcbr0",
        pattern=r"^[A-Za-z0-9_.-]{1,15}$",
        json_schema_extra={
            "change": "live, container restart: lxc-net creates a managed bridge of the new name. All containers of the "
            "host restart on the new bridge. A managed bridge of the old name stays, and has the same address: delete it "
            "(``ip link delete OLD``), or the host cannot reach its containers."
        },
    )
    """The bridge that the containers are attached to."""

    network: Literal["managed", "existing"] = Field(
        default="managed",
        json_schema_extra={
            "change": "nothing, live: ``managed`` → ``existing``: nothing. The bridge stays as it is, and is yours from then "
            "on. ``existing`` → ``managed``: lxc-net takes over a bridge of that name, or creates it."
        },
    )
    """``managed``: lxc-net creates the bridge, with NAT, DHCP and DNS. ``existing``: the bridge exists already. Nothing
    about it is changed, and it must lead to ``gateway`` by itself."""

    subnet: Network = Field(
        default=IPv4Network("10.0.3.0/24"),
        json_schema_extra={
            "change": "live, container restart, reload: A managed bridge gets the new addresses. Containers with a static "
            "address restart; their ``address`` must be inside the new subnet. Containers with ``dhcp`` are not restarted: "
            "stop them (``lxc-stop -n NAME``) and deploy. pg_hba.conf follows unless ``client_networks`` is declared."
        },
    )
    """The network on the bridge. The prefix is 29 or less."""

    gateway: Address | None = Field(
        default=None,
        json_schema_extra={
            "change": "container restart, live: Containers with a static address restart. Their /etc/resolv.conf follows, "
            "without a restart, unless ``nameservers`` is declared."
        },
    )
    """The containers' default gateway. Only for an existing bridge, because a managed bridge is the gateway itself.
    Default: the first address of ``subnet``."""

    nameservers: list[Address] = Field(
        default=[], json_schema_extra={"change": "live: /etc/resolv.conf in each container of the host is replaced."}
    )
    """DNS servers for the containers. Default: the gateway, where lxc-net answers."""

    storage_path: str = Field(
        default="/var/lib/event-store",
        pattern=r"^(/[A-Za-z0-9_.-]+)+$",
        json_schema_extra={
            "change": "refused: While the host has containers: their files would have to move. The message says how."
        },
    )
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

    lxc_name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        json_schema_extra={
            "change": "another container: A container of the new name is created, with an empty store. It needs an address "
            "of its own, because the container of the old name is left alone."
        },
    )
    """LXC's name of the container. Set by the connector: leave it out. Default: from the name."""

    lxc_host: str = Field(
        json_schema_extra={
            "change": "another container: A container is created on the new host, with an empty store. The one on the old "
            "host is left alone. [Move the data](operations/move-a-store.md)."
        }
    )
    """The inventory's name of the LXC host. Set by the connector: leave it out. Default: from the name."""

    memory: Memory = Field(
        default=2 * GIB,
        json_schema_extra={
            "change": "live, server restart, container restart: The running container takes the limit over. ``shared_buffers`` follows and "
            "restarts the server. The container restarts only if more memory is in use than the new limit."
        },
    )
    """Memory limit, at least 512MiB and at most 1TiB. On cgroup v2 the container gets no swap. PostgreSQL's settings are
    derived from this value, never from what the machine shows."""

    cpus: int = Field(
        default=2,
        ge=1,
        le=1024,
        json_schema_extra={
            "change": "live, reload, server restart: The running container takes the limit over. Settings for parallel queries and "
            "``work_mem`` follow with a reload. With more than 4 CPUs, before or after, ``max_worker_processes`` follows "
            "and restarts the server."
        },
    )
    """CPU limit: the time of that many whole CPUs."""

    processes: int = Field(
        default=1000,
        ge=200,
        le=4_000_000,
        json_schema_extra={"change": "live: The running container takes the limit over."},
    )
    """Limit of processes and threads."""

    disk: Disk = Field(
        default=20 * GIB,
        json_schema_extra={
            "change": "live, reload, container restart, refused: It grows live. The container restarts only if root may not "
            "resize what is mounted, as inside some virtual machines; the plan says which. Below 20GiB the settings for "
            "the WAL follow with a reload. A smaller size is refused."
        },
    )
    """Size of the data volume, at least 2GiB. It is a sparse file and takes only the space that is used. It can grow,
    also while the container runs. It never shrinks."""

    root_disk: Disk = Field(
        default=4 * GIB,
        json_schema_extra={
            "change": "live, container restart, refused: It grows live, or with a restart in the same case as ``disk``. A "
            "smaller size is refused."
        },
    )
    """Size of the root file system, which holds the system and the logs, at least 2GiB. It can grow. It never shrinks."""

    address: Address | Literal["dhcp"] = Field(
        json_schema_extra={"change": "container restart: Clients need the new address (``make dsn`` prints it)."}
    )
    """Static address in the host's ``subnet``, or ``"dhcp"``. On a managed bridge a static address must be in the lower
    half of the subnet, because DHCP gives out the upper half."""

    autostart: bool = Field(
        default=True, json_schema_extra={"change": "nothing: It counts from the next boot of the host."}
    )
    """Whether the container starts when its host boots."""

    id_base: int | None = Field(
        default=None,
        ge=100_000,
        le=2**32 - ID_RANGE - 1,
        json_schema_extra={
            "change": "container restart: The files stay as they are, because ids are mapped when a volume is mounted."
        },
    )
    """First of the 65,536 user and group ids on the host that the container's ids are mapped to. Default: derived from
    the container's name."""

    release: Literal["trixie", "bookworm"] = Field(
        default="trixie",
        json_schema_extra={
            "change": "refused: Its PostgreSQL could not read the existing data. See "
            "[a new Debian release](operations/updates.md#a-new-debian-release)."
        },
    )
    """Debian release inside the container: trixie (13) or bookworm (12). The host may run the other one."""

    postgresql_version: int | None = Field(
        default=None, json_schema_extra={"change": "refused: Any version but the one of the release is refused."}
    )
    """Major version of PostgreSQL. You may leave it out; a version that the release does not package is refused. Default:
    17 in trixie, 15 in bookworm."""

    packages: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]] = Field(
        default=[],
        json_schema_extra={
            "change": "live, nothing: New packages are installed in the running container, and an image that has them is "
            "built for the next one. A package that you take out stays installed."
        },
    )
    """Further Debian packages in the container."""

    storage: Literal["ssd", "hdd"] = Field(
        default="ssd", json_schema_extra={"change": "reload: The planner and I/O settings follow."}
    )
    """The kind of disk that holds the data, for PostgreSQL's planner and I/O settings."""

    max_connections: int = Field(
        default=100,
        ge=10,
        le=10_000,
        json_schema_extra={"change": "server restart: ``work_mem`` follows as well."},
    )
    """PostgreSQL's connection limit."""

    postgresql_settings: dict[str, str | int | float | bool] = Field(
        default={},
        json_schema_extra={
            "change": "reload, server restart: A reload, or a restart of the server if a setting needs one. The plan says "
            "which settings."
        },
    )
    """PostgreSQL settings by name. They win over the derived ones."""

    client_networks: list[Network] = Field(
        default=[],
        json_schema_extra={"change": "reload: Open connections stay, also from a network that you take out."},
    )
    """Networks that the application may connect from. Default: the host's ``subnet``."""

    unknown_event_types: Literal["allow", "refuse"] = Field(
        default="allow", json_schema_extra={"change": "live: It counts for the next append."}
    )
    """Whether events may be appended if their type is not in ``event_store.event_types``."""

    retention_years: int = Field(
        default=7,
        ge=7,
        le=1000,
        json_schema_extra={
            "change": "live: It counts for the next ``make retire``. After a longer retention is set, ``make seals`` also "
            "reports events that left under the shorter one."
        },
    )
    """How many years an event stays at least. Seven years are a requirement, and events that have left do not come back,
    so the setting can only lengthen them."""

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
