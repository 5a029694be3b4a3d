"""The server that the stores are measured on: each in a database of its own, all on one server, reached in one way.

It is the one of the first of the benchmarks' containers, as deployed. ``EVENT_STORE_BENCH_SERVER``, a superuser's DSN,
names another one while the benchmarks themselves are being worked on: such figures are no figures.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from deployed.sql.stores import Server, new_name

TRIAL: Final = os.environ.get("EVENT_STORE_BENCH_SERVER", "")
#: Stores are compared as they keep what they have acknowledged.
DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_SHOWN: Final = ("server_version", "shared_buffers", "max_wal_size", "data_checksums", "jit", *DURABLE)


@dataclass(frozen=True)
class BenchServer:
    """A server with a superuser's way in, for this process and for programs."""

    server: Server
    #: The container that it runs in; empty in a trial.
    container: str = ""

    def connect(self, database: str, **options: Any) -> "psycopg.Connection[Any]":
        """A connection of the superuser; each statement is a transaction unless told otherwise."""
        return self.server.connect(database, **options)

    def create(self, template: str = "template0") -> str:
        """A new database; its name. Those of a run that was killed are removed by the next one."""
        return self.server.create(new_name(), template).name

    def build(self) -> str:
        """A new database with the schema in sql/, as a deploy makes it; its name."""
        store = self.server.create(new_name())
        store.build()
        return store.name

    def drop(self, database: str) -> None:
        """Remove a database of the benchmarks."""
        self.server.drop(database)

    def settings(self) -> dict[str, str]:
        """What of the server's settings the figures depend on; an error where a store could lose what it acknowledged."""
        with self.connect("postgres") as connection:
            rows = connection.execute(
                "SELECT name, setting, unit FROM pg_settings WHERE name = ANY(%s)", [list(_SHOWN)]
            )
            found = {name: f"{setting}{' x ' + unit if unit else ''}" for name, setting, unit in rows.fetchall()}
        assert {name: found[name] for name in DURABLE} == DURABLE
        return {name: found[name] for name in _SHOWN}

    @contextmanager
    def program(
        self, database: str, command: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
    ) -> "Iterator[subprocess.Popen[str]]":
        """Start a program of this machine that finds the database in its PG… variables; killed at the end if it still runs.

        In a container only its own postgres is let in, over the socket. The program gets that user's id and the socket's
        folder as an open descriptor, because another user may not go through /proc/PID/root; and it may still read the
        checkout, wherever that is.
        """
        server, folder = self.server, None
        wanted = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        variables = {wanted[key]: str(value) for key, value in server.parameters.items() if key in wanted}
        prefix: list[str] = []
        if server.container:
            root, user_id = server.inside()
            folder = os.open(root / "run/postgresql", os.O_PATH)
            variables["PGHOST"] = f"/proc/self/fd/{folder}"
            capability = "-all,+dac_read_search"
            identity = [f"--reuid={user_id}", f"--regid={user_id}", "--clear-groups"]
            prefix = ["setpriv", *identity, f"--inh-caps={capability}", f"--ambient-caps={capability}", "--"]
        variables["PGDATABASE"] = database
        try:
            started = subprocess.Popen(
                [*prefix, *command],
                env={**os.environ, **variables, **(environment or {})},
                pass_fds=[] if folder is None else [folder],
                text=True,
                **options,
            )
        finally:
            if folder is not None:
                os.close(folder)
        try:
            yield started
        finally:
            started.kill()
            started.wait()
            for pipe in (started.stdout, started.stderr):
                if pipe is not None:
                    pipe.close()

    def run(
        self, database: str, command: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
    ) -> str:
        """Run a program to its end; its standard output."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        with self.program(database, command, environment, **pipes) as started:
            output, errors = started.communicate()
        assert started.returncode == 0, f"{' '.join(command)}\n{output[-3000:]}\n{errors[-3000:]}"
        return output

    def beside_the_server(self, database: str) -> list[str]:
        """What a command begins with that runs where the server is, as its superuser: pgbench is there, not here."""
        if self.container:
            path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
            attach = ["lxc-attach", "-n", self.container, "--clear-env", "--set-var", path, "--", "setpriv"]
            return [*attach, "--reuid=postgres", "--regid=postgres", "--clear-groups", "env", f"PGDATABASE={database}"]
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        found = [f"{names[key]}={value}" for key, value in self.server.parameters.items() if key in names]
        return ["env", *found, f"PGDATABASE={database}"]

    def pgbench_program(self) -> str:
        """pgbench, of the server's own version where it is beside the server."""
        if not self.container:
            return "pgbench"
        with self.connect("postgres") as connection:
            return str(Path("/usr/lib/postgresql") / str(connection.info.server_version // 10_000) / "bin" / "pgbench")
