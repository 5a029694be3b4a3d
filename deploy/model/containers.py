"""What every container is, whatever runs in it."""

import binascii
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from deploy.model.group import Group
from deploy.model.sizes import GIB
from deploy.model.tls_files import Identity
from deploy.model.values import Address, Disk, Memory

#: The supported Debian releases, of hosts and containers.
RELEASES: Final = ("bookworm", "trixie")
ID_RANGE: Final = 65_536
#: For how many seconds a container may stop before it is killed: systemd gives a shutdown half an hour.
STOP_TIMEOUT: Final = 1500
_PAGE: Final = 4096
_FIRST_ID: Final = 1_000_000
_BASE_PACKAGES: Final = (
    "systemd-sysv", "dbus", "locales", "tzdata", "iproute2", "netbase", "openssl", "ca-certificates", "procps", "less",
    "logrotate",
)  # fmt: skip
#: The time zones that bookworm's tzdata has as well: clients send them, and stores that move have them in their events.
_PACKAGES_OF_RELEASE: Final[Mapping[str, tuple[str, ...]]] = {"trixie": ("tzdata-legacy",)}


class Container(Group):
    """A container. Each kind of container is a subclass with a group of the inventory and keys of its own."""

    group: ClassVar[str]
    """The inventory's group of this kind."""

    kind: ClassVar[str]
    """What people call it."""

    volume_path: ClassVar[str]
    """Where the data volume is inside."""

    image_setup: ClassVar[str | None] = None
    """Template of the shell commands that prepare an image of this kind, before its packages are configured."""

    before_stop: ClassVar[str | None] = None
    """What is run in a container that is going to restart: it ends once the others can do without this one, and fails if that is
    never."""

    move_data: ClassVar[str] = "a copy of its files"
    """What moves the data of one container into another, whatever the releases of the two."""

    changes: ClassVar[Mapping[str, str]] = {}
    """Key of every container → what a change of it does to this kind, in the form of a field's own ``change``."""

    lxc_name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        json_schema_extra={
            "change": "another container: A container of the new name is created, without data. It needs an address "
            "of its own, because the container of the old name is left alone."
        },
    )
    """LXC's name of the container. Set by the connector: leave it out. Default: from the name."""

    lxc_host: str = Field(
        json_schema_extra={
            "change": "another container: A container is created on the new host, without data. The one on the old "
            "host is left alone. [Move the data](operations/move-a-store.md)."
        }
    )
    """The inventory's name of the LXC host. Set by the connector: leave it out. Default: from the name."""

    memory: Memory = Field(
        default=2 * GIB,
        json_schema_extra={
            "change": "live, container restart: The running container takes the limit over. It restarts only if more "
            "memory is in use than the new limit."
        },
    )
    """Memory limit, at least 512MiB and at most 1TiB. On cgroup v2 the container gets no swap. What runs in it is
    sized by this value, never by what the machine shows."""

    cpus: int = Field(
        default=2,
        ge=1,
        le=1024,
        json_schema_extra={"change": "live: The running container takes the limit over."},
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
            "change": "live, container restart, refused: It grows live. The container restarts only if root may not "
            "resize what is mounted, as inside some virtual machines; the plan says which. A smaller size is refused."
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
            "change": "refused: What the new release packages may not be able to read the existing data. See "
            "[a new Debian release](operations/updates.md#a-new-debian-release)."
        },
    )
    """Debian release inside the container: trixie (13) or bookworm (12). The host may run the other one."""

    packages: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]] = Field(
        default=[],
        json_schema_extra={
            "change": "live, nothing: New packages are installed in the running container, and an image that has "
            "them is built when the next container is created. A package that you take out stays installed."
        },
    )
    """Further Debian packages in the container."""

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
    def shared_memory(self) -> int:
        """What /dev/shm may take, in bytes: a quarter of the memory, in whole pages.

        So a parallel query that wants more ends with an error of its own, before the container is out of memory.
        """
        return self.memory // 4 // _PAGE * _PAGE

    def read_only_mounts(self, storage: str) -> dict[str, str]:  # noqa: ARG002  a subclass's
        """What it sees of its host and cannot write: folder on the host → where it is inside. ``storage``: the host's path.

        The folder has one around it that nobody but root and the container may enter.
        """
        return {}

    @property
    def identities(self) -> list[Identity]:
        """The certificates of the inventory's authority that it has."""
        return []

    @property
    def software(self) -> str:
        """What runs in it, in a word or two for people."""
        return self.kind

    @property
    def required_packages(self) -> set[str]:
        """The Debian packages that have to be installed: the base, and what the inventory entry adds."""
        return {*_BASE_PACKAGES, *_PACKAGES_OF_RELEASE.get(self.release, ()), *self.packages}
