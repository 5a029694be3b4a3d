"""How a client reaches an event store: shared by the commands, the checks and the benchmarks."""

import json
import subprocess
import sys
from urllib.parse import quote

from deploy.model.containers import Container
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, EventStore
from deploy.model.inventory import SettingsError
from deploy.model.settings import Settings


def choose_container(settings: Settings, name: str | None) -> EventStore:
    """The container that ``name`` means (its LXC or inventory name); the only one where no name is given."""
    containers = settings.event_stores
    chosen = [container for container in containers if not name or name in (container.name, container.lxc_name)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(container.lxc_name for container in containers) or "none"
    raise SettingsError(f"{settings.file}: say which event store with CONTAINER=name; there is {names}")


def address_of(container: Container, settings: Settings) -> str:
    """The container's address: as declared, or with DHCP as the container has it now."""
    if container.address != "dhcp":
        return str(container.address)
    fact = "deploy.lxc.container.facts.Address"
    command = [sys.executable, "-m", "pyinfra", settings.file, "fact", fact, "--limit", container.name, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    address = json.loads(done.stdout)[fact].get(container.name) if done.returncode == 0 else None
    if not address:
        raise SettingsError(f"{container.name} has no address yet; does it run? {done.stderr.strip()}")
    return str(address)


def dsn(container: EventStore, settings: Settings) -> str:
    """The application role's libpq URI. Raises `SettingsError` where there is no password yet."""
    password = settings.passwords.get(container.name, APPLICATION_ROLE)
    if password is None:
        raise SettingsError(f"{container.name} has no password yet for {APPLICATION_ROLE}; deploy it first")
    address = address_of(container, settings)
    return f"postgresql://{APPLICATION_ROLE}:{quote(password, safe='')}@{address}:{PORT}/{DATABASE}?sslmode=require"
