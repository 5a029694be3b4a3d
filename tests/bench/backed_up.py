"""A store with a repository for its backups, and what is done to both: filled, backed up, restored beside its data, lost."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from deployed.deployment import inside
from deployed.sql.stores import Server

from deploy.model.event_stores import DATABASE
from examples.portfolio import AGGREGATE_TYPE

from .inventories import REPOSITORY, STORE, Inventory
from .stores.base import payload
from .stores.event_store import EventStore

_AS_POSTGRES: Final = "cd /; setpriv --reuid=postgres --regid=postgres --init-groups"
#: Where restores and plain copies go, on the volume of the store.
_BESIDE: Final = "/srv/postgresql/bench"
_RESTORED, _COPIED = f"{_BESIDE}/restored", f"{_BESIDE}/copied"
#: Events of one transaction of `Backed.fill`.
_BATCH: Final = 50_000
_APPEND: Final = "SELECT event_id FROM event_store.append_event('Account', gen_random_uuid(), 0, 'Noted', '{}')"


@dataclass(frozen=True)
class Backup:
    """What a backup took, by pgBackRest's own record."""

    seconds: float
    #: Bytes in the repository that are this backup's own.
    size: int


@dataclass
class Backed:
    """The store, by name `STORE`, and its repository."""

    inventory: Inventory
    filled: int = 0

    def connect(self) -> "psycopg.Connection[Any]":
        """The superuser's connection."""
        return Server.in_container(STORE).connect(DATABASE)

    def fill(self, events: int) -> None:
        """Add so many events as they are stored, behind the back of the functions that append."""
        with self.connect() as connection:
            for first in range(self.filled, self.filled + events, _BATCH):
                last = min(first + _BATCH, self.filled + events) - 1
                values = {"type": AGGREGATE_TYPE, "payload": payload(), "first": first, "last": last}
                connection.execute(EventStore.fill_statement, values)
        self.filled += events

    def wait_for_the_worker(self) -> None:
        """Until the projections have everything."""
        with self.connect() as connection:
            while True:
                row = connection.execute(
                    "SELECT coalesce(max(events_behind), 0) FROM event_store.projection_lag()"
                ).fetchone()
                if row and row[0] == 0:
                    return
                time.sleep(1)

    def begin_anew(self) -> None:
        """Replace both containers by new ones, with a first backup of an empty store."""
        for name in (STORE, REPOSITORY):
            self.inventory.destroy(name)
        self.inventory.deploy()
        self.filled = 0
        while not self._backups():
            time.sleep(1)

    def settle(self) -> None:
        """Write everything out, so that what is measured next begins with nothing to do."""
        with self.connect() as connection:
            connection.execute("VACUUM ANALYZE event_store.events")
            connection.execute("CHECKPOINT")

    def back_up(self, kind: str) -> Backup:
        """Make a backup; ``kind`` as pgBackRest calls it."""
        self.start(kind)
        last = self._backups()[-1]
        assert last["type"] == kind, last
        return Backup(last["timestamp"]["stop"] - last["timestamp"]["start"], last["info"]["repository"]["delta"])

    def start(self, kind: str) -> None:
        """Make a backup, as its timer does."""
        inside(REPOSITORY, f"{_AS_POSTGRES} event-store-backups backup {kind}")

    def _backups(self) -> list[dict[str, Any]]:
        info = f"{_AS_POSTGRES} pgbackrest --stanza={STORE} --output=json --log-level-console=off info"
        listed: list[dict[str, Any]] = json.loads(inside(REPOSITORY, info))[0]["backup"]
        return listed

    def data_size(self) -> int:
        """Bytes of what is restored and copied."""
        return int(inside(STORE, f"du -sb {_RESTORED} | cut -f1"))

    def restore(self) -> float:
        """Restore the newest backup beside the data, from a cold cache to the disk; returns the seconds."""
        inside(STORE, f"rm -rf {_RESTORED}; install -d -m 700 -o postgres -g postgres {_BESIDE} {_RESTORED}")
        line = f"pgbackrest --stanza={STORE} --pg1-path={_RESTORED} --log-level-console=warn restore"
        return _cold(f"{_AS_POSTGRES} {line}; sync -f {_RESTORED}")

    def copy(self) -> float:
        """Copy what was restored last in the same way; returns the seconds."""
        inside(STORE, f"rm -rf {_COPIED}")
        return _cold(f"cp -a {_RESTORED} {_COPIED}; sync -f {_COPIED}")

    def clean(self) -> None:
        """Remove both."""
        inside(STORE, f"rm -rf {_BESIDE}")

    @contextmanager
    def without_archiving(self) -> Iterator[None]:
        """Have WAL thrown away, as without backups. What is archived later is of no use: that is the last thing to measure."""
        self._set("ALTER SYSTEM SET archive_command = '/bin/true'")
        try:
            yield
        finally:
            self._set("ALTER SYSTEM RESET archive_command")

    def _set(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")

    def lose(self) -> datetime:
        """Kill the container and remove its data volume; returns when it was killed."""
        killed = datetime.now(UTC)
        subprocess.run(["lxc-stop", "-n", STORE, "-k"], check=True)
        self.inventory.destroy(STORE)
        return killed

    def bring_back(self) -> None:
        """As an operator does: deploy, which ends by saying of what cluster the backups are, and restore."""
        self.inventory.deploy_refused("has backups of another cluster")
        self.inventory.restore(STORE)

    def events(self) -> set[str]:
        """The ids of all events."""
        with self.connect() as connection:
            return {str(row[0]) for row in connection.execute("SELECT event_id FROM event_store.events")}


class Acknowledged:
    """Somebody who appends 50 events a second until the store is gone, and notes outside what was acknowledged, and when."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self.log: dict[str, datetime] = {}
        self._thread = threading.Thread(target=self._append)

    def __enter__(self) -> Mapping[str, datetime]:
        self._thread.start()
        return self.log

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _append(self) -> None:
        try:
            with psycopg.connect(
                self._conninfo, autocommit=True, keepalives_idle=5, tcp_user_timeout=5000
            ) as connection:
                while True:
                    row = connection.execute(_APPEND).fetchone()
                    assert row
                    self.log[str(row[0])] = datetime.now(UTC)
                    time.sleep(0.02)
        except psycopg.OperationalError:
            return


def _cold(script: str) -> float:
    """Run a script in the store's container with nothing in the host's cache; returns the seconds."""
    subprocess.run(["sync"], check=True)
    Path("/proc/sys/vm/drop_caches").write_text("3")
    started = time.perf_counter()
    inside(STORE, f"set -e; {script}")
    return time.perf_counter() - started
