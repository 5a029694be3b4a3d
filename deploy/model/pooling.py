"""PgBouncer beside the server: where it is, how many connections it shares out, and where it is refused."""

from dataclasses import dataclass
from typing import Final, Self

#: Where clients reach it.
POOLED_PORT: Final = 6432
#: Also the operating system's user that it runs as. The server lets it in by that name, to look up who a client is.
POOLER_ROLE: Final = "event_store_pooler"
#: Debian's own name of the unit.
POOLER_UNIT: Final = "pgbouncer.service"
#: The socket of its console, and its copies of the server's key and certificate. In memory, and nobody else's.
POOLER_FOLDER: Final = "/run/event-store-pooler"
#: How many clients it holds.
MAX_CLIENTS: Final = 1000
#: Whose PgBouncer (1.18) gives a client the rows of another one's prepared statement.
_WITHOUT_PREPARED_STATEMENTS: Final = "bookworm"
_FEWEST: Final = 10
_MOST: Final = 20
_OF_A_CPU: Final = 5
#: For who logs in otherwise, while the first login role has its whole pool in long transactions.
_OF_THE_NEXT_LOGIN: Final = 2
#: Looks up who a client is.
_OF_THE_POOLER: Final = 1


@dataclass(frozen=True)
class Pool:
    """Connections to the server."""

    size: int
    """Of one login role."""
    limit: int
    """Of all roles together: two more for the next login role of a rotation, and one that looks up who a client is."""

    @classmethod
    def of(cls, cpus: int, application_connections: int) -> Self:
        """Five for each CPU, at least 10 and at most 20; never more than the application may have."""
        size = min(max(_OF_A_CPU * cpus, _FEWEST), _MOST, max(application_connections - _OF_THE_NEXT_LOGIN, 1))
        return cls(size, min(size + _OF_THE_NEXT_LOGIN, application_connections) + _OF_THE_POOLER)


def knows_prepared_statements(release: str) -> bool:
    """Whether the PgBouncer of a Debian release may meet clients that prepare statements."""
    return release != _WITHOUT_PREPARED_STATEMENTS


def pooling_problem(pooling: str, release: str, authentication: str) -> str:
    """What is wrong with a pooler there: values of the keys of that name; empty if nothing is."""
    if pooling == "off":
        return ""
    if pooling == "on" and not knows_prepared_statements(release):
        return (
            f"pooling = {pooling!r}: the PgBouncer of Debian {release} gives clients that prepare statements each other's "
            'rows; write "without-prepared-statements" if none of them does, or leave the key out'
        )
    if pooling != "on" and knows_prepared_statements(release):
        return f'pooling = {pooling!r}: the PgBouncer of Debian {release} knows prepared statements; write "on"'
    if authentication != "password":
        return (
            f"pooling = {pooling!r}: PgBouncer compares no certificate with the role, and knows no revocation, so "
            f'authentication = {authentication!r} would not be what it says; give "authentication": "password", or leave '
            "pooling out"
        )
    return ""
