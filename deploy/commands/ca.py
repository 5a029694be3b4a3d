"""`event-store ca` and `authorities`: the inventory's certificate authority, on this machine."""

from collections.abc import Mapping, Sequence
from typing import Final

import click
from cryptography.x509 import Certificate, CertificateRevocationList

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.others import list_of, strangers
from deploy.commands import options, output
from deploy.commands.authorities import Seen, authorities_of, see
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory

_BACK_UP: Final = "Back this folder up, and keep the passphrase elsewhere: without both nothing can be signed any more."


@click.command()
@options.inventory
@click.option(
    "--replace",
    "lost",
    metavar="ID",
    multiple=True,
    help="An authority whose key is lost, and that servers still trust.",
)
def ca(inventory: str, lost: tuple[str, ...]) -> None:
    """Make the authority of an inventory. Its key is encrypted with $EVENT_STORE_CA_PASSPHRASE.

    It is refused if there is one already, here or on a server that trusts one.
    """
    make(inventory, lost)


def make(inventory: str, lost: Sequence[str]) -> None:
    """See `ca`. Raises `CommandError` and `AuthorityError`."""
    there = authorities_of(read_inventory(inventory))
    begin = options.make("rollover STEP=begin", inventory)
    if there.exist and not lost:
        raise CommandError(f"{there.folder}: there is an authority already; `{begin}` makes the next one")
    adopted = _lost(there, see(inventory), lost)
    if not there.exist:
        there.add(signing=True)
    for certificate, revoked in adopted:
        there.adopt(certificate, revoked)
        click.echo(f"{x509.identity(certificate)} stays trusted; its SHA-256 is {x509.fingerprint(certificate)}")
    click.echo(f"{there.folder}: authority {there.standing.signing} of inventory {there.inventory} signs")
    click.echo(_BACK_UP)


def _lost(
    authorities: Authorities, servers: Mapping[str, Seen], lost: Sequence[str]
) -> list[tuple[Certificate, CertificateRevocationList]]:
    """The authorities that servers trust and that are lost, each with its list; nothing is taken that was not asked for."""
    found: dict[str, tuple[Certificate, CertificateRevocationList]] = {}
    for name, server in servers.items():
        for certificate in strangers(server.trusted, authorities):
            if (one := x509.identity(certificate)) not in lost:
                raise CommandError(
                    f"{name} trusts authority {one} already. Bring {authorities.folder} along from the machine where it "
                    f"was made; if it is lost, `make ca REPLACE={one}` has another one sign, and keeps this one trusted"
                )
            revoked = list_of(certificate, server.revoked, name)
            known = found.get(one)
            if known is None or x509.number_of(revoked) > x509.number_of(known[1]):
                found[one] = certificate, revoked
    if missing := sorted(set(lost) - set(found)):
        raise CommandError(f"no container that runs trusts an authority {', '.join(missing)} that is not known here")
    return list(found.values())


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
