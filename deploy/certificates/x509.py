"""Certificates and revocation lists as the project makes and reads them (RFC 5280)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How long a server's or a client's certificate is valid, and a revocation list.
LIFETIME: Final = timedelta(days=90)
#: What is to expire within this time is made anew.
RENEWED_BEFORE: Final = timedelta(days=30)
#: How long an authority's own certificate is valid.
AUTHORITY_LIFETIME: Final = timedelta(days=3650)
#: A clock that is behind the operator's by less than this takes a new certificate for valid.
_BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Signer:
    """An authority that can sign: its certificate, and the key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


def authority(inventory: str) -> Signer:
    """A new authority of an inventory, with a P-256 key of its own."""
    key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    # Two authorities of one inventory, during a rollover, have names that differ: programs look issuers up by name.
    name = _name(f"event stores {short(serial)}", inventory)
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    made = _builder(name, name, key.public_key(), serial, AUTHORITY_LIFETIME)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(usage, critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Signer(made.sign(key, hashes.SHA256()), key)


def for_server(signer: Signer, public_key: str, names: Sequence[str]) -> x509.Certificate:
    """A server's certificate over the PEM ``public_key`` of the server; ``names``: host names and IP addresses, the first
    of them also as CN."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    others = x509.SubjectAlternativeName(alternatives(names))
    return _leaf(signer, subject, _key(public_key), ExtendedKeyUsageOID.SERVER_AUTH, [others])


def for_client(signer: Signer, role: str) -> Signer:
    """A client's certificate, with a new key, whose CN is the role."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    return Signer(_leaf(signer, subject, key.public_key(), ExtendedKeyUsageOID.CLIENT_AUTH, []), key)


def revocations(signer: Signer, revoked: Iterable[tuple[int, datetime]]) -> x509.CertificateRevocationList:
    """The authority's list of revoked certificates: (serial number, since when). It expires like a certificate."""
    made = x509.CertificateRevocationListBuilder(
        issuer_name=signer.certificate.subject, last_update=now() - _BACKDATED, next_update=now() + LIFETIME
    )
    for serial, since in revoked:
        entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=since)
        made = made.add_revoked_certificate(entry.build())
    return made.sign(signer.key, hashes.SHA256())


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


def alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and IP addresses as a certificate has them."""
    return [x509.IPAddress(ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def public_key_of(certificate: x509.Certificate) -> str:
    """The certificate's public key, as `openssl pkey -pubout` prints it."""
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> str:
    """Its text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def lists(text: str) -> list[x509.CertificateRevocationList]:
    """All lists of revoked certificates in a text. Raises `ValueError`."""
    end = "-----END X509 CRL-----"
    return [x509.load_pem_x509_crl((part + end).encode()) for part in text.split(end)[:-1]]


def fingerprint(certificate: x509.Certificate) -> str:
    """What tells people one certificate from another: SHA-256 in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def short(serial: int) -> str:
    """A serial number in a form that people can compare."""
    return f"{serial:x}"[:8]


def days_left(end: datetime) -> int:
    """Whole days until then; negative if it has passed."""
    return (end - now()).days


def _leaf(
    signer: Signer,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    purpose: x509.ObjectIdentifier,
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    made = _builder(subject, signer.certificate.subject, key, x509.random_serial_number(), LIFETIME)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_key_usage(digital_signature=True), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    made = made.add_extension(issuer, critical=False)
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(signer.key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, serial: int, lifetime: timedelta
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=serial,
        not_valid_before=now() - _BACKDATED,
        not_valid_after=now() + lifetime,
    )


def _key(public_key: str) -> ec.EllipticCurvePublicKey:
    key = load_pem_public_key(public_key.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError(f"not a key on an elliptic curve: {type(key).__name__}")
    return key


def _name(common: str, organization: str) -> x509.Name:
    pairs = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
