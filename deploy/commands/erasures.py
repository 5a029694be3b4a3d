"""Personal data that are erased now. What is restored to before that has them again, and they are erased in it again."""

import json
from collections.abc import Iterable
from typing import Final

from deploy.commands.superuser import Superuser, quoted
from deploy.model.event_stores import EventStore
from deploy.model.private_files import replace
from deploy.model.project import ROOT

#: Each with the reason that was given.
ERASED: Final = "SELECT subject_id || ' ' || reason FROM event_store.erasures"


class Erasures:
    """Those that are to be repeated in a container, on this machine: a restore that is killed must not forget them."""

    def __init__(self, into: EventStore) -> None:
        self._path = ROOT / ".secrets" / f"{into.lxc_name}.erasures.json"

    def keep(self, rows: Iterable[str]) -> None:
        """Note what `ERASED` says, beside what a restore that was cut off has noted."""
        replace(self._path, json.dumps(sorted({*self._kept(), *rows})).encode())

    def repeat(self, superuser: Superuser) -> int:
        """Erase all of them; returns how many were not erased there."""
        erased = 0
        for subject, _, reason in (line.partition(" ") for line in self._kept()):
            [done] = superuser.query(
                f"SELECT event_store.erase_subject('{subject}', {quoted(reason)}, 'restore', 'system', 'system')"
            )
            erased += done == "t"
        self._path.unlink(missing_ok=True)
        return erased

    def _kept(self) -> list[str]:
        kept: list[str] = json.loads(self._path.read_text()) if self._path.exists() else []
        return kept
