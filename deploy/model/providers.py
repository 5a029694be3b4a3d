"""Where the passwords of an inventory are kept: key ``secrets`` of an event store. Each keeps one document.

Beside the file of this machine: a file of the repository that age encrypts, the password store ``pass``, or nothing but
the environment.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import pyrage

from deploy.model import private_files
from deploy.model.project import ROOT

#: The environment variable with the path of the identity that an age file is decrypted with.
IDENTITY: Final = "EVENT_STORE_AGE_IDENTITY"
#: What key ``secrets`` may say.
PATTERN: Final = r"^(file|environment|age:[^\s:][^:]*|pass:[^\s/-][^\s]*)$"


class PasswordError(ValueError):
    """The passwords cannot be used as they are; the message says how to fix it, never a password."""


class Provider(Protocol):
    """Keeps the document. Raises `PasswordError`, before anything is touched."""

    where: str
    """For people: where an entry is to be put."""
    stores: bool
    """Whether it can keep anything."""

    def read(self) -> bytes | None:
        """The document; None if there is none yet."""

    def write(self, content: bytes) -> None:
        """Replace it as a whole."""


class LocalFile:
    """A file of mode 0600 on this machine."""

    stores = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def read(self) -> bytes | None:
        """See `Provider`."""
        try:
            for path, mode in ((self.path.parent, "0700"), (self.path, "0600")):
                if said := private_files.open_to_others(path, mode):
                    raise PasswordError(f"{said}, and change the passwords if others have had access")
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def write(self, content: bytes) -> None:
        """See `Provider`."""
        private_files.replace(self.path, content)


class AgeFile:
    """A file that may be in the repository, encrypted to everybody in the file of recipients beside it.

    Without that file, to whoever has the identity.
    """

    stores = True

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.where = str(path)
        self._environment = environment

    def read(self) -> bytes | None:
        """See `Provider`."""
        identities = self._identities()
        try:
            return bytes(pyrage.decrypt(self.path.read_bytes(), identities))
        except FileNotFoundError:
            return None
        except pyrage.DecryptError:
            raise PasswordError(
                f"{self.path}: cannot be decrypted; {IDENTITY} has to name an identity of one of its recipients"
            ) from None

    def write(self, content: bytes) -> None:
        """See `Provider`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        private_files.replace(self.path, bytes(pyrage.encrypt(content, self._recipients())))

    def _recipients(self) -> list[pyrage.x25519.Recipient]:
        file = self.path.with_name(self.path.name + ".recipients")
        if not file.exists():
            return [identity.to_public() for identity in self._identities()]
        try:
            found = [pyrage.x25519.Recipient.from_str(line) for line in _lines(file)]
        except pyrage.RecipientError:
            found = []
        if not found:
            raise PasswordError(f"{file}: has to be a recipient of age (age1…) in each line; fix it")
        # Whoever writes what they cannot read has lost it.
        own = [str(identity.to_public()) for identity in self._identities()]
        if not set(own) & {str(recipient) for recipient in found}:
            raise PasswordError(f"{file}: none of the recipients is yours; add {own[0]}")
        return found

    def _identities(self) -> list[pyrage.x25519.Identity]:
        path = Path(given) if (given := self._environment.get(IDENTITY)) else None
        if path is None:
            raise PasswordError(
                f"{self.path} is encrypted, and {IDENTITY} is not set; export the path of your identity"
            )
        try:
            if said := private_files.open_to_others(path, "0600"):
                raise PasswordError(said)
            found = [pyrage.x25519.Identity.from_str(line) for line in _lines(path)]
        except (OSError, UnicodeDecodeError, pyrage.IdentityError):
            found = []
        if not found:
            raise PasswordError(f"{IDENTITY}: {path} is no identity of age; `age-keygen -o {path}` makes one")
        return found


class PasswordStore:
    """An entry of ``pass``, with all of the document in it. It goes over standard input and output."""

    stores = True

    def __init__(self, entry: str, environment: Mapping[str, str]) -> None:
        self.entry = entry
        self.where = f"the entry {entry} of pass"
        self._environment = environment

    def read(self) -> bytes | None:
        """See `Provider`."""
        done = self._pass("show", self.entry)
        if done.returncode == 0:
            return done.stdout
        if b"is not in the password store" in done.stderr and self._is_initialised:
            return None
        raise self._error(done)

    @property
    def _is_initialised(self) -> bool:
        """Whether a key is declared for the entry, in its folder or in one above it."""
        home = Path(self._environment.get("HOME", "~")).expanduser()
        store = Path(self._environment.get("PASSWORD_STORE_DIR") or home / ".password-store")
        folders = (store, *(store / parent for parent in Path(self.entry).parents))
        return "PASSWORD_STORE_KEY" in self._environment or any((folder / ".gpg-id").is_file() for folder in folders)

    def write(self, content: bytes) -> None:
        """See `Provider`."""
        done = self._pass("insert", "--multiline", "--force", self.entry, content=content)
        # It says 0 whatever gpg says of a key that is not there.
        if done.returncode or self.read() != content:
            raise self._error(done)

    def _error(self, done: "subprocess.CompletedProcess[bytes]") -> PasswordError:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        return PasswordError(f"{self.where} cannot be used: {said}; see `pass init`, and whether gpg has your key")

    def _pass(self, *arguments: str, content: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(
                ["pass", *arguments], input=content, capture_output=True, env=self._environment, check=False
            )
        except FileNotFoundError:
            raise PasswordError(f"{self.where}: pass is not installed on this machine; install it") from None


class Environment:
    """Nothing is kept."""

    stores = False
    where = "the environment"

    def read(self) -> bytes | None:
        """See `Provider`."""
        return None

    def write(self, content: bytes) -> None:  # noqa: ARG002  see `Provider`
        """Cannot be done."""
        raise PasswordError('"secrets": "environment" cannot store a password')


def provider(declared: str, file: Path, environment: Mapping[str, str] = os.environ) -> Provider:
    """The one that key ``secrets`` declares; ``file``: where the local one is."""
    kind, _, place = declared.partition(":")
    if kind == "age":
        return AgeFile(ROOT / place, environment)
    if kind == "pass":
        return PasswordStore(place, environment)
    return Environment() if kind == "environment" else LocalFile(file)


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
