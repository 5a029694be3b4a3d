"""The program on an LXC host that copies a repository: what it takes over, what it never does, and what it keeps."""

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from deploy.backups.copies.program import __main__ as program
from deploy.backups.copies.program.__main__ import Settings, make
from deploy.backups.copies.program.folder import Copies, outdated
from deploy.backups.copies.program.lost import lost
from deploy.backups.copies.program.tree import CopyError, Tree

SEGMENT = "archive/one/17-1/0000000100000000/000000010000000000000001-aa.zst"
FIRST = "20261101-013000F"


def fine() -> None:
    """Nothing speaks against a copy."""


class Program:
    """What stands in the container's place: it finds what the test says, and notes what was asked of it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.restored: dict[str, str] = {}
        self.down = False
        self.verified = list[str]()
        self.holds = False
        self.lost = False

    @contextmanager
    def held(self, stores: list[str]) -> Iterator[Callable[[], None]]:
        assert stores == ["one"]
        self.holds = True
        yield self.check
        self.holds = False

    def check(self) -> None:
        if self.lost:
            raise CopyError("not held to the end")

    def verify(self, copy: str, stores: list[str]) -> list[str]:
        assert stores == ["one"]
        assert not self.holds, "backups wait while a copy is verified"
        if self.down:
            raise CopyError("the container is down")
        self.verified.append(copy)
        return self.problems

    def drilled(self) -> dict[str, str]:
        return self.restored


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A repository as pgBackRest has one."""
    for path in (SEGMENT, f"backup/one/{FIRST}/bundle/1", "backup/one/backup.info", "archive/one/archive.info"):
        (tmp_path / "live" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "live" / path).write_text(path)
    (tmp_path / "live" / "backup/one/latest").symlink_to(FIRST)
    return tmp_path / "live"


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    (tmp_path / "copies" / "dated").mkdir(parents=True)
    return Copies(tmp_path / "copies", leave_free=0)


def copied(copies: Copies, live: Path, name: str) -> Path:
    """One that was made then."""
    made = copies.make(live, fine)
    copies.move(made, name)
    return copies.shown / name


def settings(live: Path, copies: Copies, keep: int = 2) -> Settings:
    return Settings("kept", str(live), str(copies.shown.parent), ["one"], keep, keep_full=1, leave_free=0)


def test_a_copy_is_its_own_and_nobody_may_write_it(live: Path, copies: Copies) -> None:
    copy = copied(copies, live, "20261101-030000")
    assert (copy / SEGMENT).read_text() == SEGMENT
    for path in live.rglob("*"):
        same = copy / path.relative_to(live)
        assert same.lstat().st_ino != path.lstat().st_ino
        if not path.is_dir() and not path.is_symlink():
            assert stat.S_IMODE(same.stat().st_mode) == 0o444
            assert same.stat().st_mtime_ns == path.stat().st_mtime_ns
    assert (copy / "backup/one/latest").readlink() == Path(FIRST)


def test_what_has_not_changed_is_shared_among_copies_and_never_with_the_repository(live: Path, copies: Copies) -> None:
    first = copied(copies, live, "20261101-030000")
    (live / "backup/one/backup.info").write_text("another text")
    second = copied(copies, live, "20261102-030000")
    assert (second / "backup/one/backup.info").read_text() == "another text"
    assert (first / "backup/one/backup.info").read_text() == "backup/one/backup.info"
    tree = Tree(lambda _: None)
    tree.copy(live, copies.shown / "20261103-030000", second)
    assert (tree.copied, tree.shared) == (0, 4)
    inodes = {path.stat().st_ino for path in live.rglob("*")}
    assert not inodes & {path.stat().st_ino for path in copies.shown.rglob("*")}


