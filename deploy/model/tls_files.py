"""Where the files for TLS are in a container, which versions of TLS there may be, and who can be told by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

#: What a server must not offer any more (RFC 8996), as PostgreSQL spells it.
_DEPRECATED: Final = ("", "tlsv1", "tlsv1.1")


@dataclass(frozen=True)
class TlsFiles:
    """A folder with a server's key and certificate, and with what it checks its clients' certificates by."""

    folder: str
    owner: str
    """The user that the server runs as; its group has the same name."""

    @property
    def key(self) -> str:
        """The private key. It never leaves the container."""
        return f"{self.folder}/server.key"

    @property
    def certificate(self) -> str:
        """The certificate that the server shows."""
        return f"{self.folder}/server.crt"

    @property
    def authorities(self) -> str:
        """The certificates of the authorities that clients' certificates may be signed by."""
        return f"{self.folder}/ca.crt"

    @property
    def revocations(self) -> str:
        """What those have revoked: one list for each of them."""
        return f"{self.folder}/ca.crl"

    @property
    def all(self) -> list[str]:
        """What a server has to read again once it was replaced."""
        return [self.certificate, self.key, self.authorities, self.revocations]


@dataclass(frozen=True)
class Identity:
    """A certificate of the inventory's authority that a container has."""

    files: TlsFiles
    names: tuple[str, ...]
    """Host names and addresses that it is for, the first of them also as CN."""
    purpose: Literal["server", "peer"]
    """``server``: it is shown to clients. ``peer``: containers know each other by it, whichever of them connects."""


def protocol_problems(settings: Mapping[str, str]) -> list[str]:
    """What is wrong with the versions of TLS that a PostgreSQL server offers."""
    name = "ssl_min_protocol_version"
    least = settings.get(name, "TLSv1.2")
    if least.strip().lower() not in _DEPRECATED:
        return []
    return [f"{name} = {least!r}: what is older than TLS 1.2 is not safe any more; leave it out, or take TLSv1.3"]


def identity_problem(tls: str, names: Sequence[str], authentication: str, address: str) -> str:
    """What is wrong with how server and clients know each other: values of the keys of that name; empty if nothing is."""
    has_authority = tls == "authority"
    if names and not has_authority:
        return (
            f'certificate_names = {list(names)!r}: a self-signed certificate has no names; give "tls": "authority", or leave '
            "the key out"
        )
    if authentication != "password" and not has_authority:
        return (
            f"authentication = {authentication!r}: no server can check a client's certificate without an authority; give "
            '"tls": "authority"'
        )
    if has_authority and address == "dhcp" and not names:
        return (
            f"tls = {tls!r}: clients check the server by what they connect by, and an address of DHCP may change; give "
            "certificate_names, or a static address"
        )
    return ""
