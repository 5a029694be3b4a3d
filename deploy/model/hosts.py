"""Group ``lxc_hosts``: the machines that run containers."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from deploy.model.group import Group
from deploy.model.values import Address, Network


class LxcHost(Group):
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

    apt_proxy: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s\"/@]+/?$",
        json_schema_extra={"change": "live: apt's configuration in each container of the host is replaced."},
    )
    """The proxy that apt uses inside the containers, for example ``http://10.0.3.1:3142``. It has to be reachable from
    there. Default: none. Images are built with the proxy that apt on the host uses, whatever is declared here."""

    storage_path: str = Field(
        default="/var/lib/event-store",
        pattern=r"^(/[A-Za-z0-9_.-]+)+$",
        json_schema_extra={
            "change": "refused: While the host has containers: their files would have to move. The message says how."
        },
    )
    """Where images, root file systems and data volumes are kept. Put it on the disk that is meant for the data."""

    def volume_of(self, container: str) -> str:
        """Where the data volume of a container is mounted, by its name."""
        return f"{self.storage_path}/volumes/{container}"

    def data_of(self, container: str) -> str:
        """What the container sees of it."""
        return f"{self.volume_of(container)}/data"

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
        if self.apt_proxy and urlsplit(self.apt_proxy).hostname in ("localhost", "127.0.0.1", "::1"):
            raise ValueError(
                f"apt_proxy {self.apt_proxy}: inside a container that is the container itself; give the address of the "
                f"host on the bridge, for example {self.gateway_address}"
            )
        if self.network == "managed" and self.gateway and self.gateway != next(self.subnet.hosts()):
            raise ValueError("gateway: a managed bridge has the subnet's first address; leave the key out")
        return self
