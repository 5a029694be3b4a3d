"""Makes certificates and lists of revoked ones (RFC 5280)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.certificates import x509 as ours
from deploy.certificates.x509 import Signer

#: Characters of a name in a certificate.
_LONGEST: Final = 64


def authority(inventory: str) -> Signer:
    """A new authority of an inventory, with a P-256 key of its own."""
    key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    # Two authorities of one inventory, during a rollover, have names that differ: programs look issuers up by name.
    name = _name(f"event stores {serial:x}"[:_LONGEST], inventory[:_LONGEST])
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    made = _builder(name, name, key.public_key(), serial, ours.AUTHORITY_LIFETIME)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(usage, critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Signer(made.sign(key, hashes.SHA256()), key)


def for_server(signer: Signer, public_key: str, names: Sequence[str], *, peer: bool = False) -> x509.Certificate:
    """A server's certificate over the PEM ``public_key`` of the server; ``names``: host names and IP addresses, the first
    of them also as CN. That of a ``peer`` is good for a client as well."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    others = x509.SubjectAlternativeName(alternatives(names))
    return _leaf(signer, subject, _key(public_key), ours.PURPOSES["peer" if peer else "server"], [others])


def for_client(signer: Signer, role: str) -> Signer:
    """A client's certificate, with a new key, whose CN is the role."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    return Signer(_leaf(signer, subject, key.public_key(), [ExtendedKeyUsageOID.CLIENT_AUTH], []), key)


def revocations(signer: Signer, revoked: Iterable[tuple[int, datetime]]) -> x509.CertificateRevocationList:
    """The authority's list of revoked certificates: (serial number, since when). It expires like a certificate.

    Its number is the time at which it was made, in microseconds since 1970, so that a later one has a higher one.
    """
    end = min(ours.now() + ours.LIFETIME, signer.certificate.not_valid_after_utc)
    made = x509.CertificateRevocationListBuilder(
        issuer_name=signer.certificate.subject, last_update=ours.now() - ours.BACKDATED, next_update=end
    )
    made = made.add_extension(x509.CRLNumber(int(ours.now().timestamp() * 1_000_000)), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    made = made.add_extension(issuer, critical=False)
    for serial, since in revoked:
        entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=since)
        made = made.add_revoked_certificate(entry.build())
    return made.sign(signer.key, hashes.SHA256())


def alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and IP addresses as a certificate has them."""
    return [x509.IPAddress(ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _leaf(
    signer: Signer,
    subject: x509.Name,
    key: CertificatePublicKeyTypes,
    purposes: Iterable[x509.ObjectIdentifier],
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    made = _builder(
        subject,
        signer.certificate.subject,
        key,
        x509.random_serial_number(),
        min(ours.LIFETIME, signer.certificate.not_valid_after_utc - ours.now()),
    )
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_key_usage(digital_signature=True), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    made = made.add_extension(issuer, critical=False)
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(signer.key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, serial: int, lifetime: timedelta
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=serial,
        not_valid_before=ours.now() - ours.BACKDATED,
        not_valid_after=ours.now() + lifetime,
    )


def _key(public_key: str) -> CertificatePublicKeyTypes:
    """Of whatever kind; an operator may have brought the server's key along."""
    key = load_pem_public_key(public_key.encode())
    return cast("CertificatePublicKeyTypes", key)


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
