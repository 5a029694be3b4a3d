"""`event-store rollover`: replaces the authority of an inventory, in three steps, without a client that is refused meanwhile."""

from dataclasses import replace
from typing import Final

import click

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.wanted import certificate_of
from deploy.commands import options
from deploy.commands.authorities import Seen, authorities_of, see
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory

_END: Final = "-----END CERTIFICATE-----\n"


@click.command()
@options.inventory
@click.option("--step", type=click.Choice(["begin", "switch", "finish"]), required=True, help="Deploy after each.")
def rollover(inventory: str, step: str) -> None:
    """Replace the authority: begin makes the next one, switch has it sign, finish ends the trust in the old one."""
    authorities = authorities_of(read_inventory(inventory))
    standing = authorities.standing
    others = [one for one in standing.trusted if one != standing.signing]
    if step == "begin":
        if others:
            raise CommandError(f"{', '.join(others)}: a rollover is under way; finish it first")
        authorities.add(signing=False)
        said = "Deploy, and give all clients the file of `make trust`; then switch."
    elif step == "switch":
        able = [one for one in others if authorities.has_key(one)]
        if not able:
            raise CommandError(
                f"there is no other authority that could sign; `{options.make('rollover STEP=begin', inventory)}` makes one"
            )
        for name, one in see(inventory).items():
            _refuse_old_trust(name, one, authorities)
        authorities.stand(replace(standing, signing=able[-1]))
        said = "Deploy, which signs all servers' certificates, and issue those of clients anew; then finish."
    else:
        if not others:
            raise CommandError("one authority is trusted, which signs; there is nothing to finish")
        left = [one for one in clients.issued(authorities) if one.authority in others and clients.valid(one)]
        if left:
            serials = ", ".join(f"{one.serial} ({one.role})" for one in left)
            raise CommandError(f"clients have valid certificates of the old authority: {serials}; revoke them first")
        for name, one in see(inventory).items():
            _refuse_old_trust(name, one, authorities)
            _refuse_old_certificate(name, one, authorities)
        authorities.stand(replace(standing, trusted=(standing.signing,)))
        said = "Deploy. From then on no server takes a certificate of the old authority."
    click.echo(f"authorities {', '.join(authorities.trusted)}; {authorities.standing.signing} signs. {said}")


def _refuse_old_trust(name: str, one: Seen, authorities: Authorities) -> None:
    """What clients are going to show has to be trusted before they do."""
    if sorted(one.trusted.split(_END)) != sorted(authorities.bundle.split(_END)):
        raise CommandError(f"{name} does not have the authorities of the last step yet; deploy first")


def _refuse_old_certificate(name: str, one: Seen, authorities: Authorities) -> None:
    """What servers show has to be what clients are going to trust."""
    found = certificate_of(one.pair)
    if not (found and x509.signed_by(authorities.signing, found)):
        raise CommandError(f"{name} does not show a certificate of {authorities.standing.signing} yet; deploy first")
