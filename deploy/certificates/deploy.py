"""The certificates of a container: its server's own, or those from the inventory's authority, watched until they expire."""

import os
from typing import Final, TypeGuard

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.certificates import operations as certificates
from deploy.certificates.facts import Certificate, PairFact
from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings

_SERVICE = "/etc/systemd/system/event-store-certificates.service"
_TIMER = "/etc/systemd/system/event-store-certificates.timer"
_SCRIPT = "/etc/event-store/check-certificates.sh"
_TIMER_UNIT = "event-store-certificates.timer"
#: What a certificate is for → what it is called, and who is checked by what is beside it.
_WORDS: Final = {
    "server": ("the TLS certificate", "clients are"),
    "peer": ("the certificate for other containers", "other containers are"),
}
_WATCH = [_TIMER, _SERVICE, _SCRIPT]


def questions(container: Container) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    asks = list[Ask]()
    if is_self_signed(container):
        files = container.tls_files
        asks.append(Ask(Certificate, key=files.key, certificate=files.certificate))
    for identity in container.identities:
        files = identity.files
        asks += [
            Ask(PairFact, folder=files.folder, key=files.key, certificate=files.certificate),
            *(Ask(ManagedFile, path=path) for path in (files.authorities, files.revocations)),
        ]
    if not container.identities:
        return [*asks, Ask(Entries, paths=_WATCH)]
    return [*asks, *(Ask(ManagedFile, path=path) for path in _WATCH), Ask(Services, units=[_TIMER_UNIT])]


def is_self_signed(container: Container) -> TypeGuard[EventStore]:
    """Whether its server signs for itself."""
    return isinstance(container, EventStore) and container.tls == "self-signed"


@deploy("Certificates")
def deploy_part(container: Container, settings: Settings) -> None:
    """Have the certificates, and what the other side's certificates are checked by."""
    if is_self_signed(container):
        certificates.have_self_signed(
            name="Have the TLS certificate", files=container.tls_files, common_name=container.lxc_name
        )
    if not container.identities:
        certificates.stop_watch(name="Watch no certificates", unit=_TIMER_UNIT, files=_WATCH)
        return
    # What signs is only loaded where something may be signed.
    from deploy.certificates import signed
    from deploy.certificates.authority import Authorities

    authorities = Authorities(settings.authorities_folder, settings.name, os.environ)
    for identity in host.loop(container.identities):
        what, whom = _WORDS[identity.purpose]
        signed.have_certificate(name=f"Have {what}", identity=identity, authorities=authorities)
        signed.have_trust(
            name=f"Have the authorities that {whom} checked by", files=identity.files, authorities=authorities
        )
    texts = {
        _SCRIPT: render("certificates/check.sh.j2", folders=[identity.files for identity in container.identities]),
        _SERVICE: render("certificates/check.service.j2", script=_SCRIPT),
        _TIMER: render("certificates/check.timer.j2"),
    }
    for path, text in texts.items():
        machine.install(name=f"Write {path}", path=path, content=text)
    machine.enable(name="Watch the certificates", unit=_TIMER_UNIT)
