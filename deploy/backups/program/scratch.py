"""A scratch cluster: an event store's backups restored beside the repository or a copy, to be looked at and thrown away.

It is no event store: it archives nothing, has no worker, and nobody but PostgreSQL's own user can connect to it.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import pgbackrest
from .pgbackrest import BackupError
from .segments import SEGMENT_SIZE, position
from .volume import VOLUME
from .wal import Archive

FOLDER = VOLUME / "scratch"
#: What the event store's data need beside themselves: WAL that is replayed, and what checks write.
_ROOM = 1024**3
#: With the key, where the repository is; elsewhere its own side says it.
_KEY = Path("/etc/pgbackrest/conf.d")
#: Seconds to wait for the server to stop.
_STOP = 300
_SERVER = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
hba_file = '{folder}/hba.conf'
ident_file = '{folder}/ident.conf'
port = 5432
shared_buffers = '{buffers}MB'
maintenance_work_mem = '{buffers}MB'
max_connections = 20
max_wal_size = '1GB'
jit = off
fsync = off
full_page_writes = off
archive_mode = off
hot_standby = off
autovacuum = off
logging_collector = off
log_min_messages = 'log'
"""


class Scratch:
    """A restored copy of one event store."""

    def __init__(self, stanza: str, found: dict[str, Any]) -> None:
        """``found``: what `pgbackrest info` says of the event store. Raises `BackupError` if it has no backup."""
        archive = Archive(stanza, found)
        backups = archive.backups(found)
        if not backups:
            raise BackupError(f"{stanza} is not backed up, or not since it was restored; make a backup")
        self.stanza = stanza
        self._label = backups[-1]["label"]
        self.size = int(backups[-1]["info"]["size"])
        self._newest = archive.segments[-1]
        self._programs = f"/usr/lib/postgresql/{found['db'][-1]['version']}/bin"
        self._folder = FOLDER / stanza
        self.data = self._folder / "data"

    def refuse_without_room(self) -> None:
        """Raises `BackupError` before anything is written."""
        self.remove()
        free, needed = shutil.disk_usage(FOLDER).free, self.size + _ROOM
        if free < needed:
            raise BackupError(
                f"{self.stanza}: a restored copy needs {needed // 1024**2} MiB, and the data volume has {free // 1024**2} MiB "
                "left; give the container more disk"
            )

    def restore(self) -> float:
        """Restore the newest backup; returns the seconds that it took. Raises `BackupError`."""
        self._folder.mkdir(mode=0o700)
        self.data.mkdir(mode=0o700)
        files = [f"--config={self._configuration()}"]
        files += [f"--config-include-path={_KEY}"] if _KEY.is_dir() else []
        # What cannot be fetched is no end of the WAL: see fetch_command() of the deploy.
        fetch = " ".join(["pgbackrest", *files, f"--stanza={self.stanza}", 'archive-get %f "%p"'])
        fetch += " || { [ $? = 1 ] && exit 1; exit 255; }"
        options = [
            *files,
            f"--pg1-path={self.data}",
            f"--set={self._label}",
            f"--recovery-option=restore_command={fetch}",
        ]
        began = time.monotonic()
        status, text = pgbackrest.said(
            self.stanza, *options, "--archive-mode=off", "--log-level-console=warn", "restore"
        )
        if status:
            raise BackupError(f"{self.stanza}: the restore failed: {text.strip()}")
        return time.monotonic() - began

    def _configuration(self) -> Path:
        """pgBackRest's, of an event store that is here and not elsewhere."""
        file = self._folder / "pgbackrest.conf"
        lines = [f"{name}={value}" for name, value in pgbackrest.settings().items() if not name.startswith("tls-")]
        file.write_text(
            "\n".join(["[global]", *lines, f"[{self.stanza}]", f"pg1-path={self.data}", ""]), encoding="utf-8"
        )
        return file

    @contextlib.contextmanager
    def running(self) -> Iterator[float]:
        """Have a server on the copy that has replayed all WAL; the value is the seconds that this took.

        Raises `BackupError` with what the server says if it ends before.
        """
        configuration, log = self._folder / "postgresql.conf", self._folder / "log"
        (self._folder / "hba.conf").write_text("local all postgres peer\n", encoding="ascii")
        (self._folder / "ident.conf").touch()
        configuration.write_text(_SERVER.format(folder=self._folder, buffers=_buffers()), encoding="utf-8")
        began = time.monotonic()
        with log.open("w") as output:
            command = [f"{self._programs}/postgres", "-D", str(self.data), "-c", f"config_file={configuration}"]
            server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            while self._in_recovery():
                if server.poll() is not None:
                    raise BackupError(f"{self.stanza}: the restored server ended: {log.read_text()[-2000:].strip()}")
                time.sleep(0.2)
            yield time.monotonic() - began
        finally:
            server.terminate()
            try:
                server.wait(_STOP)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def _in_recovery(self) -> bool:
        """Whether it takes no statements yet; one that still recovers lets nobody in, as hot_standby is off."""
        done = self._psql("SELECT pg_is_in_recovery()", "postgres")
        return done.returncode != 0 or done.stdout.strip() != "f"

    def missed(self) -> Iterator[str]:
        """What of the archive was not replayed: PostgreSQL takes a segment that is missing for the end."""
        [row] = self.query("SELECT pg_last_wal_replay_lsn()", "postgres")
        if not row or position(row) < self._newest.number * SEGMENT_SIZE:
            yield f"recovery ended at {row or 'no place'}, before {self._newest.name(SEGMENT_SIZE)}, which is in the archive"

    def query(self, sql: str, database: str) -> list[str]:
        """The rows, with ``|`` between columns. Raises `BackupError`."""
        done = self._psql(sql, database)
        if done.returncode:
            raise BackupError(f"{self.stanza}: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def show(self, sql: str, database: str) -> int:
        """Print the rows, however many; returns psql's exit status."""
        return subprocess.run(self._command(database), input=sql, text=True, check=False).returncode

    def _psql(self, sql: str, database: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self._command(database), input=sql, capture_output=True, text=True, check=False)

    def _command(self, database: str) -> list[str]:
        options = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self._folder), "-d", database, "-f", "-"]
        return [f"{self._programs}/psql", *options]

    def program(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run one of PostgreSQL's programs; its exit status, and what it says."""
        done = subprocess.run(
            [f"{self._programs}/{name}", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    @property
    def socket(self) -> str:
        """Where the server can be reached while it runs."""
        return str(self._folder)

    def remove(self) -> None:
        """Remove the copy, also one that a killed drill has left."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._folder.exists():
            raise BackupError(f"{self._folder} cannot be removed")


def _buffers() -> int:
    """MiB for the server's buffers: an eighth of what the container may use."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        memory = int(limit)
    except (OSError, ValueError):
        memory = 1024**3
    return max(memory // 8 // 1024**2, 32)
