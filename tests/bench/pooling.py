"""One store, reached directly and by way of its pooler: the same load, from this machine over TLS, as the application."""

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from examples.portfolio import AGGREGATE_TYPE

from .stores.base import payload
from .stores.event_store import EventStore

_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
_PROCESSED: Final = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_APPEND: Final = "SELECT event_id FROM event_store.append_event(%s, %s, 0, 'Happened', '{}')"
_COUNTING: Final = threading.Lock()
_PER_SECOND: Final = re.compile(r"^tps = ([\d.]+) ", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What one run of pgbench has done; it ends with an error if a single transaction fails."""

    processed: int
    per_second: float
    #: Milliseconds that each transaction took; at a fixed rate from when it was due.
    latencies: Sequence[float]


@dataclass(frozen=True)
class Way:
    """A way to the store, and how statements are sent on it: as the Python client does, which prepares only without a pooler."""

    name: str
    conninfo: str
    protocol: str

    def append(self, clients: int, *, seconds: int = 0, each: int = 0, rate: int = 0) -> Load:
        """Append single events with so many clients, for some seconds, in which they also connect, or ``each`` so many.

        ``rate``: so many a second altogether; 0 = as many as can be.
        """
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "script")
            script.write_text(EventStore.append_script)
            command = ["pgbench", "-n", "-M", self.protocol, "-c", str(clients), "-j", "2"]
            command += ["-t", str(each)] if each else ["-T", str(seconds)]
            command += ["-l", "--log-prefix", str(Path(folder, "log")), "-f", str(script)]
            command += ["-R", str(rate)] if rate else []
            for name, value in {"type": AGGREGATE_TYPE, "payload": payload(), "run": uuid4(), "n": -1}.items():
                command += ["-D", f"{name}={value}"]
            parts = conninfo_to_dict(self.conninfo)
            environment = {_VARIABLES[key]: str(value) for key, value in parts.items() if key in _VARIABLES}
            done = subprocess.run(
                command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{self.name}: pgbench gave {done.returncode}\n{done.stderr[-3000:]}"
            lines = [line.split() for log in Path(folder).glob("log*") for line in log.read_text().splitlines()]
        processed, per_second = _PROCESSED.search(done.stdout), _PER_SECOND.search(done.stdout)
        assert processed and per_second, f"{self.name}: nobody has appended\n{done.stdout[-2000:]}{done.stderr[-2000:]}"  # noqa: PT018
        return Load(int(processed[1]), float(per_second[1]), [int(line[2]) / 1000 for line in lines])

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of the application."""
        return psycopg.connect(self.conninfo, autocommit=True, prepare_threshold=None)


class Followers:
    """Clients that append one event after the other, and connect anew when there is another conninfo, until the block ends."""

    def __init__(self, conninfo: Callable[[], str], clients: int) -> None:
        self._read, self._clients = conninfo, clients
        self._conninfo = conninfo()
        self._over = threading.Event()
        self._again = 0
        self._threads = ThreadPoolExecutor(clients + 1)
        self._running: list[Future[None]] = []
        self.acknowledged = self.gone_over = 0
        self.failures: list[str] = []

    def __enter__(self) -> "Followers":
        self._running = [self._threads.submit(self._append) for _ in range(self._clients)]
        self._running.append(self._threads.submit(self._follow))
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._threads:
            for running in self._running:
                running.result()

    def go_over(self) -> None:
        """Have all connect once more, which shows them the new certificate; returns when all have."""
        seen = self.gone_over
        self._again += 1
        while self.gone_over < seen + self._clients and not self.failures:
            time.sleep(0.1)

    def _follow(self) -> None:
        while not self._over.wait(0.5):
            self._conninfo = self._read()

    def _append(self) -> None:
        current = None
        try:
            while not self._over.is_set():
                before, current = current, (self._conninfo, self._again)
                with psycopg.connect(current[0], autocommit=True, prepare_threshold=None) as connection:
                    with _COUNTING:
                        self.gone_over += before is not None
                    while not self._over.is_set() and (self._conninfo, self._again) == current:
                        connection.execute(_APPEND, [AGGREGATE_TYPE, uuid4()])
                        with _COUNTING:
                            self.acknowledged += 1
        except psycopg.Error as error:
            self.failures.append(repr(error))


def stored(way: Way) -> int:
    """How many events there are."""
    with way.connect() as connection:
        row = connection.execute("SELECT count(*) FROM event_store.events").fetchone()
        assert row
        return int(row[0])


def memory_of(container: str) -> int:
    """Bytes of a container that cannot be had back: anonymous and shared memory. PostgreSQL's buffers are in the latter."""
    asked = ["lxc-cgroup", "-n", container, "memory.stat"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {name: int(value) for name, value in (line.split() for line in lines if line)}
    # cgroup 2 has the first names, cgroup 1 the others.
    return sum(found[new if new in found else old] for new, old in (("anon", "total_rss"), ("shmem", "total_shmem")))
