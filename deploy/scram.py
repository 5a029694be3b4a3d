"""SCRAM-SHA-256 verifiers as PostgreSQL keeps them in pg_authid (RFC 5802, 5803 and 7677).

With them a password never travels to the server: the operator's side computes the verifier, compares it with the one
that is there and sends it only when it does not match. PBKDF2, HMAC and SHA-256 are the standard library's.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

ITERATIONS: Final = 4096  # PostgreSQL's default, and its only choice before version 16
SALT_LENGTH: Final = 16
_PRINTABLE_ASCII: Final = re.compile(r"[ -~]+")
_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$([1-9][0-9]{0,8}):([^:$]+)\$([^:$]+):([^:$]+)")


@dataclass(frozen=True)
class Verifier:
    """``SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`` in its parts; the keys are kept out of its repr."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, password: str, salt: bytes, iterations: int = ITERATIONS) -> "Verifier":
        """The verifier of a password of printable ASCII.

        Others would have to go through SASLprep first, as the client libraries do, each in its own way: refused.
        """
        if not _PRINTABLE_ASCII.fullmatch(password):
            raise ValueError("a password has to be printable ASCII characters, at least one")
        if iterations < 1 or not salt:
            raise ValueError("a verifier needs a salt and at least one iteration")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        return cls(iterations, salt, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256"))

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Reads what ``pg_authid.rolpassword`` holds; the text itself is never part of an error message."""
        match = _VERIFIER.fullmatch(text)
        if match is None:
            raise ValueError("not a SCRAM-SHA-256 verifier (an md5 hash, perhaps)")
        try:
            salt, stored_key, server_key = (base64.b64decode(part, validate=True) for part in match.groups()[1:])
        except binascii.Error:
            raise ValueError("a SCRAM-SHA-256 verifier that is not Base64") from None
        if len(stored_key) != 32 or len(server_key) != 32:
            raise ValueError("a SCRAM-SHA-256 verifier with keys of a wrong length")
        return cls(int(match[1]), salt, stored_key, server_key)

    def __str__(self) -> str:
        salt, stored_key, server_key = (
            base64.b64encode(part).decode("ascii") for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored_key}:{server_key}"


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The text for ``ALTER ROLE … PASSWORD``, with a fresh salt where none is given."""
    return str(Verifier.derive(password, secrets.token_bytes(SALT_LENGTH) if salt is None else salt, iterations))


def matches(password: str, verifier: str) -> bool:
    """Whether the role with this ``rolpassword`` would let the password in.

    False as well where the text is no SCRAM verifier: such a role is to get a new one.
    """
    try:
        stored = Verifier.parse(verifier)
    except ValueError:
        return False
    derived = Verifier.derive(password, stored.salt, stored.iterations)
    same_stored = hmac.compare_digest(derived.stored_key, stored.stored_key)
    return same_stored and hmac.compare_digest(derived.server_key, stored.server_key)
