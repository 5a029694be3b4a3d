"""Values as people write them in an inventory: sizes, networks, addresses; each error says what would be right."""

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import BeforeValidator

from deploy.sizes import parse_size


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


Size = Annotated[int, BeforeValidator(_size)]
Network = Annotated[IPv4Network, BeforeValidator(_network)]
Address = Annotated[IPv4Address, BeforeValidator(_address)]
