"""Copies of a repository on a file system that can share blocks between files: XFS, in an image that is mounted for this."""

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.backups.copies.program.tree import Tree

from .deployment import run

#: linux/fs.h and linux/fiemap.h.
_FIEMAP, _SHARED, _LAST = 0xC020660B, 0x2000, 0x1
_MIB = 1024**2


@pytest.fixture(name="xfs")
def _xfs(tmp_path: Path) -> Iterator[Path]:
    image, mount = tmp_path / "xfs.img", tmp_path / "xfs"
    mount.mkdir()
    run("truncate", "-s", "400M", str(image))
    run("mkfs.xfs", "-q", str(image))
    run("mount", "-o", "loop", str(image), str(mount))
    yield mount
    run("umount", str(mount))


def test_an_unchanged_file_is_a_clone_of_the_earlier_copys(xfs: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "large").write_bytes(os.urandom(64 * _MIB))
    (live / "changed").write_bytes(b"before")
    Tree(lambda _: None).copy(live, xfs / "one", None)
    (live / "changed").write_bytes(b"after")
    free = _free(xfs)
    tree = Tree(lambda _: None)
    tree.copy(live, xfs / "two", xfs / "one")
    assert (tree.copied, tree.shared) == (5, 1)
    assert free - _free(xfs) < 8 * _MIB, "its blocks are those of the first copy"
    one, two = xfs / "one" / "large", xfs / "two" / "large"
    assert one.stat().st_ino != two.stat().st_ino
    assert two.stat().st_mode & 0o777 == 0o444
    assert two.read_bytes() == (live / "large").read_bytes()
    assert _is_shared(one)
    assert _is_shared(two)
    two.chmod(0o600)
    two.write_bytes(b"")
    assert one.read_bytes() == (live / "large").read_bytes()
    assert (xfs / "two" / "changed").read_bytes() == b"after"


def _free(folder: Path) -> int:
    os.sync()
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize


def _is_shared(path: Path) -> bool:
    """Whether all blocks of a file are another one's as well."""
    with path.open("rb") as file:
        asked = bytearray(struct.pack("=QQLLLL", 0, 2**63, 1, 0, 64, 0) + bytes(56 * 64))
        fcntl.ioctl(file, _FIEMAP, asked)
    count = struct.unpack_from("=L", asked, 20)[0]
    flags = [struct.unpack_from("=L", asked, 32 + 56 * number + 40)[0] for number in range(count)]
    assert flags
    assert flags[-1] & _LAST
    return all(flag & _SHARED for flag in flags)