def test_a_file_that_was_forged_with_its_old_time_is_copied_as_it_is(live: Path, copies: Copies) -> None:
    """Root of the container can set the times of a file: only its content tells."""
    first = copied(copies, live, "20261101-030000")
    before = (live / SEGMENT).stat()
    (live / SEGMENT).write_text(SEGMENT.replace("archive", "forgery"))
    os.utime(live / SEGMENT, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = copied(copies, live, "20261102-030000")
    assert (second / SEGMENT).read_text() != (first / SEGMENT).read_text() == SEGMENT


def test_nothing_is_followed(live: Path, copies: Copies, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("of the host's root")
    first = copied(copies, live, "20261101-030000")
    (first / "folder").symlink_to(secret)
    (live / "folder").mkdir()
    (live / "folder" / "file").write_text("of the host's root")
    second = copied(copies, live, "20261102-030000")
    assert (second / "folder" / "file").stat().st_ino != (secret / "file").stat().st_ino
    live.rename(tmp_path / "elsewhere")
    live.symlink_to(secret)
    with pytest.raises(OSError, match=str(live)):
        copies.make(live, fine)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("archive/one", "elsewhere"),
        ("archive/latest", FIRST),
        ("backup/latest", FIRST),
        ("backup/one/other", FIRST),
        ("backup/one/latest", f"../one/{FIRST}"),
        ("backup/one/latest", "/srv/backups"),
        ("backup/one/latest", ".."),
    ],
)
def test_no_link_is_taken_over_but_the_one_that_pgbackrest_makes(
    live: Path, copies: Copies, link: str, target: str
) -> None:
    """A container that reads the copy would follow it: what is verified there would not be in the copy."""
    if (live / link).is_symlink():
        (live / link).unlink()
    elif (live / link).exists():
        (live / link).rename(live / "elsewhere")
    (live / link).symlink_to(target)
    with pytest.raises(CopyError, match=f"'{link}' in the repository is a link, to '{target}'"):
        copies.make(live, fine)
    assert list(copies.shown.iterdir()) == []


