"""Servers of a test's own, beside the one that was deployed: in its container, as its user, with its programs.

For what nobody may do to a deployed server: lose its last commits, put back a copy of its files, promote its standby.
"""

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import psycopg

from deploy.model.event_stores import APPLICATION_ROLE

from ..containers import ADDRESSES
from .stores import PREFIX, Server, Store

#: Inside the container.
_PLACE: Final = "/var/tmp"
_SETTINGS: Final = """
listen_addresses = '*'
max_connections = 40
shared_buffers = 16MB
max_wal_size = 64MB
min_wal_size = 32MB
max_prepared_transactions = 2
fsync = off
jit = off
autovacuum = off
# What is committed without being flushed is certainly lost in a crash.
wal_writer_delay = 10s
ssl = off
wal_level = replica
hot_standby = on
# Promotion does not wait for what will not come.
wal_retrieve_retry_interval = 100ms
recovery_target_action = promote
archive_mode = on
"""


def run(server: Server, script: str) -> list[str]:
    """The output of a shell script that runs where the server is, as its user."""
    with server.connect() as connection:
        connection.execute("CREATE TEMPORARY TABLE output (line text)")
        program = psycopg.sql.Literal(f"( set -e; cd /; {script} ) 2>&1; echo $?")
        copy = psycopg.sql.SQL("COPY output FROM PROGRAM {} (DELIMITER E'\\x01')").format(program)
        connection.execute(copy)
        *lines, status = [row[0] for row in connection.execute("SELECT line FROM output").fetchall()]
    assert status == "0", "\n".join([script, *lines])
    return lines


