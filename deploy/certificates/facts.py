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

    folder_mode: str = ""
    """Mode and owner of the folder, for example ``700 postgres``."""
    key_mode: str = ""
    """Those of the key's file."""
    certificate_mode: str = ""
    public_key: str = ""
    certificate: str = ""
    clock: int | None = None
    """What the container takes for the present: seconds since 1970."""


class PairFact(FactBase[Pair]):
    """See `Pair`."""

    @staticmethod
    def default() -> Pair:
        """Neither."""
        return Pair()

    def command(self, folder: str, key: str, certificate: str) -> StringCommand:
        """The private key itself is never printed."""
        paths = [QuoteString(path) for path in (folder, key, certificate)]
        return StringCommand(
            *(f"stat -c '{what} %a %U' -- {StringCommand(path).get_raw_value()} 2>/dev/null;"
              for what, path in zip(("folder", "key", "certificate"), paths, strict=True)),
            "date '+clock %s';",
            "openssl pkey -pubout -in", paths[1], "2>/dev/null; cat --", paths[2], "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> Pair:
        """Lines with the modes; then the two, each with its own first line."""
        text = "\n".join(output)
        lines, *blocks = text.split(_BEGIN)
        modes = dict(line.split(" ", 1) for line in lines.splitlines() if line)
        parts = {part.partition("-----")[0]: _BEGIN + part.rstrip() + "\n" for part in blocks}
        return Pair(
            modes.get("folder", ""),
            modes.get("key", ""),
            modes.get("certificate", ""),
            parts.get("PUBLIC KEY", ""),
            parts.get("CERTIFICATE", ""),
            int(modes["clock"]) if "clock" in modes else None,
        )
