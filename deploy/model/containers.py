"""What every container is, whatever runs in it."""

import binascii
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from deploy.model.group import Group
from deploy.model.sizes import GIB
from deploy.model.values import Address, Disk, Memory

#: The supported Debian releases, of hosts and containers.
RELEASES: Final = ("bookworm", "trixie")
ID_RANGE: Final = 65_536
_FIRST_ID: Final = 1_000_000
_BASE_PACKAGES: Final = (
    "systemd-sysv", "dbus", "locales", "tzdata", "iproute2", "netbase", "openssl", "ca-certificates", "procps", "less",
    "logrotate",
)  # fmt: skip


class Container(Group):
    """A container. Each kind of container is a subclass with a group of the inventory and keys of its own."""

    group: ClassVar[str]
    """The inventory's group of this kind."""

    kind: ClassVar[str]
    """What people call it."""

    volume_path: ClassVar[str]
    """Where the data volume is inside."""

    image_setup: ClassVar[str]
    """Template of the shell commands that prepare an image of this kind, before its packages are configured."""

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

    packages: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]] = []
    """Further Debian packages to have in the container."""

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
    def required_packages(self) -> set[str]:
        """The Debian packages that have to be installed: the base, and what the inventory entry adds."""
        return {*_BASE_PACKAGES, *self.packages}