@dataclass(frozen=True)
class Cluster:
    """A server in a folder of its own."""

    host: Server
    folder: str
    port: int
    password: str

    @cached_property
    def programs(self) -> str:
        """The folder of PostgreSQL's programs."""
        with self.host.connect() as connection:
            row = connection.execute("SELECT setting FROM pg_config() WHERE name = 'BINDIR'").fetchone()
        assert row
        return str(row[0])

    @cached_property
    def server(self) -> Server:
        """The server, for whoever connects from this machine."""
        address = ADDRESSES[self.host.container] if self.host.container else self.host.parameters["host"]
        parameters = {"host": address, "port": self.port, "user": "postgres", "password": self.password}
        return Server(parameters)

    @cached_property
    def store(self) -> Store:
        """The event store in it."""
        return Store(self.server, "store")

    def conninfo(self) -> str:
        """For the application."""
        parameters = {**self.server.parameters, "user": APPLICATION_ROLE, "dbname": self.store.name}
        return psycopg.conninfo.make_conninfo(**parameters)

    def sh(self, script: str) -> list[str]:
        """Run a script; ``$bin`` and ``$data`` are the programs and the data."""
        return run(self.host, f"bin={self.programs}; data={self.folder}/data; {script}")

    def configure(self, settings: str) -> None:
        """Add lines to the configuration."""
        self.sh(f"cat >> $data/postgresql.conf <<'END'\n{settings}\nEND\n")

    def start(self) -> None:
        """Start it, and wait until it can be written to, or is a standby that can be read."""
        self.sh(
            f"mkdir -p {self.folder}/archive; "
            f"$bin/pg_ctl -D $data -w -t 60 -l {self.folder}/log "
            f"-o '-p {self.port} -k {self.folder} -c archive_command=\"cp %p {self.folder}/archive/%f\"' start "
            f"> /dev/null < /dev/null || {{ tail -20 {self.folder}/log; exit 1; }}"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate`` = it crashes."""
        self.store.close()
        self.sh(f"$bin/pg_ctl -D $data -m {mode} -w stop > /dev/null")

    def set_next_id(self, number: int) -> None:
        """Have the next transaction this id, epoch included. It is stopped, before and after."""
        reached = 0
        # In steps, all frozen in between, so that nothing comes near a wrap-around.
        while reached < number:
            reached = min(reached + 2**30, number)
            low = max(reached % 2**32, 3)
            self.sh(
                f"segment=$data/pg_xact/{low >> 20:04X}; touch $segment; truncate -s 262144 $segment; "
                f"$bin/pg_resetwal -f -e {reached >> 32} -x {low} -D $data > /dev/null"
            )
            self.start()
            with self.server.connect() as admin:
                admin.execute("UPDATE pg_database SET datallowconn = true")
            self.sh(f"$bin/vacuumdb -h {self.folder} -p {self.port} -U postgres --all --freeze --quiet")
            self.stop()

    def promote(self) -> None:
        """Make a primary of a standby."""
        self.sh("$bin/pg_ctl -D $data -w promote > /dev/null")

    def copy(self, other: "Cluster") -> None:
        """Make the files of another cluster the same as the present ones of this one."""
        other.sh(f"rm -rf $data; mkdir -p {other.folder}; cp -a {self.folder}/data $data; rm -f $data/postmaster.pid")

    def back_up(self, other: "Cluster", *, standby: bool = False) -> None:
        """A copy of the running server for another one, which is a standby or waits for a target."""
        other.sh(
            f"rm -rf $data; mkdir -p {other.folder}; "
            f"$bin/pg_basebackup -h {self.folder} -p {self.port} -U postgres -c fast -D $data {'-R' if standby else ''}"
        )

    def kill(self, pid: int) -> None:
        """Kill a process that holds the shared memory: all of it is thrown away, and the postmaster goes on."""
        self.sh(
            f"kill -9 {pid}; until grep -q 'all server processes terminated' {self.folder}/log; do sleep 0.02; done"
        )
        self.store.close()
        self.sh(f"until $bin/pg_isready -q -h {self.folder} -p {self.port}; do sleep 0.02; done")


class Clusters:
    """The clusters of a test run on one server: copies of one with an empty event store, removed in the end."""

    def __init__(self, host: Server) -> None:
        self._host, self._numbers = host, itertools.count(1)
        self.folder = f"{_PLACE}/{PREFIX}{os.getpid()}"
        self._password = secrets.token_urlsafe(16)
        self._running: list[Cluster] = []
        self.origin = self._new("origin")

    def build(self) -> None:
        """Make the cluster that all others are copies of."""
        one = self.origin
        self.create(one)
        one.server.create(one.store.name)
        one.store.build()
        one.stop()

    def initialize(self, one: Cluster) -> None:
        """Make an empty cluster, with an identifier of its own."""
        one.sh(
            f"mkdir -p {one.folder}; umask 077; printf %s {one.password} > {one.folder}/word; "
            f"$bin/initdb -D $data -U postgres -E UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 "
            f"--pwfile={one.folder}/word --data-checksums > /dev/null; "
            "echo 'host all all 0.0.0.0/0 scram-sha-256' >> $data/pg_hba.conf"
        )
        one.configure(_SETTINGS)

    def create(self, one: Cluster) -> None:
        """Make an empty cluster with the store's roles, and start it."""
        self.initialize(one)
        one.start()
        one.server.have_roles()
        with one.server.connect() as connection:
            connection.execute(
                psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    psycopg.sql.Identifier(APPLICATION_ROLE), psycopg.sql.Literal(one.password)
                )
            )

    def _new(self, name: str) -> Cluster:
        number = next(self._numbers)
        return Cluster(self._host, f"{self.folder}/{number}{name}", 6000 + number, self._password)

    @contextmanager
    def cluster(self, name: str, password: str = "") -> Iterator[Cluster]:
        """A cluster without files yet; removed at the end. ``password``: of a cluster whose files it will have."""
        one = self._new(name)
        if password:
            one = replace(one, password=password)
        try:
            yield one
        finally:
            one.store.close()
            one.sh(f"$bin/pg_ctl -D $data -m immediate -w stop > /dev/null || true; rm -rf {one.folder}")

    @contextmanager
    def running(self, name: str) -> Iterator[Cluster]:
        """A copy of the origin that has started."""
        with self.cluster(name) as one:
            self.origin.copy(one)
            one.start()
            yield one

    def remove(self) -> None:
        """Remove everything of this run."""
        run(self._host, f"rm -rf {self.folder}")


def remove_leftovers(host: Server) -> None:
    """Clusters of test runs that were killed."""
    for line in run(host, f"ls -d {_PLACE}/{PREFIX}*/*/data 2> /dev/null || true"):
        pid = line.split(PREFIX)[1].split("/")[0]
        if not Path(f"/proc/{pid}").exists():
            one = replace(Clusters(host).origin, folder=line.removesuffix("/data"))
            one.sh("$bin/pg_ctl -D $data -m immediate -w stop > /dev/null || true")
            run(host, f"rm -rf {_PLACE}/{PREFIX}{pid}")
