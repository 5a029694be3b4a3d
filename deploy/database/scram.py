"""SCRAM-SHA-256 verifiers as PostgreSQL keeps them in pg_authid (RFC 5802, 5803 and 7677).

With them a password never travels to the server: the operator's side computes the verifier, compares it with the one
that is there and sends it only when it does not match. PBKDF2, HMAC and SHA-256 are the standard library's.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

ITERATIONS: Final = 4096  # PostgreSQL's default, and its only choice before version 16
SALT_LENGTH: Final = 16
_PRINTABLE_ASCII: Final = re.compile(r"[ -~]+")


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

    def __str__(self) -> str:
        salt, stored_key, server_key = (
            base64.b64encode(part).decode("ascii") for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored_key}:{server_key}"


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The text for ``ALTER ROLE … PASSWORD``, with a fresh salt if none is given."""
    return str(Verifier.derive(password, secrets.token_bytes(SALT_LENGTH) if salt is None else salt, iterations))
