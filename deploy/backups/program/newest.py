"""The newest state that the backups have, restored aside for a question that the event store itself does not answer."""

import sys

from . import pgbackrest
from .drill import DATABASE
from .pgbackrest import BackupError
from .scratch import Scratch


def ask(stanza: str, sql: str) -> int:
    """Print the rows of a query, as they come; returns psql's exit status. Raises `BackupError`."""
    scratch = Scratch(stanza, pgbackrest.info(stanza).get(stanza, {}))
    try:
        scratch.refuse_without_room()
        print(f"{stanza}: restoring the newest state aside, {scratch.size // 1024**2} MiB", file=sys.stderr, flush=True)
        scratch.restore()
        with scratch.running():
            for missed in scratch.missed():
                raise BackupError(f"{stanza}: {missed}; so what is the newest is not known")
            return scratch.show(sql, DATABASE)
    finally:
        scratch.remove()
