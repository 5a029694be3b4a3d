"""The application's way into an event store: over TCP and TLS, with its own role and password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict


class ConnectionFailedError(Exception):
    """The server, or the way to it, refused; the message is libpq's, which never holds a password."""


class Application:
    """Connects as the application. Prints as nothing secret: pytest shows arguments and, with -l, local variables."""

    def __init__(self, dsn: str, reached_at: tuple[str, int], networks: list[IPv4Network], **options: Any) -> None:
        """``options``: more arguments of psycopg's connect."""
        self._parameters: dict[str, Any] = conninfo_to_dict(dsn) | options
        # Not by another name: the certificate is for the one in the URI.
        self._parameters |= {"hostaddr": reached_at[0], "port": reached_at[1], "connect_timeout": 5}
        self._networks = networks

    def __repr__(self) -> str:
        return f"<the application, at {self._parameters['hostaddr']}:{self._parameters['port']}>"

    def connect(self, **changes: Any) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection, with some parameters of libpq changed; skips where this machine is not one that may connect."""
        try:
            return psycopg.connect(**{**self._parameters, **changes})
        except psycopg.OperationalError as error:
            message = str(error).strip()
        # Raised here and without the cause, whose frames have the password among their arguments.
        self._skip_strangers(message)
        raise ConnectionFailedError(message)

    @contextmanager
    def rolled_back(self, **changes: Any) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        """A connection whose transaction is rolled back at the end, whatever happened in it."""
        connection = self.connect(**changes)
        try:
            connection.execute("SET LOCAL lock_timeout = '2s'")
            yield connection
        finally:
            connection.rollback()
            connection.close()

    def refusal(self, **changes: Any) -> str:
        """Why the server refuses a connection with these changes; fails where it does not."""
        try:
            self.connect(**changes).close()
        except ConnectionFailedError as error:
            return str(error)
        pytest.fail(f"the server let in a connection with {', '.join(changes)} changed")

    def _skip_strangers(self, message: str) -> None:
        refused = re.search(r'no pg_hba.conf entry for host "([0-9.]+)"', message)
        if refused and not any(IPv4Address(refused[1]) in network for network in self._networks):
            declared = ", ".join(map(str, self._networks))
            pytest.skip(f"not verifiable here: this machine connects from {refused[1]}, client_networks are {declared}")
