"""The certificate that a container's server shows: its own, or one from the inventory's authority, watched until it expires."""

import os
from functools import partial

from pyinfra.api import deploy

from deploy.certificates import operations as certificates
from deploy.certificates.facts import Certificate, PairFact
from deploy.machine import operations as machine
from deploy.machine.facts import Address
from deploy.machine.files import ManagedFile
from deploy.machine.look import look
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings

_SERVICE = "/etc/systemd/system/event-store-certificates.service"
_TIMER = "/etc/systemd/system/event-store-certificates.timer"
_SCRIPT = "/etc/event-store/check-certificates.sh"
_TIMER_UNIT = "event-store-certificates.timer"


def questions(container: EventStore) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    files = container.tls_files
    if container.tls == "self-signed":
        return [
            Ask(Certificate, key=files.key, certificate=files.certificate),
            *(Ask(ManagedFile, path=path) for path in (_SCRIPT, _SERVICE, _TIMER)),
        ]
    return [
        Ask(PairFact, key=files.key, certificate=files.certificate),
        *(Ask(ManagedFile, path=path) for path in (files.authorities, files.revocations, _SCRIPT, _SERVICE, _TIMER)),
        Ask(Services, units=[_TIMER_UNIT]),
        *([Ask(Address)] if container.address == "dhcp" else []),
    ]


@deploy("Certificates")
def deploy_part(container: EventStore, settings: Settings) -> None:
    """Have the certificate, and with an authority what clients' certificates are checked by."""
    if container.tls == "self-signed":
        certificates.have_self_signed(
            name="Have the TLS certificate", files=container.tls_files, common_name=container.lxc_name
        )
        for path in (_TIMER, _SERVICE, _SCRIPT):
            machine.remove(name=f"Remove {path}", path=path)
        return
    # What signs is only loaded where something may be signed.
    from deploy.certificates import signed
    from deploy.certificates.authority import Authorities

    authorities = Authorities(settings.authorities_folder, settings.name, os.environ)
    names = partial(_names, container)
    files = container.tls_files
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


def _names(container: EventStore) -> list[str]:
    """What clients may connect by; with DHCP, by the address that the container has now."""
    address = look(Address).strip() if container.address == "dhcp" else str(container.address)
    return list(dict.fromkeys([container.lxc_name, *container.certificate_names, *filter(None, [address])]))
