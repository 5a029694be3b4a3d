"""What is wrong with a server's certificate, compared with what the inventory and its authorities say."""

from collections.abc import Iterator

from cryptography.x509 import Certificate, load_pem_x509_certificate

from deploy.certificates import x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError
from deploy.certificates.facts import Pair
from deploy.model.tls_files import Identity


def problems(pair: Pair, identity: Identity, authorities: Authorities) -> Iterator[str]:
    """Why a new certificate has to be signed; nothing if the one that is there is right. Raises `AuthorityError`."""
    signing, current = authorities.signing, authorities.standing.signing
    if pair.key_mode and not pair.public_key:
        raise AuthorityError("the server's key cannot be read as a key; move it away, and a new one is made")
    found = certificate_of(pair)
    if not pair.public_key or found is None:
        yield "missing"
        return
    if x509.public_key_of(found) != pair.public_key:
        yield "is not that of its key"
    if not x509.signed_by(signing, found):
        known = any(x509.signed_by(one, found) for one in authorities.trusted.values())
        now = f"is not from the authority that signs now ({current})"
        yield now if known else f"{now}, nor from another one of this inventory"
    if (left := x509.days_left(found.not_valid_after_utc)) < x509.RENEWED_BEFORE.days:
        yield f"expires in {left} days" if left >= 0 else "has expired"
    if (for_names := x509.names_of(found)) != set(identity.names):
        yield f"is for {', '.join(sorted(for_names)) or 'no name'}, not for {', '.join(identity.names)}"
    if not x509.is_good_for(found, identity.purpose):
        yield f"is not that of a {identity.purpose}"


def clocks_differ(pair: Pair) -> str:
    """How far the clocks of the container and of this machine are apart; empty if a certificate made here is valid there."""
    seconds = 0 if pair.clock is None else pair.clock - x509.now().timestamp()
    if abs(seconds) < x509.BACKDATED.total_seconds():
        return ""
    return f"{abs(seconds) / 3600:.1f} hours {'ahead of' if seconds > 0 else 'behind'} this machine's"


def certificate_of(pair: Pair) -> Certificate | None:
    """The certificate; None if there is none, or nobody can read it."""
    try:
        return load_pem_x509_certificate(pair.certificate.encode()) if pair.certificate else None
    except ValueError:
        return None
