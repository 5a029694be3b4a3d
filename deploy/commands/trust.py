"""`event-store trust`: what clients check the servers by."""

from pathlib import Path

import click
from cryptography.x509 import Certificate

from deploy.certificates import x509
from deploy.certificates.wanted import certificate_of
from deploy.commands import options
from deploy.commands.authorities import Seen, authorities_of, see
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory


@click.command()
@options.inventory
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False), required=True, help="Where clients' file goes.")
def trust(inventory: str, out: str) -> None:
    """Write the file that clients check servers by: all trusted authorities.

    Before the first deploy with an authority also the servers' own certificates, for clients that have pinned those.
    """
    if not out:
        raise CommandError("say --out FILE (OUT=file to make): what clients check servers by goes there")
    authorities = authorities_of(read_inventory(inventory))
    own = {name: found for name, one in see(inventory).items() if (found := _own(one))}
    Path(out).write_text(authorities.bundle + "".join(map(x509.pem, own.values())), encoding="ascii")
    click.echo(f"{out}: authorities {', '.join(authorities.trusted)}", err=True)
    for name in own:
        click.echo(
            f"{out}: and the self-signed certificate of {name}, for sslmode=verify-ca only. Whoever has its key could sign for "
            f"any name: write the file again after the deploy, and hand it out then",
            err=True,
        )


def _own(seen: Seen) -> Certificate | None:
    """A server's certificate, if it is from no authority yet."""
    found = certificate_of(seen.pair)
    return found if found and not seen.trusted and x509.signed_by(found, found) else None
