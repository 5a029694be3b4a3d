"""`event-store psql`: psql as the application, with the password nowhere that another user could read."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from deploy.commands import exits, options
from deploy.commands.child import run_child
from deploy.commands.connection import address_of, choose_event_store, login_of, password_of, tls_of
from deploy.commands.errors import CommandError
from deploy.machine import openssh
from deploy.model.event_stores import DATABASE, PORT
from deploy.model.inventory import make_settings, read_entries

#: Seconds until a server that does not answer at all is given up; libpq would wait for minutes.
_PATIENCE: Final = "10"
#: psql's exit status if there was no connection, or it was lost.
_NO_CONNECTION: Final = 2


@click.command()
@options.inventory
@options.container
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
def psql(inventory: str, container: str | None, psql_arguments: tuple[str, ...]) -> int:
    """Open psql as the application, over TLS; over SSH, if the container is on a remote host.

    PSQL_ARGUMENTS, after --, are psql's own, for example -- -c "SELECT 1".
    """
    if shutil.which("psql") is None:
        raise CommandError("psql is not installed on this machine; install postgresql-client")
    entries = {entry.name: entry for entry in read_entries(inventory)}
    settings = make_settings(entries.values(), inventory)
    store = choose_event_store(settings, container)
    host, data = store.lxc_host, entries[store.lxc_host].data
    openssh.check(host, data)
    tls = tls_of(store, settings)
    role = login_of(store, settings)
    password, address = password_of(store, settings), address_of(store, settings)
    # Before version 15, libpq does not compare the addresses of a certificate.
    name = store.lxc_name if store.tls == "authority" else address
    with openssh.tunnel(host, data, address, PORT) as (reached_at, port), _password_file(name, role, password) as file:
        environment = os.environ | {
            "PGHOST": name,
            "PGHOSTADDR": reached_at,
            "PGPORT": str(port),
            "PGDATABASE": DATABASE,
            "PGUSER": role,
            **{f"PG{name.upper()}": value for name, value in tls.items()},
            "PGPASSFILE": f"/proc/self/fd/{file}",
        }
        environment.setdefault("PGCONNECT_TIMEOUT", _PATIENCE)
        status = run_child(["psql", *psql_arguments], environment, [file], goes_on=True)
    if status == _NO_CONNECTION:
        click.echo(f"`{options.make('status', inventory)}` says how {store.name} is", err=True)
    return exits.FAILED if status else exits.OK


@contextmanager
def _password_file(host: str, role: str, password: str) -> Iterator[int]:
    """A password file in memory, open for who inherits it; it is gone with the last of them, however they end."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    file = os.memfd_create("pgpass")
    try:
        os.fchmod(file, 0o600)  # libpq takes no other
        os.write(file, f"{host}:*:*:{role}:{escaped}\n".encode())
        yield file
    finally:
        os.close(file)
