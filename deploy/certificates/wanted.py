"""What is wrong with a server's certificate, compared with what the inventory and its authorities say."""

from collections.abc import Iterator, Sequence

from cryptography.x509 import Certificate, load_pem_x509_certificate, load_pem_x509_certificates

from deploy.certificates import x509
from deploy.certificates.authority import Authorities
from deploy.certificates.facts import Pair


def problems(pair: Pair, names: Sequence[str], authorities: Authorities) -> Iterator[str]:
    """Why a new certificate has to be signed; nothing if the one that is there is right. Raises `AuthorityError`."""
    if not pair.public_key:
        yield "has no key" if pair.mode else "missing"
        return
    found = certificate_of(pair)
    if found is None:
        yield "missing"
        return
    if x509.public_key_of(found) != pair.public_key:
        yield "is not that of its key"
    if not x509.signed_by(authorities.signing, found):
        known = any(x509.signed_by(one, found) for one in authorities.trusted.values())
        signing = f"the authority that signs now ({authorities.standing.signing})"
        yield f"is not from {signing}" if known else f"is not from {signing}, nor from another one of this inventory"
    if (left := x509.days_left(found.not_valid_after_utc)) < x509.RENEWED_BEFORE.days:
        yield f"expires in {left} days" if left >= 0 else "has expired"
    if (for_names := x509.names_of(found)) != set(names):
        yield f"is for {', '.join(sorted(for_names)) or 'no name'}, not for {', '.join(names)}"


def certificate_of(pair: Pair) -> Certificate | None:
    """The certificate; None if there is none, or nobody can read it."""
    try:
        return load_pem_x509_certificate(pair.certificate.encode()) if pair.certificate else None
    except ValueError:
        return None


def stranger(trusted: str, authorities: Authorities) -> str | None:
    """The authority that a server trusts, if it trusts one and none of this inventory's; None otherwise.

    ``trusted``: the certificates that the server has, as PEM.
    """
    try:
        found = load_pem_x509_certificates(trusted.encode()) if trusted.strip() else []
    except ValueError:
        return None  # damaged, and replaced
    if not found or any(authorities.knows(one) for one in found):
        return None
    return x509.short(found[0].serial_number)
