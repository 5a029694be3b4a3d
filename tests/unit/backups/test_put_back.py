"""The program in a repository puts a copy in its place: whatever ends that, there is a whole repository, and nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.backups.program import copies, pgbackrest, put_back, state
from deploy.backups.program.pgbackrest import BackupError

COPY = "20261101-030000"


class Killed(BaseException):
    """The program is killed: nothing of it runs any more."""


@contextmanager
def _held() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, text=True) as holder:
        yield holder


@pytest.fixture(autouse=True, name="volume")
def _volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a repository, and with a copy, a failed one and half a one."""
    for name in (COPY, "20261102-030000.failed", "20261103-030000.unproven", "20261104-030000.new"):
        (tmp_path / "copies" / name).mkdir(parents=True)
        (tmp_path / "copies" / name / "file").write_text(name)
    (tmp_path / "volume" / "repository").mkdir(parents=True)
    (tmp_path / "volume" / "repository" / "file").write_text("the old one")
    tool(tmp_path, "chown", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(copies, "FOLDER", tmp_path / "copies")
    monkeypatch.setattr(state, "FOLDER", tmp_path / "state")
    monkeypatch.setattr(pgbackrest, "settings", lambda: {"repo1-path": str(tmp_path / "volume" / "repository")})
    monkeypatch.setattr(pgbackrest, "stanzas", lambda: ["one"])
    monkeypatch.setattr(put_back, "_held", _held)
    return tmp_path / "volume"


def tool(tmp_path: Path, name: str, script: str) -> None:
    """One that does something else than it should."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / name).chmod(0o755)


def there(volume: Path) -> dict[str, str]:
    """What is on the volume: the name of each repository up to its time, and what is in it."""
    return {path.name.partition("-")[0]: (path / "file").read_text() for path in volume.iterdir()}


def test_a_copy_takes_the_place_of_the_repository_which_is_kept(volume: Path) -> None:
    put_back.put_back(COPY)
    assert there(volume) == {"repository": COPY, "repository.before": "the old one"}


def test_there_need_be_no_repository(volume: Path) -> None:
    (volume / "repository" / "file").unlink()
    (volume / "repository").rmdir()
    put_back.put_back(COPY)
    assert there(volume) == {"repository": COPY}


@pytest.mark.parametrize("name", ["cp", "chown", "sync"])
def test_a_copy_that_cannot_be_written_leaves_everything_as_it_was(volume: Path, name: str) -> None:
    tool(volume.parent, name, "exit 5")
    with pytest.raises(BackupError, match=f"{name} ended with 5; the repository is as it was"):
        put_back.put_back(COPY)
    assert there(volume) == {"repository": "the old one"}


def test_jobs_that_were_not_held_to_the_end_are_noticed(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def dead() -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen(["true"], text=True) as holder:
            holder.wait()
            yield holder

    monkeypatch.setattr(put_back, "_held", dead)
    with pytest.raises(BackupError, match="not held to the end"):
        put_back.put_back(COPY)
    assert there(volume) == {"repository": "the old one"}


def test_a_run_that_is_killed_between_two_steps_loses_nothing(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a repository all the time, and what the next run removes is never the old one."""
    seen, exchange = list[dict[str, str]](), put_back._exchange

    def killed(one: Path, other: Path) -> None:
        seen.append(there(volume))
        exchange(one, other)
        seen.append(there(volume))
        raise Killed

    monkeypatch.setattr(put_back, "_exchange", killed)
    with pytest.raises(Killed):
        put_back.put_back(COPY)
    assert seen == [
        {"repository": "the old one", "repository.before": COPY},
        {"repository": COPY, "repository.before": "the old one"},
    ]


def test_a_file_system_that_cannot_exchange_leaves_everything_as_it_was(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(one: Path, other: Path) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(put_back, "_exchange", refused)
    with pytest.raises(OSError, match="Invalid argument"):
        put_back.put_back(COPY)
    assert there(volume) == {"repository": "the old one"}


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        (COPY, ""),
        ("20261102-030000.failed", "warning: something was wrong with 20261102-030000.failed when it was verified; "),
        ("20261103-030000.unproven", "warning: 20261103-030000.unproven was never verified; "),
    ],
)
def test_what_may_be_no_good_is_put_back_if_it_is_named_and_with_a_warning(
    volume: Path, name: str, doubt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put_back.put_back(name)
    assert there(volume)["repository"] == name
    warning = capsys.readouterr().err
    assert warning.startswith(doubt)
    assert bool(warning) == bool(doubt)


@pytest.mark.parametrize("name", ["20261104-030000.new", "20261104-030000", "20261102-030000"])
def test_half_a_copy_is_refused(volume: Path, name: str) -> None:
    with pytest.raises(BackupError, match=f"there is no whole copy {name}; there is {COPY}, "):
        put_back.put_back(name)
    assert there(volume) == {"repository": "the old one"}
