"""Exported events: the text that `event_store.export_events()` gives, the hashes over it (RFC 6962), and its file.

A file may be the only place of its events, so none is ever replaced. Its name ends with the hash of its last seal. That
hash is over everything which the store has ever sealed up to there, and it stands in the file as well. So files of two
stores have two names, whatever their containers are called.
"""

import filecmp
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from deploy.commands.errors import CommandError

#: How the line of a seal begins.
SEAL_LINE: Final = b'{"seal" : '
#: How the record of a fork begins: in a file of exported seals, where the operator has restored the store. All others are events.
FORK_LINE: Final = b'{"fork" : '
_SEAL: Final = re.compile(re.escape(SEAL_LINE) + rb"([0-9]{1,18}),")
#: Digits of a hash in a file's name.
_DIGITS: Final = 16


def merkle_root(events: Iterable[bytes]) -> bytes:
    """The tree hash over events' lines (without line ends), level by level; an odd last node goes up as it is."""
    nodes = [sha256(b"\0" + event).digest() for event in events]
    if not nodes:
        return sha256().digest()
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=False)
        above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        nodes = above + nodes[len(nodes) - len(nodes) % 2 :]
    return nodes[0]


def events_of(lines: Iterable[bytes]) -> Iterable[bytes]:
    """The lines of events among the lines of an archive."""
    return (line for line in lines if not line.startswith((SEAL_LINE, FORK_LINE)))


def holds_events(path: Path) -> bool:
    """Whether a file is an archive, or what is left of one: one event is enough."""
    with path.open("rb") as lines:
        return any(events_of(line for line in lines if line.strip()))


def seals_in(path: Path) -> set[int]:
    """The numbers of the seals whose lines a file has."""
    with path.open("rb") as lines:
        return {int(match[1]) for line in lines if (match := _SEAL.match(line))}


def last_seal(path: Path) -> int:
    """The number of the last seal in a file of seals that no fork in it has lost; 0 = there is none. Raises `CommandError`."""
    lines = path.read_bytes().rstrip(b"\n").split(b"\n")
    forks = [json.loads(line) for line in lines if line.startswith(FORK_LINE)]
    for line in reversed(lines):
        if line.startswith(FORK_LINE) or not line:
            continue
        if not line.startswith(SEAL_LINE):
            raise CommandError(f"{path} holds events: name a file for the seals alone")
        try:
            seal = json.loads(line)
            if not any(_is_lost(seal, fork) for fork in forks):
                return int(seal["seal"])
        except (ValueError, LookupError):
            raise CommandError(f"{path}: its last line is not a whole seal; remove that line") from None
    return 0


def _is_lost(seal: dict[str, Any], fork: dict[str, Any]) -> bool:
    last = int(seal["last_transaction_id"]), seal["last_position"]
    return (int(fork["last_transaction_id"]), fork["last_position"]) < last and last[0] < int(
        fork["first_transaction_id"]
    )


def file_name(container: str, first: int, last: int, last_hash: str) -> str:
    """The name of the file with the events of these seals. ``last_hash``: of the last seal, in hexadecimal digits."""
    return f"{container}-seals-{first}-{last}-{last_hash[:_DIGITS]}.jsonl"


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block ends: all of it is on the disk then, and nothing had that name.

    What has the name already is kept. If it is the same to the last byte, a run that was killed has left it, and it is as
    good as the new one. Otherwise raises `CommandError`.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as new:
        try:
            yield new
            new.flush()
            os.fsync(new.fileno())
            _name(Path(new.name), path)
        finally:
            Path(new.name).unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def _name(new: Path, path: Path) -> None:
    try:
        # Not by a link, which many a network file system and most USB sticks do not have.
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        # A run that was killed may have left the name alone, without a byte.
        if path.stat().st_size == 0:
            new.replace(path)
        elif not filecmp.cmp(new, path, shallow=False):
            raise CommandError(
                f"{path} is there, with other content, and may be the only place of its events; it is kept and nothing "
                "was retired: say another folder, or move that file away"
            ) from None
    else:
        new.replace(path)
