"""The authorities of an inventory, and what its containers have of them: shared by the commands about certificates."""

import os
from dataclasses import dataclass

import click

from deploy.certificates.authority import Authorities
from deploy.certificates.facts import Pair, PairFact
from deploy.commands.errors import CommandError
from deploy.commands.machines import Machines
from deploy.lxc import status as lxc
from deploy.machine.files import File, ManagedFile
from deploy.machine.questions import Ask
from deploy.model.inventory import make_settings, read_entries
from deploy.model.settings import Settings
from deploy.model.tls_files import TlsFiles


@dataclass(frozen=True)
class Seen:
    """What a running container has."""

    pair: Pair
    trusted: str
    """The certificates of the authorities that it trusts, as PEM; empty if there are none."""
    revoked: str
    """Their lists of revoked certificates."""


def authorities_of(settings: Settings) -> Authorities:
    """Those of an inventory, with the passphrase of this process's environment."""
    return Authorities(settings.authorities_folder, settings.name, os.environ)


def see(inventory: str) -> dict[str, Seen]:
    """Container → what it has, for those that run and are to have certificates of an authority.

    What a container has beside its server's certificate has the folder in its name. Containers that do not run are named on
    standard error. Raises `CommandError` if that cannot be determined.
    """
    entries = read_entries(inventory)
    settings, machines = make_settings(entries, inventory), Machines(entries)
    outside = machines.ask(
        {
            name: {one.name: lxc.container_questions(one, host) for one in settings.containers_on(name)}
            for name, host in settings.hosts.items()
        }
    )
    for name, told in outside.items():
        if told.unreached or None in told.facts.values():
            raise CommandError(
                f"whether containers on {name} trust an authority cannot be determined: {told.unreached}"
            )
    declared = [one for one in settings.containers.values() if one.identities]
    running = [one for one in declared if lxc.is_running(outside[one.lxc_host].facts[one.name])]
    if absent := [one.name for one in declared if one not in running]:
        click.echo(f"not looked at, because it does not run: {', '.join(absent)}", err=True)
    inside = machines.ask(
        {one.name: {identity: _asks(identity.files) for identity in one.identities} for one in running}
    )
    seen = {}
    for one in running:
        told = inside[one.name]
        for identity in one.identities:
            facts = told.facts.get(identity)
            if facts is None:
                raise CommandError(
                    f"{one.name}: its certificates cannot be determined: {told.unreached or 'it did not answer'}"
                )
            pair, trusted, revoked = facts
            is_first = identity == one.identities[0]
            name = one.name if is_first else f"{one.name} ({identity.files.folder})"
            seen[name] = Seen(pair, _text(trusted), _text(revoked))
    return seen


def _asks(files: TlsFiles) -> list[Ask]:
    return [
        Ask(PairFact, folder=files.folder, key=files.key, certificate=files.certificate),
        Ask(ManagedFile, path=files.authorities),
        Ask(ManagedFile, path=files.revocations),
    ]


def _text(file: File | None) -> str:
    return file.content.decode(errors="replace") if file else ""
