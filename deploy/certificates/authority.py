"""The operator's side: the authorities (CAs) of one inventory, their keys, and what each of them has revoked.

They are in a folder of the operator's machine, ``.secrets/<inventory name>.ca``:

``authorities.json``  whose they are, which are trusted, and which of them signs
``<id>.crt``          the certificate of an authority; its id begins its SHA-256
``<id>.key.age``      its key, encrypted with the passphrase; not there if it is lost
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

from deploy.certificates import issuing, keys, x509
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
        self._signers: dict[str, Signer] = {}

    def __repr__(self) -> str:
        return f"Authorities({str(self.folder)!r})"

    @property
    def _record(self) -> Path:
        return self.folder / "authorities.json"

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
            whose, standing = content["inventory"], Standing(content["signing"], tuple(content["trusted"]))
        except FileNotFoundError:
            raise AuthorityError(
                f"{self.folder}: there is no certificate authority here. If the inventory has none yet, `make ca` makes "
                f"it; if it has, bring that folder along from where it was made"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, AuthorityError):
                raise
            raise AuthorityError(f"{self._record}: cannot be read; restore it from your backup") from None
        if whose != self.inventory:
            raise AuthorityError(
                f"{self._record}: inventory = {whose!r}: these are the authorities of another inventory than "
                f"{self.inventory}; bring the right folder along. If the inventory was renamed, write its new name there"
            )
        if standing.signing not in standing.trusted:
            raise AuthorityError(
                f"{self._record}: signing = {standing.signing!r}: is not one of those that are trusted"
            )
        return standing

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
            return certificates.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise AuthorityError(f"{path}: no certificate ({error}); restore it from your backup") from None

    @property
    def bundle(self) -> str:
        """The certificates of all trusted authorities, as clients and servers read them."""
        return "".join(x509.pem(one) for one in self.trusted.values())

    def have_bundle_file(self) -> Path:
        """`bundle` as a file, for the commands that connect from this machine."""
        path, text = self.folder / "ca.crt", self.bundle.encode()
        if not path.is_file() or path.read_bytes() != text:
            private_files.replace(path, text)
        return path

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
        """An authority with its key, by default the one that signs; takes the passphrase, and a second."""
        one = one or self.standing.signing
        path, certificate = self.folder / f"{one}.key.age", self.trusted[one]
        if self.has_expired(one):
            raise AuthorityError(
                f"{self.folder}/{one}.crt has expired on {certificate.not_valid_after_utc:%Y-%m-%d}; `make rollover "
                f"STEP=begin` makes the next one"
            )
        if one not in self._signers:
            key = keys.decrypted(path, self._environment)
            if key.public_key() != certificate.public_key():
                raise AuthorityError(f"{path}: is not the key of {one}.crt; restore both from your backup")
            self._signers[one] = Signer(certificate, key)
        return self._signers[one]

    def knows(self, certificate: certificates.Certificate) -> bool:
        """Whether it is that of an authority of this inventory, also of one that is trusted no more."""
        path = self.folder / f"{x509.identity(certificate)}.crt"
        return path.is_file() and path.read_text(encoding="ascii") == x509.pem(certificate)

    def has_key(self, one: str) -> bool:
        """Whether the key of an authority is here."""
        return (self.folder / f"{one}.key.age").is_file()

    def has_expired(self, one: str) -> bool:
        """Whether its own certificate is not valid any more."""
        return self.trusted[one].not_valid_after_utc < x509.now()

    def add(self, *, signing: bool) -> None:
        """Make a new authority that is trusted beside those that are; ``signing``: it signs from now on."""
        made = issuing.authority(self.inventory)
        one, key = x509.identity(made.certificate), keys.encrypted(made.key, self._environment)
        with private_files.locked(self._record):
            self._forget()
            private_files.replace(self.folder / f"{one}.key.age", key)
            self._write(one, made.certificate, issuing.revocations(made, []))
            standing = self.standing if self.exist else Standing(one, ())
            chosen = one if signing else standing.signing
            self._stand(Standing(chosen, (*standing.trusted, one)))

    def adopt(self, certificate: certificates.Certificate, revoked: certificates.CertificateRevocationList) -> None:
        """Trust an authority whose key is lost."""
        one = x509.identity(certificate)
        with private_files.locked(self._record):
            self._forget()
            self._write(one, certificate, revoked)
            others = (known for known in self.standing.trusted if known != one)
            self._stand(replace(self.standing, trusted=(*others, one)))

    def stand(self, standing: Standing) -> None:
        """Have other authorities trusted, or another one sign. Files of those that are trusted no more stay."""
        with private_files.locked(self._record):
            self._stand(standing)

    def _write(
        self, one: str, certificate: certificates.Certificate, revoked: certificates.CertificateRevocationList
    ) -> None:
        private_files.replace(self.folder / f"{one}.crt", x509.pem(certificate).encode())
        self.write_revocations(one, revoked)

    def _stand(self, standing: Standing) -> None:
        content = {"inventory": self.inventory, "signing": standing.signing, "trusted": list(standing.trusted)}
        private_files.replace(self._record, (json.dumps(content, indent=2) + "\n").encode())
        self._forget()
        self.have_bundle_file()

    def _forget(self) -> None:
        """Another process may have written since."""
        for name in ("standing", "trusted"):
            self.__dict__.pop(name, None)

    def write_revocations(self, one: str, revoked: certificates.CertificateRevocationList) -> None:
        """Replace an authority's list."""
        private_files.replace(self.folder / f"{one}.crl", x509.pem(revoked).encode())
