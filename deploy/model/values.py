"""Values as people write them in an inventory: sizes, networks, addresses; each error says what would be right."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from deploy.model.sizes import MIB, parse_size


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _network(value: object) -> object:
    try:
        return IPv4Network(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f'{error}; write a network, for example "10.0.3.0/24"') from None


def _address(value: object) -> object:
    if value == "dhcp" or not isinstance(value, str):
        return value
    try:
        return IPv4Address(value)
    except ValueError:
        raise ValueError('not an IPv4 address; write one, for example "10.0.3.10", or "dhcp"') from None


def _at_least(least: str, otherwise: str) -> Callable[[int], int]:
    """A validator of sizes in bytes."""

    def check(value: int) -> int:
        if value % MIB and value > MIB:  # smaller ones are too small, which is said below
            raise ValueError('not a whole number of MiB; round it, for example "2048MiB"')
        if value < parse_size(least):
            raise ValueError(f'{otherwise}; give at least "{least}"')
        return value

    return check


Memory = Annotated[int, BeforeValidator(_size), AfterValidator(_at_least("512MiB", "too little"))]
Disk = Annotated[int, BeforeValidator(_size), AfterValidator(_at_least("2GiB", "too small"))]
Network = Annotated[IPv4Network, BeforeValidator(_network)]
Address = Annotated[IPv4Address, BeforeValidator(_address)]
