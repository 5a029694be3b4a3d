"""Event stores for the SQL tests: databases of their own, made from the files in ``sql/``, on real servers."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from deploy.database.declared import attributes
from deploy.model.event_stores import APPLICATION_ROLE, OWNER_ROLE
from deploy.model.logins import Logins
from deploy.schema import catalogue

from ..deployment import init_pid

#: Names of the tests' databases; the schema refers to its own database by name nowhere.
PREFIX = "event_store_test_"
_EFFECTIVE_USER = threading.Lock()
#: The root folder of each container, by its name.
_INSIDE: dict[str, Path] = {}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that the tests may use as its superuser.

    ``container`` names the one that the server is in, if it is in one. There the account that is called like the role is
    let in without a password, over the socket.
    """

    parameters: dict[str, Any]
    container: str = ""

    @classmethod
    def at(cls, dsn: str) -> "Server":
        """A server that is reached without further ado."""
        return cls(psycopg.conninfo.conninfo_to_dict(dsn))

    @classmethod
    def in_container(cls, name: str) -> "Server":
        """The server in a container of this machine."""
        return cls({"user": "postgres"}, name)

    def connect(self, database: str = "postgres", **options: Any) -> "psycopg.Connection[Any]":
        """A connection as the superuser; autocommit unless said otherwise."""
        with self.reached() as parameters:
            return psycopg.connect(**{"autocommit": True, **parameters, "dbname": database, **options})

    def inside(self) -> tuple[Path, int]:
        """The container's root folder as seen from this machine, and the user id that the role's account has here."""
        root = _INSIDE.get(self.container, Path("-"))
        if not root.exists():  # A test may have restarted the container.
            root = _INSIDE[self.container] = Path(f"/proc/{init_pid(self.container)}/root")
        accounts = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
        ids = {name: int(user_id) for name, _, user_id, *_ in accounts}
        return root, root.stat().st_uid + ids[self.parameters["user"]]

    @contextmanager
    def reached(self) -> Iterator[dict[str, Any]]:
        """Connection parameters that hold inside the block; for threads of this process, one block at a time."""
        if not self.container:
            yield self.parameters
            return
        with _EFFECTIVE_USER:
            # The server asks the kernel who is at the other end of the socket. The folder is opened as root, because
            # another user may not go through /proc/PID/root.
            root, user_id = self.inside()
            folder = os.open(root / "run/postgresql", os.O_PATH)
            os.seteuid(user_id)
            try:
                yield {**self.parameters, "host": f"/proc/self/fd/{folder}"}
            finally:
                os.seteuid(0)
                os.close(folder)

    def have_roles(self) -> None:
        """What the deploy makes outside of any database; a server that it deployed has them."""
        with self.connect() as connection:
            for role, wanted in attributes(Logins(), pooled=False).items():
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    login = "LOGIN" if wanted.get("LOGIN") else "NOLOGIN"
                    connection.execute(f"CREATE ROLE {role} {login}")

    def create(self, name: str, template: str = "template0") -> "Store":
        """A new database with the privileges of a deployed one, as a copy of ``template``."""
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(**names))
            grant = f"GRANT CREATE, TEMPORARY ON DATABASE {{name}} TO {OWNER_ROLE}"
            connection.execute(sql.SQL(grant).format(**names))
            connection.execute(sql.SQL(f"ALTER DATABASE {{name}} OWNER TO {APPLICATION_ROLE}").format(**names))
        return Store(self, name)

    def drop(self, name: str) -> None:
        """Remove a database of the tests, whoever is connected, and whatever is prepared in it."""
        assert name.startswith(PREFIX)
        with self.connect() as connection:
            prepared = "SELECT gid FROM pg_prepared_xacts WHERE database = %s"
            left = [row[0] for row in connection.execute(prepared, [name]).fetchall()]
        if left:
            with self.connect(name) as connection:
                for gid in left:
                    connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(gid))
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass
class Store:
    """A database with the schema of this checkout."""

    server: Server
    name: str
    _opened: list["psycopg.Connection[Any]"] = field(default_factory=list)

    def connect(self, role: str = APPLICATION_ROLE, **options: Any) -> "psycopg.Connection[Any]":
        """A session of ``role``, as if it had logged in; closed with the store."""
        connection = self.server.connect(self.name, **options)
        self._opened.append(connection)
        if role != "postgres":
            # A superuser may take another identity for a session; session_user and all privileges are the role's then.
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
            if not connection.autocommit:
                connection.commit()
        return connection

    @property
    def version(self) -> int:
        """The server's major version."""
        with self.server.connect() as connection:
            return connection.info.server_version // 10_000

    def build(self) -> None:
        """Make the schema, from the files of this checkout."""
        with self.server.connect(self.name, autocommit=False) as connection:
            connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            connection.execute("SET LOCAL check_function_bodies = off")
            connection.execute(catalogue.load().build)

    def close(self) -> None:
        """Close what was opened here."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()


def new_name() -> str:
    """A name for a database of this run."""
    return f"{PREFIX}{os.getpid()}_{uuid4().hex[:8]}"


def remove_leftovers(server: Server) -> None:
    """Databases of test runs that are over."""
    with server.connect() as connection:
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()]
    for name in names:
        match = re.fullmatch(rf"{PREFIX}(\d+)_[0-9a-f]+", name)
        if match and not Path(f"/proc/{match[1]}").exists():
            server.drop(name)
