"""The certificate that a container's server shows: its own, or one from the inventory's authority, watched until it expires."""

import os

from pyinfra.api import deploy

from deploy.certificates import operations as certificates
from deploy.certificates.facts import Certificate, PairFact
from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings

_SERVICE = "/etc/systemd/system/event-store-certificates.service"
_TIMER = "/etc/systemd/system/event-store-certificates.timer"
_SCRIPT = "/etc/event-store/check-certificates.sh"
_TIMER_UNIT = "event-store-certificates.timer"
_WATCH = [_TIMER, _SERVICE, _SCRIPT]


def questions(container: EventStore) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    files = container.tls_files
    if container.tls == "self-signed":
        return [
            Ask(Certificate, key=files.key, certificate=files.certificate),
            Ask(Entries, paths=_WATCH),
        ]
    return [
        Ask(PairFact, folder=files.folder, key=files.key, certificate=files.certificate),
        *(Ask(ManagedFile, path=path) for path in (files.authorities, files.revocations, *_WATCH)),
        Ask(Services, units=[_TIMER_UNIT]),
    ]


@deploy("Certificates")
def deploy_part(container: EventStore, settings: Settings) -> None:
    """Have the certificate, and with an authority what clients' certificates are checked by."""
    if container.tls == "self-signed":
        certificates.have_self_signed(
            name="Have the TLS certificate", files=container.tls_files, common_name=container.lxc_name
        )
        certificates.stop_watch(name="Watch no certificates", unit=_TIMER_UNIT, files=_WATCH)
        return
    # What signs is only loaded where something may be signed.
    from deploy.certificates import signed
    from deploy.certificates.authority import Authorities

    authorities = Authorities(settings.authorities_folder, settings.name, os.environ)
    files, names = container.tls_files, container.tls_names
    signed.have_certificate(name="Have the TLS certificate", files=files, names=names, authorities=authorities)
    signed.have_trust(name="Have the authorities that clients are checked by", files=files, authorities=authorities)
    texts = {
        _SCRIPT: render("certificates/check.sh.j2", files=files),
        _SERVICE: render("certificates/check.service.j2", script=_SCRIPT),
        _TIMER: render("certificates/check.timer.j2"),
    }
    for path, text in texts.items():
        machine.install(name=f"Write {path}", path=path, content=text)
    machine.enable(name="Watch the certificates", unit=_TIMER_UNIT)
