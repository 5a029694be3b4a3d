"""`event-store ca` and `authorities`: the inventory's certificate authority, on this machine."""

from typing import Final

import click

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.wanted import stranger
from deploy.commands import options, output
from deploy.commands.authorities import authorities_of, see
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory

_BACK_UP: Final = "Back this folder up, and keep the passphrase elsewhere: without both nothing can be signed any more."


@click.command()
@options.inventory
@click.option(
    "--replace", "lost", metavar="ID", help="An authority whose key is lost, and that the servers still trust."
)
def ca(inventory: str, lost: str | None) -> None:
    """Make the authority of an inventory. Its key is encrypted with $EVENT_STORE_CA_PASSPHRASE.

    It is refused if there is one already, here or on a server that trusts one.
    """
    authorities = authorities_of(read_inventory(inventory))
    if authorities.exist:
        raise CommandError(
            f"{authorities.folder}: there is an authority already; `{options.make('rollover STEP=begin', inventory)}` makes the next"
        )
    trusting = {
        name: (other, one) for name, one in see(inventory).items() if (other := stranger(one.trusted, authorities))
    }
    for name, (other, _) in trusting.items():
        if other != lost:
            raise CommandError(
                f"{name} trusts authority {other} already. Bring {authorities.folder} along from the machine where it was "
                f"made; if it is lost, `make ca REPLACE={other}` makes another one, and keeps this one trusted meanwhile"
            )
    if lost and not trusting:
        raise CommandError(f"no container that runs trusts an authority {lost}; leave REPLACE out, or start them")
    authorities.add(signing=True)
    for _, (_, one) in trusting.items():
        authorities.adopt(one.trusted, one.revoked)
    click.echo(f"{authorities.folder}: authority {authorities.standing.signing} of inventory {authorities.inventory}")
    click.echo(_BACK_UP)


@click.command()
@options.inventory
@options.as_json
def authorities(inventory: str, as_json: bool) -> None:
    """List the authorities, and the certificates that were issued to clients."""
    there = authorities_of(read_inventory(inventory))
    rows = [("authority", *row) for row in _authorities(there)]
    rows += [("client", *row) for row in _clients(there)]
    names = ("kind", "id", "name", "state", "days left")
    if as_json:
        output.document([dict(zip(names, row, strict=True)) for row in rows])
    else:
        output.table(names, rows)


def _authorities(authorities: Authorities) -> list[tuple[str, str, str, str]]:
    return [
        (one, x509.fingerprint(found), _state(authorities, one), str(x509.days_left(found.not_valid_after_utc)))
        for one, found in authorities.trusted.items()
    ]


def _state(authorities: Authorities, one: str) -> str:
    if one == authorities.standing.signing:
        return "signs"
    return "trusted" if authorities.has_key(one) else "trusted, its key is lost"


def _clients(authorities: Authorities) -> list[tuple[str, str, str, str]]:
    return [
        (
            client.serial,
            client.role,
            "revoked" if client.revoked else "valid" if clients.valid(client) else "expired",
            str(x509.days_left(client.expires)),
        )
        for client in clients.issued(authorities)
    ]
