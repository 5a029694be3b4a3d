"""Asks a container's PostgreSQL as its superuser, from inside, over the local socket."""

import base64
import json
import shlex
from typing import Any

from testinfra.backend.base import CommandResult
from testinfra.host import Host

from deploy.machine.psql import session_options


class Server:
    """Runs SQL through psql inside a container. Reads only, unless told otherwise."""

    def __init__(self, inside: Host, version: int) -> None:
        self._inside = inside
        self._psql = f"/usr/lib/postgresql/{version}/bin/psql"

    def run(
        self, script: str, database: str = "postgres", options: str = "-c default_transaction_read_only=on"
    ) -> CommandResult:
        """The result of a psql script."""
        # base64, because quotes within quotes within quotes (SSH, sudo, lxc-attach) grow beyond what argv can hold.
        encoded = base64.b64encode(script.encode()).decode()
        return self._inside.run(
            f"cd / && echo {encoded} | base64 -d | PGOPTIONS={shlex.quote(f'{session_options()} {options}')} "
            "setpriv --reuid=postgres --regid=postgres --init-groups "
            f"{self._psql} -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d {shlex.quote(database)} -f -"
        )

    def output(self, script: str, database: str = "postgres") -> list[str]:
        """The lines that a script prints; fails with psql's message where it does not run through."""
        result = self.run(script, database)
        assert result.rc == 0, result.stderr.strip()
        return [line for line in str(result.stdout).splitlines() if line]

    def rows(self, query: str, database: str = "postgres") -> list[dict[str, Any]]:
        """The rows of a query."""
        lines = self.output(f"SELECT coalesce(json_agg(r), '[]') FROM ({query}) AS r", database)
        rows: list[dict[str, Any]] = json.loads("".join(lines))
        return rows

    def value(self, expression: str, database: str = "postgres") -> str:
        """One value as text."""
        return "\n".join(self.output(f"SELECT {expression}", database))
