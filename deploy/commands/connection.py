"""How a client reaches an event store: shared by the commands, the checks and the benchmarks."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from deploy.commands.dsn_formats import WayIn, uri
from deploy.commands.errors import CommandError
from deploy.commands.options import make
from deploy.lxc.container.facts import Address
from deploy.model.containers import Container
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, EventStore
from deploy.model.pooling import POOLED_PORT, knows_prepared_statements
from deploy.model.settings import Settings

Kind = TypeVar("Kind", bound=Container)


def choose_event_store(settings: Settings, name: str | None) -> EventStore:
    """The event store that ``name`` means (its LXC or inventory name); without a name the only one that is no copy."""
    stores = [store for store in settings.event_stores if name or not store.copy_of]
    return _choose(stores, name, "event store", settings.file)


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


def login_of(container: EventStore, settings: Settings) -> str:
    """The role that the application logs in as, at the moment."""
    return settings.passwords_of(container).logins(container.name).current


def password_of(container: EventStore, settings: Settings) -> str:
    """Its password; empty if the application logs in without. Raises `CommandError` if there is none yet."""
    if container.authentication == "certificate":
        return ""
    passwords, role = settings.passwords_of(container), login_of(container, settings)
    password = passwords.get(container.name, role)
    if password is None and not passwords.provider.stores:
        raise CommandError("; ".join(passwords.problems(container.name)))
    if password is None:
        raise CommandError(f"{container.name} has no password yet for {role}; deploy it first")
    return password


def certificate_role(container: EventStore, settings: Settings) -> str:
    """Whom a client's certificate has to name: beside a password, the server takes no other than the role that logs in."""
    return APPLICATION_ROLE if container.authentication == "certificate" else login_of(container, settings)


def tls_of(container: EventStore, settings: Settings, trust: str = "", client: str = "") -> dict[str, str]:
    """How a client checks the server, and what it shows of itself, by the names that libpq gives it.

    ``trust``, ``client``: the file and the folder of `make trust` and `make certificate` where the client has them; by
    default this machine's own. Raises `CommandError` if one of them is to be made first.
    """
    if container.tls == "self-signed":
        return {"sslmode": "require"}
    # What reads certificates takes its time to load.
    from deploy.certificates.authority import Authorities

    trust = trust or str(Authorities(settings.authorities_folder, settings.name, {}).have_bundle_file())
    folder = client or str(settings.client_folder(certificate_role(container, settings)))
    told = {"sslmode": "verify-full", "sslrootcert": trust}
    if container.authentication == "password":
        return told
    if not client and not Path(f"{folder}/client.key").is_file():
        raise CommandError(
            f"{container.name} asks for a certificate, and there is none in {folder}; "
            f"`{make(_certificate(container, settings), settings.file)}` issues it"
        )
    return told | {"sslcert": f"{folder}/client.crt", "sslkey": f"{folder}/client.key"}


def _certificate(container: EventStore, settings: Settings) -> str:
    role = certificate_role(container, settings)
    return "certificate" if role == APPLICATION_ROLE else f"certificate ROLE={role}"


def way_in(container: EventStore, settings: Settings, trust: str = "", client: str = "") -> WayIn:
    """How the application connects. ``trust``, ``client``: see `tls_of`. Raises `CommandError` if something is missing."""
    tls, password = tls_of(container, settings, trust, client), password_of(container, settings)
    host = _name(container) or address_of(container, settings)
    return WayIn(host, PORT, DATABASE, login_of(container, settings), password, **tls)


def pooled_way_in(container: EventStore, settings: Settings, trust: str = "", client: str = "") -> WayIn:
    """The same by way of the pooler. Raises `CommandError` if there is none."""
    if container.pool is None:
        wanted = "on" if knows_prepared_statements(container.release) else "without-prepared-statements"
        raise CommandError(
            f'{settings.file}: {container.name} has no pooler; declare "pooling": "{wanted}" and deploy, or leave --pooled '
            "(POOLED=1) out"
        )
    return replace(way_in(container, settings, trust, client), port=POOLED_PORT)


def _name(container: EventStore) -> str:
    """The name that a client connects by, where the certificate has no address in it."""
    return container.certificate_names[0] if container.certificate_names and container.address == "dhcp" else ""


def dsn(container: EventStore, settings: Settings) -> str:
    """The same as a URI of libpq."""
    return uri(way_in(container, settings))
