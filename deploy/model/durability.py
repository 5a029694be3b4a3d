"""Settings that give durability away: after a crash or a disk fault, committed events could be lost or damaged unseen.

All other settings of PostgreSQL were gone through as well. These look dangerous and are not on the list: any
``wal_sync_method`` flushes; ``synchronous_commit = local`` and ``remote_write`` wait for the own disk;
``commit_delay``, ``wal_writer_delay``, ``checkpoint_flush_after`` and the like say when something is written, not whether
a commit waits for it; ``wal_level = minimal`` survives a crash; ``wal_recycle`` and ``wal_init_zero`` are for file systems
that copy on write; ``recovery_init_sync_method`` has two ways to the same end; ``ignore_system_indexes`` makes reading
slow, and the indexes are kept up to date; ``restart_after_crash = off`` costs availability; ``autovacuum = off`` ends in
a server that refuses writes, and loses none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TRUE: Final = ("on", "true", "yes", "1")
_FALSE: Final = ("off", "false", "no", "0")


@dataclass(frozen=True)
class _Unsafe:
    value: bool
    reason: str


_UNSAFE: Final[Mapping[str, _Unsafe]] = {
    "fsync": _Unsafe(
        False, "the disk may write in any order, and a crash of the machine can destroy the whole cluster"
    ),
    "full_page_writes": _Unsafe(False, "a page that is half written when the machine crashes cannot be repaired"),
    "synchronous_commit": _Unsafe(
        False, "a commit is reported before it is on disk, and a crash loses it; on, local, remote_write are allowed"
    ),
    "zero_damaged_pages": _Unsafe(True, "a damaged page is replaced by an empty one, and its rows are gone"),
    "ignore_checksum_failure": _Unsafe(True, "damaged pages are read, and written back, as if they were sound"),
    "ignore_invalid_pages": _Unsafe(True, "recovery goes on although pages are missing, and loses what was in them"),
    "data_sync_retry": _Unsafe(True, "a second fsync can succeed although the first one has lost the data"),
}


def truth(text: str) -> bool | None:
    """A truth value as the server reads it: any case, and any beginning of a word that is not ambiguous; else None."""
    word = text.strip().lower()
    for words, meaning in ((_TRUE, True), (_FALSE, False)):
        if any(whole.startswith(word) for whole in words) and word not in ("", "o"):
            return meaning
    return None


def given_away(settings: Mapping[str, str]) -> dict[str, str]:
    """Those of the settings that give durability away: name → what that can cost."""
    return {
        name: unsafe.reason
        for name, value in settings.items()
        if (unsafe := _UNSAFE.get(name.lower())) and truth(value) is unsafe.value
    }


def durability_problems(settings: Mapping[str, str]) -> list[str]:
    """A message for each setting that gives durability away."""
    return [
        f'{name} = {settings[name]!r}: {reason}; leave it out, or give the container "durability": "none" if its data '
        "may be lost"
        for name, reason in given_away(settings).items()
    ]


def durability_warning(settings: Mapping[str, str]) -> str:
    """One line for people about a container whose durability is none."""
    unsafe = ", ".join(f"{name} = {settings[name]}" for name in given_away(settings))
    if unsafe:
        return f"DATA CAN BE LOST: durability is none, and {unsafe}"
    return "durability is none: settings that can lose committed data are allowed, and there is no such setting"
