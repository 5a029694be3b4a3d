"""`event-store certificate` and `revoke`: the certificates of clients."""

from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.certificates import clients, x509
from deploy.commands import options
from deploy.commands.authorities import authorities_of
from deploy.commands.errors import CommandError
from deploy.model import private_files
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.inventory import read_inventory
from deploy.model.logins import LOGIN_ROLES

#: The roles that log in over the network.
ROLES = (APPLICATION_ROLE, *LOGIN_ROLES)
_FILES = ("client.key", "client.crt", "ca.crt")


@click.command()
@options.inventory
@click.option("--role", type=click.Choice(ROLES), default=APPLICATION_ROLE, show_default=True, help="Whom it is for.")
@click.option("--out", metavar="FOLDER", type=click.Path(file_okay=False), help="By default, the operator's own.")
def certificate(inventory: str, role: str, out: str | None) -> None:
    """Issue a certificate to a client: client.crt, client.key, and ca.crt, which it checks the servers by.

    Without --out it is the one that the commands of this program use.
    """
    settings = read_inventory(inventory)
    authorities = authorities_of(settings)
    folder = Path(out) if out else settings.client_folder(role)
    if out and (there := [name for name in _FILES if (folder / name).exists()]):
        raise CommandError(f"{folder}/{there[0]} is there already; say another folder, or move it away")
    # Before it is on record: a certificate that could not be written would be nobody's.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = clients.issue(authorities, role)
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, text in zip(_FILES, (key, x509.pem(made.certificate).encode(), authorities.bundle.encode()), strict=True):
        private_files.replace(folder / name, text)
    end = made.certificate.not_valid_after_utc
    click.echo(f"{folder}: certificate {made.certificate.serial_number:x} of {role}, valid until {end:%Y-%m-%d}")


@click.command()
@options.inventory
@click.option("--serial", metavar="NUMBER", required=True, help="As `event-store authorities` lists it.")
def revoke(inventory: str, serial: str) -> None:
    """Revoke a client's certificate, by its serial number; the next deploy tells the servers."""
    client = clients.revoke(authorities_of(read_inventory(inventory)), serial)
    click.echo(f"{client.serial} of {client.role} is revoked. `{options.make('deploy', inventory)}` tells the servers;")
    click.echo("connections that are open stay: end them with pg_terminate_backend, or restart the server.")
