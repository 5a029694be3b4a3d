"""The operator's side: the authorities (CAs) of one inventory, their keys, and what each of them has revoked.

They are in a folder of the operator's machine, ``.secrets/<inventory name>.ca``:

``authorities.json``  which authorities are trusted, and which of them signs
``<id>.crt``          the certificate of an authority
``<id>.key``          its key, encrypted with the passphrase; not there if it is lost
``<id>.crl``          its list of revoked certificates
``ca.crt``            the certificates of all that are trusted
``clients.json``      the certificates that were issued to clients, see `clients`

Usually there is one authority. During a rollover there are two that are trusted, and one of them signs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cryptography import x509 as certificates
from cryptography.x509.oid import NameOID

from deploy.certificates import keys, x509
from deploy.certificates.errors import AuthorityError
from deploy.certificates.x509 import Signer
from deploy.model import private_files


@dataclass(frozen=True)
class Standing:
    """Which authorities there are, by their ids."""

    signing: str
    trusted: tuple[str, ...]


class Authorities:
    """The authorities of one inventory. Raises `AuthorityError` where they cannot be used."""

    def __init__(self, folder: Path, inventory: str, environment: Mapping[str, str]) -> None:
        """``inventory``: its name, as in the name of ``folder``."""
        self.folder = folder
        self.inventory = inventory
        self._environment = environment

    def __repr__(self) -> str:
        return f"Authorities({str(self.folder)!r})"

    @property
    def _record(self) -> Path:
        return self.folder / "authorities.json"

    @property
    def bundle_file(self) -> Path:
        """`bundle` as a file, for the commands that connect from this machine."""
        return self.folder / "ca.crt"

    @property
    def exist(self) -> bool:
        """Whether there is an authority."""
        return self._record.is_file()

    @cached_property
    def standing(self) -> Standing:
        """Which of them is which."""
        try:
            if said := private_files.open_to_others(self.folder, "0700"):
                raise AuthorityError(said)
            content = json.loads(self._record.read_bytes())
            return Standing(content["signing"], tuple(content["trusted"]))
        except FileNotFoundError:
            raise AuthorityError(
                f"{self.folder}: there is no certificate authority here. If the inventory has none yet, `make ca` makes "
                f"it; if it has, bring that folder along from where it was made"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, AuthorityError):
                raise
            raise AuthorityError(f"{self._record}: cannot be read; restore it from your backup") from None

    @cached_property
    def trusted(self) -> dict[str, certificates.Certificate]:
        """Id → certificate of each trusted authority; the one that signs is the last."""
        standing = self.standing
        ids = sorted(standing.trusted, key=lambda one: one == standing.signing)
        return {one: self._certificate(one) for one in ids}

    @property
    def signing(self) -> certificates.Certificate:
        """The certificate of the one that signs."""
        return self.trusted[self.standing.signing]

    def _certificate(self, one: str) -> certificates.Certificate:
        path = self.folder / f"{one}.crt"
        try:
            found = certificates.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise AuthorityError(f"{path}: no certificate ({error}); restore it from your backup") from None
        whose = "".join(str(name.value) for name in found.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
        if whose != organization(self.inventory):
            raise AuthorityError(
                f"{path}: is an authority of the inventory {whose}, not of {self.inventory}; bring the right folder "
                f"along, or `make ca INVENTORY=…` for one of its own"
            )
        return found

    @property
    def bundle(self) -> str:
        """The certificates of all trusted authorities, as clients and servers read them."""
        return "".join(x509.pem(one) for one in self.trusted.values())

    def revocations(self) -> dict[str, certificates.CertificateRevocationList]:
        """Id → list of what that authority has revoked."""
        found = {}
        for one in self.standing.trusted:
            path = self.folder / f"{one}.crl"
            try:
                found[one] = certificates.load_pem_x509_crl(path.read_bytes())
            except (OSError, ValueError) as error:
                raise AuthorityError(f"{path}: no list of revoked certificates ({error}); restore it") from None
        return found

    def signer(self, one: str | None = None) -> Signer:
        """An authority with its key, by default the one that signs; takes the passphrase."""
        one = one or self.standing.signing
        path, certificate = self.folder / f"{one}.key", self.trusted[one]
        if certificate.not_valid_after_utc < x509.now():
            raise AuthorityError(
                f"{self.folder}/{one}.crt has expired on {certificate.not_valid_after_utc:%Y-%m-%d}; `make rollover "
                f"STEP=begin` makes the next one"
            )
        key = keys.decrypted(path, self._environment)
        if key.public_key() != certificate.public_key():
            raise AuthorityError(f"{path}: is not the key of {one}.crt; restore both from your backup")
        return Signer(certificate, key)

    def knows(self, certificate: certificates.Certificate) -> bool:
        """Whether it is that of an authority of this inventory, also of one that is trusted no more."""
        path = self.folder / f"{x509.short(certificate.serial_number)}.crt"
        return path.is_file() and path.read_text(encoding="ascii") == x509.pem(certificate)

    def has_key(self, one: str) -> bool:
        """Whether the key of an authority is here."""
        return (self.folder / f"{one}.key").is_file()

    def add(self, *, signing: bool) -> Signer:
        """Make a new authority that is trusted beside those that are; ``signing``: it signs from now on."""
        made = x509.authority(organization(self.inventory))
        one = x509.short(made.certificate.serial_number)
        key = keys.encrypted(made.key, self._environment)
        with private_files.locked(self._record):
            private_files.replace(self.folder / f"{one}.key", key)
            private_files.replace(self.folder / f"{one}.crt", x509.pem(made.certificate).encode())
            private_files.replace(self.folder / f"{one}.crl", x509.pem(x509.revocations(made, [])).encode())
            standing = self.standing if self.exist else Standing(one, ())
            chosen = one if signing else standing.signing
            self._stand(replace(standing, signing=chosen, trusted=(*standing.trusted, one)))
        return made

    def adopt(self, bundle: str, lists: str) -> list[str]:
        """Trust authorities whose keys are lost: their certificates and their lists, as a server has them. Their ids."""
        known = {one.subject: one for one in self.trusted.values()}
        revoked = {found.issuer: found for found in x509.lists(lists)}
        adopted = []
        with private_files.locked(self._record):
            for found in certificates.load_pem_x509_certificates(bundle.encode()):
                if found.subject in known or found.subject not in revoked:
                    continue
                one = x509.short(found.serial_number)
                private_files.replace(self.folder / f"{one}.crt", x509.pem(found).encode())
                private_files.replace(self.folder / f"{one}.crl", x509.pem(revoked[found.subject]).encode())
                self._stand(replace(self.standing, trusted=(*self.standing.trusted, one)))
                adopted.append(one)
        return adopted

    def stand(self, standing: Standing) -> None:
        """Have other authorities trusted, or another one sign. Files of those that are trusted no more stay."""
        with private_files.locked(self._record):
            self._stand(standing)

    def _stand(self, standing: Standing) -> None:
        content = {"signing": standing.signing, "trusted": list(standing.trusted)}
        private_files.replace(self._record, (json.dumps(content, indent=2) + "\n").encode())
        for name in ("standing", "trusted"):
            self.__dict__.pop(name, None)
        private_files.replace(self.bundle_file, self.bundle.encode())

    def write_revocations(self, one: str, revoked: certificates.CertificateRevocationList) -> None:
        """Replace an authority's list."""
        private_files.replace(self.folder / f"{one}.crl", x509.pem(revoked).encode())


def organization(inventory: str) -> str:
    """The name of an inventory as a certificate can have it: 64 characters are the most."""
    return inventory[:64]
