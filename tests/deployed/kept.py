"""A store and the repository of its backups, as the tests of both use them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from deploy.certificates.keys import PASSPHRASE

from .deployment import ROOT, Deployment, inside, run, sql
from .locks import turn_lock

SECRET = {PASSPHRASE: "correct horse battery"}
AS_POSTGRES = "cd /; setpriv --reuid=postgres --regid=postgres --init-groups"
ARCHIVE = "/srv/backups/repository/archive"
#: Longer than archive_timeout, a backup of a small store, and a restore of it on a machine with other work.
PATIENCE = 120


#: What runs a deploy, which takes its turn on the host.
_CHANGING: Final = ("deploy", "restore", "discard")


class Kept:
    """A store and the repository of its backups."""

    def __init__(self, deployment: Deployment, store: str, repository: str) -> None:
        self.deployment, self.store, self.repository = deployment, store, repository

    def apply(self, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.deployment.pyinfra("-y", check=check, env=SECRET)

    def command(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`event-store NAME`."""
        line = [sys.executable, "-m", "deploy.commands", name, "-i", self.deployment.inventory, *arguments]
        with turn_lock() if name in _CHANGING else nullcontext():
            return run(*line, check=False, env=os.environ | SECRET)

    def program(self, *arguments: str) -> tuple[int, str]:
        """The program in the repository's container: exit status, and what it says."""
        line = f"{AS_POSTGRES} /usr/local/sbin/event-store-backups {' '.join(arguments)} 2>&1; echo status $?"
        said, _, status = inside(self.repository, line).rpartition("status ")
        return int(status), said.strip()

    def rows(self) -> dict[str, tuple[str, str]]:
        """What `make status` says of backups: kind → state and detail."""
        rows = json.loads(self.command("status", "--json").stdout)["rows"]
        return {row["kind"]: (row["state"], row["detail"]) for row in rows if row["kind"] in ("backups", "archive")}

    def append(self, count: int = 5) -> None:
        """As many events of one aggregate."""
        with self.deployment.connect(self.store) as connection:
            connection.execute(
                "SELECT event_store.append_events('Account', gen_random_uuid(), 0, (SELECT jsonb_agg(jsonb_build_object("
                "'event_type', 'Noted', 'event_data', '{}'::jsonb)) FROM generate_series(1, %s)))",
                [count],
            )

    def note(self) -> str:
        """Append one event; its id, once it is acknowledged."""
        with self.deployment.connect(self.store) as connection:
            row = connection.execute(
                "SELECT event_id FROM event_store.append_event('Account', gen_random_uuid(), 0, 'Noted', '{}')"
            ).fetchone()
        assert row is not None
        return str(row[0])

    def events(self) -> set[str]:
        return {*sql(self.store, "SELECT event_id FROM event_store.events").split()}

    def cursor(self) -> str:
        """That of the newest event."""
        return sql(
            self.store,
            "SELECT event_store.cursor_of(e) FROM event_store.events e ORDER BY transaction_id DESC, global_position DESC LIMIT 1",
        )

    def switch(self) -> None:
        """Begin another segment, and wait until the one before is in the archive."""
        done = sql(self.store, "SELECT pg_walfile_name(pg_switch_wal() - 1)")
        until(lambda: done in self.archived())

    def archived(self) -> str:
        return inside(self.repository, f"find {ARCHIVE} -name '*-*'")


def now(kept: Kept) -> str:
    """By the store's clock, as a restore takes it."""
    return sql(kept.store, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")


def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something is true."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)


def forget(name: str) -> None:
    for path in (ROOT / ".secrets").glob(f"{name}.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def flip(kept: Kept, file: str) -> None:
    inside(
        kept.repository,
        f"cp -a {file} /srv/backups/whole; printf X | dd of={file} bs=1 seek=100 conv=notrunc 2>/dev/null",
    )


def restore(kept: Kept, file: str) -> None:
    inside(kept.repository, f"mv -f /srv/backups/whole {file}")
