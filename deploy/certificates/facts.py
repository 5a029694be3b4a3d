"""The certificates in a container."""

from dataclasses import dataclass
from typing import Final

from pyinfra.api import FactBase, QuoteString, StringCommand

_BEGIN: Final = "-----BEGIN "


@dataclass(frozen=True)
class Tls:
    """The server's certificate and its key."""

    good: bool = False
    """The certificate is there with its key, for another 30 days."""
    mode: str = ""
    """Mode and owner of the key, for example ``600 postgres``; empty if there is none."""


class Certificate(FactBase[Tls]):
    """See `Tls`."""

    @staticmethod
    def default() -> Tls:
        """None."""
        return Tls()

    def command(self, key: str, certificate: str) -> StringCommand:
        """openssl's own reading of the certificate."""
        check = StringCommand("openssl x509 -checkend 2592000 -noout -in", QuoteString(certificate), ">/dev/null 2>&1")
        return StringCommand(
            "[ ! -f", QuoteString(key), "] || { stat -c '%a %U' --", QuoteString(key), ";", check, "&& echo good; } || true"
        )  # fmt: skip

    def process(self, output: list[str]) -> Tls:
        """See `command`."""
        return Tls(good="good" in output, mode=output[0])


@dataclass(frozen=True)
class Pair:
    """A key and a certificate, as PEM; of the key its public half. Empty if not there or not readable."""

    mode: str = ""
    """Mode and owner of the key's file, for example ``600 postgres``."""
    public_key: str = ""
    certificate: str = ""


class PairFact(FactBase[Pair]):
    """See `Pair`."""

    @staticmethod
    def default() -> Pair:
        """Neither."""
        return Pair()

    def command(self, key: str, certificate: str) -> StringCommand:
        """The private key itself is never printed."""
        paths = QuoteString(key), QuoteString(certificate)
        return StringCommand(
            "[ ! -f", paths[0], "] || { stat -c 'mode %a %U' --", paths[0], ";",
            "openssl pkey -pubout -in", paths[0], "2>/dev/null; }; cat --", paths[1], "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> Pair:
        """A line with the mode; then the two, each with its own first line."""
        mode = output[0].removeprefix("mode ") if output[0].startswith("mode ") else ""
        text = "\n".join(output)
        parts = {part.partition("-----")[0]: _BEGIN + part.rstrip() + "\n" for part in text.split(_BEGIN)[1:]}
        return Pair(mode, parts.get("PUBLIC KEY", ""), parts.get("CERTIFICATE", ""))
