"""Certificates and lists of revoked ones as the project reads them (RFC 5280); `issuing` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

#: How long a server's or a client's certificate is valid, and a revocation list.
LIFETIME: Final = timedelta(days=90)
#: What is to expire within this time is made anew.
RENEWED_BEFORE: Final = timedelta(days=30)
#: A clock that is behind the operator's by less than this takes a new certificate for valid.
BACKDATED: Final = timedelta(hours=1)
#: How long an authority's own certificate is valid.
AUTHORITY_LIFETIME: Final = timedelta(days=3650)
#: What a certificate is for → the purposes that it has in it (RFC 5280, 4.2.1.12).
PURPOSES: Final[Mapping[str, list[x509.ObjectIdentifier]]] = {
    "server": [ExtendedKeyUsageOID.SERVER_AUTH],
    "peer": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
}


@dataclass(frozen=True)
class Signer:
    """An authority that can sign: its certificate, and the key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


def signed_by(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the authority has signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names_of(certificate: x509.Certificate) -> set[str]:
    """The host names and addresses that a server's certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


def is_good_for(certificate: x509.Certificate, what: str) -> bool:
    """Whether it has all of one of `PURPOSES`."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return set(PURPOSES[what]) <= {*found}


def public_key_of(certificate: x509.Certificate) -> str:
    """The certificate's public key, as `openssl pkey -pubout` prints it."""
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> str:
    """Its text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def number_of(revoked: x509.CertificateRevocationList) -> int:
    """The number of a list of revoked certificates; -1 if it has none."""
    try:
        return revoked.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return -1


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it is one that signs others, and that has signed itself."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and signed_by(certificate, certificate)


def lists(text: str) -> list[x509.CertificateRevocationList]:
    """All lists of revoked certificates in a text. Raises `ValueError`."""
    end = "-----END X509 CRL-----"
    return [x509.load_pem_x509_crl((part + end).encode()) for part in text.split(end)[:-1]]


def fingerprint(certificate: x509.Certificate) -> str:
    """What tells people one certificate from another: SHA-256 in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def identity(certificate: x509.Certificate) -> str:
    """The id of an authority: the beginning of its fingerprint, 64 bits."""
    return fingerprint(certificate)[:16]


def days_left(end: datetime) -> int:
    """Whole days until then; negative if it has passed."""
    return (end - now()).days
