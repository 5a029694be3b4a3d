"""Files with secrets in them, which are compared without being read: neither their text nor a difference is ever shown."""

import base64
import hashlib
from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.machine.questions import Unprinted


@dataclass(frozen=True)
class SecretFile:
    """The digest of a file's content, its mode (``"640"``) and its owner (``"root:postgres"``)."""

    digest: str
    """SHA-256 in hexadecimal. What is in the file has to be random enough for that."""
    mode: str
    owner: str


class SecretFileFact(FactBase[SecretFile | None]):
    """See `SecretFile`; None if there is no regular file of that name."""

    def command(self, path: str) -> StringCommand:
        """Mode and owner in the first line, the digest in the second one."""
        quoted = QuoteString(path)
        return StringCommand(
            "[ ! -f", quoted, "] || { stat -L -c '%a %U:%G' --", quoted, "; sha256sum <", quoted, "; }"
        )

    def process(self, output: list[str]) -> SecretFile:
        """See `command`."""
        mode, owner = output[0].split()
        return SecretFile(output[1].split()[0], mode, owner)


def digest(content: str) -> str:
    """As `SecretFile` has it."""
    return hashlib.sha256(content.encode()).hexdigest()


def written(path: str, content: str, mode: str, owner: str) -> StringCommand:
    """The command that writes it. The content goes over standard input, which is not shown."""
    new = QuoteString(f"{path}.new")
    return StringCommand(
        "(umask 077; base64 -d >", new, f") && chown {owner} --", new, f"&& chmod {mode} --", new,
        "&& mv -fT --", new, QuoteString(path), _stdin=Unprinted([base64.encodebytes(content.encode()).decode()]),
    )  # fmt: skip
