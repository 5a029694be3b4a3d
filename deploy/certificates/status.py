"""How long a container's certificate is still valid."""

from collections.abc import Sequence
from typing import Any

from deploy.certificates.facts import Pair, PairFact
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.event_stores import EventStore


def questions(container: EventStore) -> list[Ask]:
    """The certificate itself."""
    files = container.tls_files
    return [Ask(PairFact, key=files.key, certificate=files.certificate)]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:
    """One row for the server's certificate."""
    [pair] = answers
    return [Row("certificate", container.tls_files.certificate.rpartition("/")[2], *_state(container, pair))]


def _state(container: EventStore, pair: Pair) -> tuple[State, str]:
    from deploy.certificates import x509
    from deploy.certificates.wanted import certificate_of

    found = certificate_of(pair)
    if found is None:
        return State.DOWN, "there is none that can be read; `make deploy` makes one"
    left = x509.days_left(found.not_valid_after_utc)
    own = x509.signed_by(found, found)
    detail = f"{'self-signed' if own else 'signed by an authority'}, {left} days left"
    if left < 0:
        return State.DOWN, f"expired {-left} days ago; `make deploy` renews it"
    if left < x509.RENEWED_BEFORE.days:
        return State.DEGRADED, f"{detail}; `make deploy` renews it"
    if own and container.tls == "authority":
        return State.DEGRADED, f"{detail}; `make deploy` replaces it"
    return State.WELL, detail
