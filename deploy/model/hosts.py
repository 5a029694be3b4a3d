"""Group ``lxc_hosts``: the machines that run containers."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal, Self

from pydantic import Field, model_validator

from deploy.model.group import Group
from deploy.model.values import Address, Network


class LxcHost(Group):
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