def test_a_file_of_the_copy_before_that_cannot_be_read_is_copied_anew_and_named(
    live: Path, copies: Copies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = copied(copies, live, "20261101-030000")
    file, folder = ((first / path).stat().st_ino for path in (SEGMENT, "backup/one"))
    pread, opened = os.pread, os.open

    def bad_pread(descriptor: int, length: int, place: int) -> bytes:
        if os.fstat(descriptor).st_ino == file:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, place)

    def bad_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = opened(path, flags, mode, dir_fd=dir_fd)
        if os.fstat(descriptor).st_ino == folder:
            os.close(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return descriptor

    monkeypatch.setattr(os, "pread", bad_pread)
    monkeypatch.setattr(os, "open", bad_open)
    second = copied(copies, live, "20261102-030000")
    assert (second / SEGMENT).read_text() == SEGMENT
    assert (second / SEGMENT).stat().st_ino != (first / SEGMENT).stat().st_ino
    said = capsys.readouterr().out
    assert f"20261101-030000: '{SEGMENT}' (Input/output error) cannot be read any more, and was copied anew" in said
    assert "'backup/one' (Input/output error)" in said


def test_what_is_neither_file_nor_folder_is_refused(live: Path, copies: Copies) -> None:
    os.mkfifo(live / "pipe")
    with pytest.raises(CopyError, match="'pipe' in the repository is neither a file nor a folder"):
        copies.make(live, fine)
    assert list(copies.shown.iterdir()) == []


def test_what_pgbackrest_is_writing_is_left_out(live: Path, copies: Copies) -> None:
    (live / f"{SEGMENT}.pgbackrest.tmp").write_text("half")
    assert not list(copied(copies, live, "20261101-030000").rglob("*.tmp"))


def test_a_full_disk_is_said_and_nothing_is_removed_for_it(live: Path, copies: Copies) -> None:
    copied(copies, live, "20261101-030000")
    full = Copies(copies.shown.parent, leave_free=2**60)
    copied(full, live, "20261102-030000")  # it shares all of its files
    (live / SEGMENT).write_text("more")
    with pytest.raises(CopyError, match=r"MiB are to stay free .* none was removed"):
        full.make(live, fine)
    assert copies.names() == ["20261101-030000", "20261102-030000"]
    assert len(list(copies.shown.iterdir())) == 2


def test_a_copy_is_named_once_it_was_verified(live: Path, copies: Copies) -> None:
    container = Program()
    assert make(settings(live, copies), copies, container) == []  # type: ignore[arg-type]
    [name] = copies.names()
    assert container.verified == [f"{name}.unproven"]


def test_a_copy_that_is_not_whole_is_kept_apart_and_replaces_none(live: Path, copies: Copies) -> None:
    for day in (1, 2, 3):
        copied(copies, live, f"2026110{day}-030000")
    container = Program()
    container.problems = ["checksum invalid: 1"]
    [problem] = make(settings(live, copies), copies, container)  # type: ignore[arg-type]
    *others, failed = copies.names()
    assert failed.endswith(".failed")
    assert problem == f"{failed.removesuffix('.failed')}: checksum invalid: 1"
    assert others == ["20261102-030000", "20261103-030000"], "so many are kept, of the good ones"


def test_a_copy_that_could_not_be_verified_is_verified_by_the_next_run(live: Path, copies: Copies) -> None:
    """The repository may have been emptied meanwhile."""
    container = Program()
    container.down = True
    with pytest.raises(CopyError, match="the container is down"):
        make(settings(live, copies), copies, container)  # type: ignore[arg-type]
    [name] = copies.names()
    assert name.endswith(".unproven")
    copies.move(name, "20261101-030000.unproven")
    container.down = False
    assert make(settings(live, copies), copies, container) == []  # type: ignore[arg-type]
    assert copies.names()[0] == "20261101-030000"
    assert len(copies.names()) == 2


def test_a_copy_during_which_the_repository_was_not_held_is_not_kept(live: Path, copies: Copies) -> None:
    container = Program()
    container.lost = True
    with pytest.raises(CopyError, match="not held to the end"):
        make(settings(live, copies), copies, container)  # type: ignore[arg-type]
    assert list(copies.shown.iterdir()) == []


def test_a_copy_that_does_not_get_to_the_disk_is_not_kept(
    live: Path, copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sync").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(CopyError, match="could not be written to the disk: sync ended with 1"):
        copies.make(live, fine)
    assert list(copies.shown.iterdir()) == []


def test_what_a_killed_run_has_left_half_made_goes(live: Path, copies: Copies) -> None:
    (copies.shown / "20261101-030000.new" / "archive").mkdir(parents=True)
    make(settings(live, copies), copies, Program())  # type: ignore[arg-type]
    assert len(list(copies.shown.iterdir())) == 1


def test_what_is_called_otherwise_is_no_copy_and_is_left_alone(
    declared: Copies, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = ["20261101-030000.old", "20269901-030000", "backup", "mine.new", "zz"]
    for name in strange:
        (declared.shown / name).mkdir()
    (declared.shown / "20261101-030000").symlink_to(live)
    (declared.shown / "20261102-030000").write_text("a file")
    strange = sorted([*strange, "20261101-030000", "20261102-030000"])
    assert make(settings(live, declared, keep=1), declared, Program()) == []  # type: ignore[arg-type]
    [name] = declared.names()
    assert sorted(path.name for path in declared.shown.iterdir()) == sorted([*strange, name])
    [problem] = reported(capsys)["problems"]
    assert problem.startswith(f"no copy, and ignored: {', '.join(map(repr, strange))}; ")


def test_a_second_run_is_refused(copies: Copies) -> None:
    with copies.alone(), pytest.raises(CopyError, match="another copy is being made"), copies.alone():
        pass


def test_the_one_that_a_drill_has_restored_is_kept(live: Path, copies: Copies) -> None:
    for day in (1, 2, 3, 4):
        copied(copies, live, f"2026110{day}-030000")
    container = Program()
    container.restored = {"one": "20261102-030000"}
    make(settings(live, copies), copies, container)  # type: ignore[arg-type]
    assert copies.names()[:-1] == ["20261102-030000", "20261104-030000"]
    # Also if the container does not say it any more: the host knows.
    container.restored = {}
    copied(copies, live, "20261105-030000")
    make(settings(live, copies), copies, container)  # type: ignore[arg-type]
    assert "20261102-030000" in copies.names()


@pytest.mark.parametrize("text", ["", '{"drilled": {', "[]", '{"drilled": []}'])
def test_none_is_removed_while_nobody_knows_which_ones_were_drilled(
    live: Path, declared: Copies, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (1, 2, 3):
        copied(declared, live, f"2026110{day}-030000")
    declared.state.write_text(text)
    unreadable = "state.json, which says what drills have restored, cannot be read"
    assert reported(capsys)["problems"] == [unreadable]
    declared.remember(problems=["the container is down"])
    assert declared.state.read_text() == text, "a run that came to nothing does not make it up"
    assert make(settings(live, declared), declared, Program()) == [f"{unreadable}: no copy was removed"]  # type: ignore[arg-type]
    assert len(declared.names()) == 4
    assert make(settings(live, declared), declared, Program()) == []  # type: ignore[arg-type]
    assert len(declared.names()) == 2


def test_what_is_remembered_is_on_the_disk_before_it_replaces_the_old(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, fsync, replace = list[str](), os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        done.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        done.append(f"replace {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    copies.remember(problems=["one"])
    assert done == ["fsync state.json.new", "replace state.json", "fsync copies"]
    assert copies.recall() == {"problems": ["one"]}


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (["1", "2"], []),
        (["1", "2", "3"], ["1"]),
        (["1", "2.failed", "3"], []),
        (["1.failed", "2", "3", "4.failed"], ["1.failed"]),
        (["1", "2", "3.failed", "4.failed"], []),
        (["1", "2", "3.unproven"], []),
    ],
)
def test_old_ones_go_once_newer_ones_are_verified(names: list[str], gone: list[str]) -> None:
    assert [
        name.removeprefix("20261101-00000") for name in outdated([f"20261101-00000{name}" for name in names], 2, [])
    ] == gone


def test_a_repository_that_lost_its_history_is_noticed_though_all_that_is_left_is_whole(
    live: Path, copies: Copies
) -> None:
    first = copied(copies, live, "20261101-030000")
    (live / "backup/one" / FIRST).rename(live / "backup/one/20261102-013000F")
    second = copied(copies, live, "20261102-030000")
    [problem] = lost(first, second, ["one"], keep_full=2)
    assert problem.startswith(f"one: {FIRST} was in the copy of 20261101-030000 and is gone from the repository")
    assert list(lost(first, second, ["one"], keep_full=1)) == [], "so it expires"
    (live / "backup/one").rename(live / "backup/one.7512")
    third = copied(copies, live, "20261103-030000")
    assert list(lost(second, third, ["one"], keep_full=4)) == [], "it was set aside"


@pytest.fixture(name="declared")
def _declared(live: Path, copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copies:
    """The command line finds this repository as ``kept``."""
    (tmp_path / "kept.json").write_text(json.dumps(asdict(settings(live, copies))))
    monkeypatch.setattr(program, "_CONFIGURATIONS", tmp_path)
    return copies


def reported(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert program.main(["status", "kept"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_why_no_copy_could_be_made_is_remembered(
    declared: Copies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    container = Program()
    monkeypatch.setattr(program, "Container", lambda _: container)
    container.down = True
    assert program.main(["copy", "kept"]) == 1
    assert "event-store-copies: the container is down" in capsys.readouterr().err
    assert reported(capsys)["problems"] == ["the container is down"]
    container.down = False
    assert program.main(["copy", "kept"]) == 0
    assert reported(capsys)["problems"] == []
    with declared.alone():
        assert program.main(["copy", "kept"]) == 1
    assert reported(capsys)["problems"] == [], "the other run says itself how it goes"


def test_a_copy_that_is_wrong_is_said_until_somebody_takes_it_for_a_good_one(
    declared: Copies, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    container = Program()
    monkeypatch.setattr(program, "Container", lambda _: container)
    container.problems = ["backups are gone"]
    assert program.main(["copy", "kept"]) == 2
    [name] = declared.names()
    day = name.removesuffix(".failed")
    assert reported(capsys) == {
        "stores": ["one"], "names": [name], "problems": [f"{day}: backups are gone"], "drilled": {}, "timer": Path("/run/systemd/system").is_dir(),
    }  # fmt: skip
    assert program.main(["accept", "kept", "20000101-000000"]) == 1
    assert f"there are {name}" in capsys.readouterr().err
    assert program.main(["accept", "kept", name]) == 0
    assert (declared.names(), reported(capsys)["problems"]) == ([day], [])


@pytest.mark.parametrize("name", ["other", "../kept"])
def test_a_repository_of_another_host_is_not_known(
    declared: Copies, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["copy", name]) == 1
    assert "`make deploy` writes one for each repository of this host" in capsys.readouterr().err


def test_a_disk_that_is_not_mounted_is_said(declared: Copies, capsys: pytest.CaptureFixture[str]) -> None:
    declared.shown.rmdir()
    assert program.main(["copy", "kept"]) == 1
    assert "is its disk mounted?" in capsys.readouterr().err
