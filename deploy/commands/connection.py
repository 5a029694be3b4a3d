"""How a client reaches an event store: shared by the commands, the checks and the benchmarks."""

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import TypeVar

from deploy.commands.dsn_formats import WayIn, uri
from deploy.commands.errors import CommandError
from deploy.lxc.container.facts import Address
from deploy.model.containers import Container
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, EventStore
from deploy.model.settings import Settings

Kind = TypeVar("Kind", bound=Container)


def choose_event_store(settings: Settings, name: str | None) -> EventStore:
    """The event store that ``name`` means (its LXC or inventory name); the only one if no name is given."""
    return _choose(settings.event_stores, name, "event store", settings.file)


def choose_container(settings: Settings, name: str | None) -> Container:
    """The same among all containers, whatever their kind."""
    return _choose(settings.containers.values(), name, "container", settings.file)


def _choose(containers: Iterable[Kind], name: str | None, what: str, file: str) -> Kind:
    there = list(containers)
    chosen = [container for container in there if not name or name in (container.name, container.lxc_name)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(container.lxc_name for container in there) or "none"
    asked = f"there is no {what} {name}" if name else f"say which {what}"
    raise CommandError(f"{file}: {asked}; give one with -c NAME, or CONTAINER=NAME to make; there is {names}")


def address_of(container: Container, settings: Settings) -> str:
    """The container's address: as declared, or with DHCP as the container has it now."""
    if container.address != "dhcp":
        return str(container.address)
    fact = f"{Address.__module__}.{Address.__name__}"
    command = [sys.executable, "-m", "pyinfra", settings.file, "fact", fact, "--limit", container.name, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    address = json.loads(done.stdout)[fact].get(container.name) if done.returncode == 0 else None
    if not address:
        raise CommandError(f"{container.name} has no address yet; does it run? {done.stderr.strip()}")
    return str(address)


def password_of(container: EventStore, settings: Settings) -> str:
    """The application role's password. Raises `CommandError` if there is none yet."""
    password = settings.passwords.get(container.name, APPLICATION_ROLE)
    if password is None:
        raise CommandError(f"{container.name} has no password yet for {APPLICATION_ROLE}; deploy it first")
    return password


def way_in(container: EventStore, settings: Settings) -> WayIn:
    """How the application connects. Raises `CommandError` if there is no password yet."""
    password = password_of(container, settings)
    return WayIn(address_of(container, settings), PORT, DATABASE, APPLICATION_ROLE, password)


def dsn(container: EventStore, settings: Settings) -> str:
    """The same as a URI of libpq."""
    return uri(way_in(container, settings))
