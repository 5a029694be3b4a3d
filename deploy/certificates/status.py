"""How long a container's certificate is still valid, and what it checks its clients by."""

from collections.abc import Iterator, Sequence
from typing import Any

from deploy.certificates.facts import Pair, PairFact
from deploy.machine.files import File, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.tls_files import Identity, TlsFiles

#: Days before its end in which an authority has to be replaced by the next one, which then signs for 90 days.
_ROLLOVER = 90


def questions(container: Container) -> list[Ask]:
    """Each certificate, and what the other side is checked by, where an authority has signed."""
    return [ask for files, identity in _certificates(container) for ask in _asks(files, identity)]


def _certificates(container: Container) -> list[tuple[TlsFiles, Identity | None]]:
    """Where its certificates are, each with what the authority is to have signed; a server's own has nothing of that."""
    own = isinstance(container, EventStore) and container.tls == "self-signed"
    signed = [(identity.files, identity) for identity in container.identities]
    return [(container.tls_files, None), *signed] if isinstance(container, EventStore) and own else [*signed]


def _asks(files: TlsFiles, identity: Identity | None) -> list[Ask]:
    others = (files.authorities, files.revocations) if identity else ()
    return [
        Ask(PairFact, folder=files.folder, key=files.key, certificate=files.certificate),
        *(Ask(ManagedFile, path=path) for path in others),
    ]


def rows(container: Container, answers: Sequence[Any]) -> list[Row]:
    """One row for each certificate."""
    found, left = list[Row](), iter(answers)
    for files, identity in _certificates(container):
        pair, *others = (next(left) for _ in _asks(files, identity))
        name = "peer.crt" if identity and identity.purpose == "peer" else "server.crt"
        found.append(Row("certificate", name, *_state(identity, pair, others)))
    return found


def _state(identity: Identity | None, pair: Pair, others: Sequence[File | None]) -> tuple[State, str]:
    from deploy.certificates import x509
    from deploy.certificates.wanted import certificate_of

    found = certificate_of(pair)
    if found is None or not pair.public_key:
        return State.DOWN, "there is none that can be read, or no key; `make deploy` makes one"
    left = x509.days_left(found.not_valid_after_utc)
    if left < 0:
        return State.DOWN, f"expired {-left} days ago; `make deploy` renews it"
    is_own = x509.signed_by(found, found)
    detail = f"{'self-signed' if is_own else 'signed by an authority'}, {left} days left"
    problems = [f"`make deploy` renews it: {left} days"] if left < x509.RENEWED_BEFORE.days else []
    if x509.public_key_of(found) != pair.public_key:
        problems.append("`make deploy` replaces it: it is not that of its key")
    if identity:
        trusted, revoked = (file.content.decode(errors="replace") if file else "" for file in others)
        problems += _problems(identity, pair, trusted, revoked)
    return (State.DEGRADED, f"{detail}; {'; '.join(problems)}") if problems else (State.WELL, detail)


def _problems(identity: Identity, pair: Pair, trusted: str, revoked: str) -> Iterator[str]:
    from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates

    from deploy.certificates import x509

    found = load_pem_x509_certificate(pair.certificate.encode())
    try:
        authorities, lists = load_pem_x509_certificates(trusted.encode()), x509.lists(revoked)
    except ValueError:
        yield "`make deploy` writes what clients are checked by: it cannot be read"
        return
    if not any(x509.signed_by(authority, found) for authority in authorities):
        yield "`make deploy` replaces it: it is not from the authority"
    if x509.names_of(found) != set(identity.names):
        yield "`make deploy` replaces it: it is for other names"
    for authority in authorities:
        if (left := x509.days_left(authority.not_valid_after_utc)) < _ROLLOVER:
            yield f"authority {x509.identity(authority)} has {left} days left: `make rollover STEP=begin`"
    for found_list in lists:
        if (
            found_list.next_update_utc
            and (left := x509.days_left(found_list.next_update_utc)) < x509.RENEWED_BEFORE.days
        ):
            yield f"a list of revoked certificates has {left} days left, and refuses all clients' after that"
