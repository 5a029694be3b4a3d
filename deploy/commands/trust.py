"""`event-store trust`: what clients check the servers by."""

from pathlib import Path

import click

from deploy.commands import options
from deploy.commands.authorities import Seen, authorities_of, see
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory


@click.command()
@options.inventory
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False), required=True, help="Where clients' file goes.")
def trust(inventory: str, out: str) -> None:
    """Write the file that clients check servers by: all trusted authorities, and certificates that are still replaced."""
    if not out:
        raise CommandError("say --out FILE (OUT=file to make): what clients check servers by goes there")
    authorities = authorities_of(read_inventory(inventory))
    others = {one.pair.certificate: name for name, one in see(inventory).items() if _own(one)}
    Path(out).write_text(authorities.bundle + "".join(others), encoding="ascii")
    click.echo(f"{out}: authorities {', '.join(authorities.trusted)}", err=True)
    for name in others.values():
        click.echo(f"{out}: and the certificate of {name}, until it is replaced (sslmode=verify-ca)", err=True)


def _own(seen: Seen) -> bool:
    """Whether a server's certificate is from no authority yet."""
    return bool(seen.pair.certificate) and not seen.trusted
