"""What a server has of authorities that this folder does not know, or has not known for long enough."""

from cryptography.x509 import Certificate, CertificateRevocationList, load_pem_x509_certificates

from deploy.certificates import x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError


def strangers(trusted: str, authorities: Authorities) -> list[Certificate]:
    """The authorities that a server trusts, and that are none of this inventory's. ``trusted``: PEM, as the server has it."""
    try:
        found = load_pem_x509_certificates(trusted.encode()) if trusted.strip() else []
    except ValueError:
        return []  # damaged, and replaced
    return [one for one in found if not authorities.knows(one)]


def is_ahead(revoked: str, authorities: Authorities) -> bool:
    """Whether a server knows of later revocations than this folder, which is an old copy then. Raises `AuthorityError`."""
    ours = {found.issuer: x509.number_of(found) for found in authorities.revocations().values()}
    try:
        theirs = x509.lists(revoked)
    except ValueError:
        return False  # damaged, and replaced
    return any(x509.number_of(found) > ours.get(found.issuer, -1) for found in theirs if found.issuer in ours)


def list_of(certificate: Certificate, revoked: str, where: str) -> CertificateRevocationList:
    """What an authority whose key is lost has revoked, as a server has it. Raises `AuthorityError`.

    Also if it is no authority: its certificate goes to all servers and clients.
    """
    one = x509.identity(certificate)
    if not x509.is_authority(certificate):
        raise AuthorityError(f"{where}: {one} is not the certificate of an authority; it is not taken over")
    try:
        lists = [found for found in x509.lists(revoked) if found.issuer == certificate.subject]
    except ValueError:
        lists = []
    public_key = certificate.public_key()
    valid = [found for found in lists if found.is_signature_valid(public_key)]  # type: ignore[arg-type]  # of an authority
    if not valid:
        raise AuthorityError(f"{where}: has no list of revoked certificates of authority {one}; take another server's")
    return valid[0]
