"""`make rotate` as a process that can be killed, and clients that follow the documentation meanwhile."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from deploy.commands.connection import choose_event_store, pooled_way_in, way_in
from deploy.commands.dsn_formats import uri
from deploy.model.inventory import read_inventory

from .deployment import ROOT, Deployment
from .locks import turn_lock

APPEND = "SELECT event_id FROM event_store.append_event(%s, %s, 0, 'Happened', '{}')"
#: Seconds that something may take that does happen.
PATIENCE = 120


def until(happens: Callable[[], Any], what: str) -> None:
    """Wait for something; a failure says what did not happen."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Rotation:
    """`event-store rotate`, in a process group of its own."""

    def __init__(
        self, store: Deployment, name: str, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        line = [sys.executable, "-u", "-m", "deploy.commands", "rotate", "-i", store.inventory, "-c", name]
        line += ["--quiet", "0", *arguments]
        self.output = store.folder / f"{uuid.uuid4()}.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                line,
                cwd=ROOT,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | (environment or {}),
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def end(self) -> int:
        """Its exit status."""
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL, also for the pyinfra that it runs."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def until_said(self, text: str) -> None:
        until(lambda: text in self.said or self.process.poll() is not None, f"{text} is not said")
        assert text in self.said, self.said


@contextmanager
def rotation(store: Deployment, name: str, *arguments: str, **options: Any) -> Iterator[Rotation]:
    """One that ends with the block, with the turn of the host."""
    with turn_lock():
        running = Rotation(store, name, *arguments, **options)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.kill()


def rotate(store: Deployment, name: str, *arguments: str, **options: Any) -> tuple[int, str]:
    """Exit status and output."""
    with rotation(store, name, *arguments, **options) as running:
        return running.end(), running.said


def entries(store: Deployment, name: str) -> dict[str, str]:
    """What is stored for a container, in the file of this machine."""
    file = Path(ROOT / ".secrets" / f"{store.name}.json")
    stored: dict[str, str] = json.loads(file.read_text())[f"@lxc/{name}"]
    return stored


@dataclass
class Writers:
    """Clients that append without a pause, each on a connection of its own that it opens with what `make dsn` says then.

    They go over to another connection when they are told to, and pools do so by themselves, all the time.
    """

    store: Deployment
    name: str
    clients: int
    pool_size: int = 0
    pooled: bool = False
    """By way of PgBouncer, as clients have to that may meet any version of it: without prepared statements."""
    errors: list[str] = field(default_factory=list)
    acknowledged: list[uuid.UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settings = read_inventory(self.store.inventory)
        self._store = choose_event_store(self._settings, self.name)
        self._stop = threading.Event()
        self._go_over = [threading.Event() for _ in range(self.clients)]
        self.over = 0

    def conninfo(self) -> str:
        """What a client reads at each connect."""
        way = pooled_way_in if self.pooled else way_in
        return uri(way(self._store, self._settings)) + "&application_name=writers"

    def connect(self) -> "psycopg.Connection[Any]":
        """A new connection; each statement is a transaction."""
        prepared = {"prepare_threshold": None} if self.pooled else {}
        return psycopg.connect(self.conninfo(), autocommit=True, **prepared)

    @contextmanager
    def at_work(self) -> Iterator["Writers"]:
        """All of them are connected, and append until the end of the block."""
        connected = threading.Barrier(self.clients + 1)
        threads = [threading.Thread(target=self._client, args=(connected, go_over)) for go_over in self._go_over]
        with ConnectionPool(
            self.conninfo,
            min_size=self.pool_size,
            max_size=self.pool_size or 1,
            max_lifetime=2,
            open=bool(self.pool_size),
        ) as pool:
            threads += [threading.Thread(target=self._pooled, args=(pool,)) for _ in range(self.pool_size)]
            for thread in threads:
                thread.start()
            try:
                connected.wait(PATIENCE)
                yield self
            finally:
                self._stop.set()
                connected.abort()
                for thread in threads:
                    thread.join()

    def go_over(self) -> None:
        """Each client closes its connection and opens another one; returns when all have.

        One by one: a server knows a moment later only that a client has left.
        """
        for number, go_over in enumerate(self._go_over, 1):
            go_over.set()
            until(lambda number=number: self.over == number or self.errors, "a client does not go over")  # type: ignore[misc]

    def _client(self, connected: threading.Barrier, go_over: threading.Event) -> None:
        try:
            connection = self.connect()
            connected.wait(PATIENCE)
            while not self._stop.is_set() and not go_over.is_set():
                self._append(connection)
            connection.close()
            if go_over.is_set():
                with self.connect() as connection:
                    self.over += 1
                    while not self._stop.is_set():
                        self._append(connection)
        except (psycopg.Error, threading.BrokenBarrierError) as error:
            self.errors.append(repr(error))

    def _pooled(self, pool: ConnectionPool) -> None:
        try:
            while not self._stop.is_set():
                with pool.connection() as connection:
                    self._append(connection)
        except psycopg.Error as error:
            self.errors.append(repr(error))

    def _append(self, connection: "psycopg.Connection[Any]") -> None:
        row = connection.execute(APPEND, ["Rotated", uuid.uuid4()]).fetchone()
        connection.commit()
        assert row is not None
        self.acknowledged.append(row[0])
        time.sleep(0.05)  # the machine has others to serve
