"""How clients reach an event store: from where, by which certificates and passwords, directly or through a pooler."""

from typing import Annotated, Final, Literal

from pydantic import Field

from deploy.model.containers import Container
from deploy.model.providers import PATTERN
from deploy.model.values import Network

_HOST_NAME: Final = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"


class ClientAccess(Container):
    """The keys of an event store that its clients notice."""

    client_networks: list[Network] = Field(
        default=[],
        json_schema_extra={"change": "reload: Open connections stay, also from a network that you take out."},
    )
    """Networks that the application may connect from. Default: the host's ``subnet``."""

    tls: Literal["self-signed", "authority"] = Field(
        default="self-signed",
        json_schema_extra={
            "change": "reload: The server shows another certificate to new connections. Clients that check it need the file of "
            "``make trust`` before. See [certificates](operations/certificates.md)."
        },
    )
    """Where the server's certificate is from. ``"self-signed"``: the server itself; clients cannot tell whom they talk to.
    ``"authority"``: the inventory's own certificate authority (``make ca``)."""

    certificate_names: list[Annotated[str, Field(pattern=_HOST_NAME)]] = Field(
        default=[],
        json_schema_extra={"change": "reload: The server gets a new certificate, which takes the CA's passphrase."},
    )
    """Further host names or addresses that clients connect by, with ``"tls": "authority"``. The certificate has them beside
    the container's own name and its static address. With DHCP, ``make dsn`` prints the first one."""

    authentication: Literal["password", "password+certificate", "certificate"] = Field(
        default="password",
        json_schema_extra={
            "change": "reload: It counts for new connections. Issue certificates to the clients before."
        },
    )
    """What the application logs in with. Certificates are those of ``make certificate``, and need ``"tls": "authority"``."""

    secrets: Annotated[str, Field(pattern=PATTERN)] = Field(
        default="file", json_schema_extra={"change": "nothing: Move the entries by hand before: nothing is copied."}
    )
    """Where the application's passwords are kept: ``"file"`` of this machine, ``"age:PATH"`` in the repository,
    ``"pass:ENTRY"``, or ``"environment"``, which keeps nothing. See [passwords](operations/passwords.md)."""

    pooling: Literal["off", "on", "without-prepared-statements"] = Field(
        default="off",
        json_schema_extra={
            "change": "reload, live: PgBouncer starts, or stops and with it the sessions through it. Direct sessions stay."
        },
    )
    """Whether clients may also connect through PgBouncer, on port 6432. The one of bookworm hands the prepared statements of
    one client to another: there it has to be asked for as ``"without-prepared-statements"``. See
    [pooling](operations/pooling.md)."""
