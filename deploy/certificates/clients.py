"""The certificates of clients: issued to a role, and revoked by their serial numbers."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryptography.x509 import CertificateRevocationList
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from deploy.certificates import issuing, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.errors import AuthorityError
from deploy.certificates.x509 import Signer
from deploy.model import private_files


class Client(BaseModel):
    """A certificate that a client was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: str
    """In hexadecimal."""
    role: str
    authority: str
    """The id of the one that signed it."""
    expires: datetime
    revoked: datetime | None = None


_CLIENTS = TypeAdapter(list[Client])


def _path(authorities: Authorities) -> Path:
    return authorities.folder / "clients.json"


def issued(authorities: Authorities) -> list[Client]:
    """All that were ever issued, in their order. Raises `AuthorityError`."""
    path = _path(authorities)
    try:
        return _CLIENTS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise AuthorityError(f"{path}: {where}: {first['msg']}; restore it from your backup") from None


def issue(authorities: Authorities, role: str) -> Signer:
    """A new certificate and key for a role; it is on record before it is returned."""
    signer = authorities.signer()
    made = issuing.for_client(signer, role)
    client = Client(
        serial=f"{made.certificate.serial_number:x}",
        role=role,
        authority=authorities.standing.signing,
        expires=made.certificate.not_valid_after_utc,
    )
    with private_files.locked(_path(authorities)):
        _write(authorities, [*issued(authorities), client])
    return made


def revoke(authorities: Authorities, serial: str) -> Client:
    """Put a certificate onto its authority's list, which servers get with the next deploy."""
    with private_files.locked(_path(authorities)):
        clients = issued(authorities)
        found = [client for client in clients if client.serial == serial.lower().replace(":", "").lstrip("0")]
        if not found:
            known = ", ".join(f"{client.serial} ({client.role})" for client in clients if valid(client)) or "none"
            raise AuthorityError(f"no certificate {serial} was issued here; valid are {known}")
        [client] = found
        if client.authority not in authorities.standing.trusted:
            raise AuthorityError(f"{serial}: its authority is not trusted any more, so no server takes it")
        signer = authorities.signer(client.authority)  # before anything is on record
        now = client.model_copy(update={"revoked": client.revoked or x509.now()})
        clients = [now if one is client else one for one in clients]
        # The record first: what is on it and not on the list makes the list due, see `due`.
        _write(authorities, clients)
        authorities.write_revocations(client.authority, _list(signer, client.authority, clients))
    return now


def due(authorities: Authorities) -> dict[str, str]:
    """Id of an authority → why its list is to be made anew: a list that has expired refuses every client.

    That of an authority that has expired, or whose key is lost, stays as it is.
    """
    found = {}
    for one, revoked in authorities.revocations().items():
        is_lost = one != authorities.standing.signing and not authorities.has_key(one)
        if is_lost or authorities.has_expired(one):
            continue
        if (left := x509.days_left(_end(revoked))) < x509.RENEWED_BEFORE.days:
            found[one] = f"expires in {left} days"
        elif _missing(one, revoked, issued(authorities)):
            found[one] = "is without a certificate that was revoked"
    return found


def _missing(authority: str, revoked: CertificateRevocationList, clients: Iterable[Client]) -> set[int]:
    there = {entry.serial_number for entry in revoked}
    return {serial for serial, _ in _revoked(authority, clients)} - there


def renew(authorities: Authorities) -> None:
    """Make the lists anew that are due."""
    with private_files.locked(_path(authorities)):
        for one in due(authorities):
            authorities.write_revocations(one, _list(authorities.signer(one), one, issued(authorities)))


def bundle(authorities: Authorities) -> str:
    """The lists of all trusted authorities, as PostgreSQL reads them: it needs one of each."""
    return "".join(map(x509.pem, authorities.revocations().values()))


def valid(client: Client) -> bool:
    """Neither revoked nor expired."""
    return client.revoked is None and client.expires > x509.now()


def _list(signer: Signer, authority: str, clients: Iterable[Client]) -> CertificateRevocationList:
    return issuing.revocations(signer, _revoked(authority, clients))


def _revoked(authority: str, clients: Iterable[Client]) -> list[tuple[int, datetime]]:
    """What has expired is refused anyway."""
    return [
        (int(client.serial, 16), client.revoked)
        for client in clients
        if client.authority == authority and client.revoked and client.expires > x509.now()
    ]


def _end(found: CertificateRevocationList) -> datetime:
    end = found.next_update_utc
    assert end is not None  # noqa: S101  ours always have one
    return end


def _write(authorities: Authorities, clients: list[Client]) -> None:
    private_files.replace(_path(authorities), _CLIENTS.dump_json(clients, indent=2) + b"\n")
