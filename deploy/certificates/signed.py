"""Operations for certificates that are signed by the inventory's authority, on the operator's machine.

Keys are made in the container and stay there: what is signed is the public key. Names come from the inventory. So nothing
that a container says can get it another's certificate.
"""

import base64
from collections.abc import Callable, Sequence

from pyinfra.api import StringCommand, operation
from pyinfra.context import host

from deploy.certificates import clients, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError
from deploy.certificates.facts import Pair, PairFact
from deploy.certificates.wanted import problems, stranger
from deploy.machine import command_line
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.files import File, ManagedFile
from deploy.machine.look import look
from deploy.machine.operations import install
from deploy.machine.records import Difference
from deploy.model.tls_files import TlsFiles


@operation()
def have_certificate(files: TlsFiles, names: Callable[[], Sequence[str]], authorities: Authorities) -> Commands:
    """Have a key, and a certificate for ``names`` that the authority has signed; made anew before it expires.

    The authority's key is asked for only if there is something to sign.
    """
    pair: Pair = look(PairFact, key=files.key, certificate=files.certificate)
    trusted: File | None = look(ManagedFile, path=files.authorities)
    wanted, subject = f"600 {files.owner}", files.certificate
    try:
        reasons = list(problems(pair, names(), authorities))
        if other := stranger(trusted.content.decode(errors="replace") if trusted else "", authorities):
            yield refuse(
                f"{files.authorities}: this machine trusts authority {other}, which is none of {authorities.folder}; bring "
                f"the folder along that it was made in. If that one is lost, `make ca REPLACE={other}` takes its place"
            )
            return
        if reasons and not command_line.dry:
            authorities.signer()  # says what is missing for it, before anything is touched
    except AuthorityError as error:
        yield refuse(str(error))
        return
    report(Difference(subject, reason) for reason in reasons)
    if reasons and pair.certificate and not trusted:
        # Until now it was not from an authority: whoever checks it does so by a copy of it.
        report(
            [Difference(subject, "clients that check it need the file that `make trust` writes, before it is replaced")]
        )
    if pair.mode not in ("", wanted):
        report([Difference(files.key, f"mode and owner are {pair.mode}, not {wanted}")])
        yield f"chown {files.owner}:{files.owner} {files.key} && chmod 600 {files.key}"
    elif not reasons:
        host.noop("the certificate is good")
    if not reasons:
        return
    if not host.state.is_executing:
        yield "true"  # nothing is made or signed for a plan
        return
    new = f"{files.key}.new"
    if made := not pair.public_key:
        yield (
            f"install -d -m 700 -o {files.owner} -g {files.owner} {files.folder} && umask 077 && "
            f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out {new} && "
            f"chown {files.owner}:{files.owner} {new}"
        )
        pair = look(PairFact, key=new, certificate="")
    certificate = x509.for_server(authorities.signer(), pair.public_key, names())
    written = f"{files.certificate}.new"
    # The key of before stays in place until the certificate of the new one is there.
    yield StringCommand(
        f"umask 077 && base64 -d > {written} && chown {files.owner}:{files.owner} {written} && chmod 644 {written} &&",
        f"mv -fT {written} {files.certificate}", *([f"&& mv -fT {new} {files.key}"] if made else []),
        _stdin=base64.encodebytes(x509.pem(certificate).encode()).decode(),
    )  # fmt: skip


@operation()
def have_trust(files: TlsFiles, authorities: Authorities) -> Commands:
    """Have the authorities that clients' certificates may be from, and what those have revoked."""
    try:
        if due := clients.expiring(authorities):
            report(Difference(f"list of revoked certificates of {one}", "is about to expire") for one in due)
            if host.state.is_executing:
                clients.renew(authorities)
            elif not command_line.dry:
                for one in due:
                    authorities.signer(one)
            if not host.state.is_executing:
                yield "true"  # what is going to be written is not there yet
        texts = {files.authorities: authorities.bundle, files.revocations: clients.bundle(authorities)}
    except AuthorityError as error:
        yield refuse(str(error))
        return
    for path, text in texts.items():
        yield from install._inner(path=path, content=text, owner=f"{files.owner}:{files.owner}")
