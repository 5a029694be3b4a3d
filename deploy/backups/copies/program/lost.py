"""Is something gone from a repository that should be there? Asked of the names of folders alone, without its key.

`verify` says that all that is there is whole. Of a repository that somebody has emptied but for a backup of his own, that is
true as well.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_FULL = re.compile(r"\d{8}-\d{6}F")


def lost(before: Path, now: Path, stores: Iterable[str], keep_full: int) -> Iterator[str]:
    """What an earlier copy has and this one has not, although so few full backups are never expired.

    Backups under another name of their event store, as `event-store-backups set-aside` gives it, are not lost.
    """
    everywhere = {label for store in _folders(now / "backup") for label in _full_backups(now, store)}
    for store in stores:
        gone = sorted(_full_backups(before, store) - everywhere)
        left = len(_full_backups(now, store))
        if gone and left < keep_full:
            yield (
                f"{store}: {', '.join(gone)} was in the copy of {before.name} and is gone from the repository, which has "
                f"{left} full backups and keeps {keep_full} (keep_full): somebody has removed it"
            )


def _full_backups(copy: Path, store: str) -> set[str]:
    return {name for name in _folders(copy / "backup" / store) if _FULL.fullmatch(name)}


def _folders(path: Path) -> list[str]:
    """The folders in a folder; nothing is followed: whoever can write the repository has chosen what is in it."""
    if any(one.is_symlink() for one in (path, path.parent)) or not path.is_dir():
        return []
    return [entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
