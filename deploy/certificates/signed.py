"""Operations for certificates that are signed by the inventory's authority, on the operator's machine.

Keys are made in the container and stay there: what is signed is the public key. Names come from the inventory. So nothing
that a container says can get it another's certificate.
"""

import base64
from collections.abc import Iterator

from pyinfra.api import StringCommand, operation
from pyinfra.context import host

from deploy.certificates import clients, issuing, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError
from deploy.certificates.facts import Pair, PairFact
from deploy.certificates.others import is_ahead, strangers
from deploy.certificates.wanted import clocks_differ, problems
from deploy.machine import command_line
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.files import File, ManagedFile
from deploy.machine.look import look
from deploy.machine.operations import install
from deploy.machine.records import Difference
from deploy.model.tls_files import Identity, TlsFiles


@operation()
def have_certificate(identity: Identity, authorities: Authorities) -> Commands:
    """Have a key, and a certificate for it that the authority has signed; made anew before it expires.

    The authority's key is asked for only if there is something to sign. Nothing is signed by a clock that is wrong: what it
    makes is not valid yet for the others, or no longer.
    """
    files = identity.files
    pair: Pair = look(PairFact, folder=files.folder, key=files.key, certificate=files.certificate)
    trusted = _text(files.authorities)
    try:
        reasons = list(problems(pair, identity, authorities))
        if said := _refusal(files, trusted, authorities):
            yield refuse(said)
            return
        if reasons and (apart := clocks_differ(pair)):
            yield refuse(f"{files.certificate}: the container's clock is {apart}; set right whichever is wrong")
            return
        if reasons and not command_line.dry:
            authorities.signer()  # says what is missing for it, before anything is touched
    except AuthorityError as error:
        yield refuse(str(error))
        return
    report(Difference(files.certificate, reason) for reason in reasons)
    if reasons and pair.certificate and not trusted:
        # Until now it was not from an authority: whoever checks it does so by a copy of it.
        before = "clients that check it need the file that `make trust` writes, before it is replaced"
        report([Difference(files.certificate, before)])
    wrong = list(_wrong_modes(files, pair))
    report(difference for difference, _ in wrong)
    if wrong:
        yield " && ".join(command for _, command in wrong)
    elif not reasons:
        host.noop("the certificate is good")
    if reasons and not host.state.is_executing:
        yield "true"  # nothing is made or signed for a plan
    elif reasons:
        yield from _sign(identity, pair, authorities)


def _text(path: str) -> str:
    there: File | None = look(ManagedFile, path=path)
    return there.content.decode(errors="replace") if there else ""


def _refusal(files: TlsFiles, trusted: str, authorities: Authorities) -> str:
    """Why this folder must not be put above what the machine has; empty if it may."""
    if others := strangers(trusted, authorities):
        ids = ", ".join(map(x509.identity, others))
        return (
            f"{files.authorities}: this machine trusts authority {ids}, which is none of {authorities.folder}; bring the "
            f"folder along that it was made in. If that one is lost, `make ca REPLACE={ids}` takes its place"
        )
    if is_ahead(_text(files.revocations), authorities):
        return (
            f"{files.revocations}: this machine knows of later revocations than {authorities.folder}, which is an old copy; "
            f"bring the newest one along"
        )
    return ""


def _wrong_modes(files: TlsFiles, pair: Pair) -> Iterator[tuple[Difference, str]]:
    """What is wrong with modes and owners of what is there, and the command that mends each."""
    for path, found, mode in (
        (files.folder, pair.folder_mode, "700"),
        (files.key, pair.key_mode, "600"),
        (files.certificate, pair.certificate_mode, "644"),
    ):
        if found and found != (wanted := f"{mode} {files.owner}"):
            problem = f"mode and owner are {found}, not {wanted}"
            yield Difference(path, problem), f"chown {files.owner}:{files.owner} {path} && chmod {mode} {path}"


def _sign(identity: Identity, pair: Pair, authorities: Authorities) -> Commands:
    files = identity.files
    new = f"{files.key}.new"
    if made := not pair.public_key:
        yield (
            f"install -d -m 700 -o {files.owner} -g {files.owner} {files.folder} && umask 077 && "
            f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out {new} && "
            f"chown {files.owner}:{files.owner} {new}"
        )
        pair = look(PairFact, folder=files.folder, key=new, certificate="")
    is_peer = identity.purpose == "peer"
    certificate = issuing.for_server(authorities.signer(), pair.public_key, identity.names, peer=is_peer)
    written = f"{files.certificate}.new"
    # The key of before stays in place until the certificate of the new one is there.
    yield StringCommand(
        f"umask 077 && base64 -d > {written} && chown {files.owner}:{files.owner} {written} && chmod 644 {written} &&",
        f"mv -fT {written} {files.certificate} &&",
        # A key that an earlier run had made and not put in place is nobody's.
        f"mv -fT {new} {files.key}" if made else f"rm -f {new}",
        _stdin=base64.encodebytes(x509.pem(certificate).encode()).decode(),
    )  # fmt: skip


@operation()
def have_trust(files: TlsFiles, authorities: Authorities) -> Commands:
    """Have the authorities that clients' certificates may be from, and what those have revoked."""
    try:
        due = clients.due(authorities)
        report(Difference(files.revocations, f"the list of authority {one} {why}") for one, why in due.items())
        if due and host.state.is_executing:
            clients.renew(authorities)
        elif due:
            for one in due if not command_line.dry else ():
                authorities.signer(one)
            yield "true"  # what is going to be written is not there yet
        texts = {files.revocations: clients.bundle(authorities), files.authorities: authorities.bundle}
    except AuthorityError as error:
        yield refuse(str(error))
        return
    # The lists first: with an authority and without its list, a server would refuse every client.
    for path, text in texts.items():
        yield from install._inner(path=path, content=text, owner=f"{files.owner}:{files.owner}")
