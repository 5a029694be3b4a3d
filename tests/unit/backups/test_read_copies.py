"""The program in a repository reads a copy in place of the repository."""

from pathlib import Path

import pytest

from deploy.backups.program import copies, pgbackrest, state
from deploy.backups.program.pgbackrest import BackupError
from deploy.backups.program.verify import _holes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("20261101-030000", "20261102-030000", "20261103-030000.failed"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(copies, "FOLDER", tmp_path)
    monkeypatch.setenv("PGBACKREST_REPO1_PATH", "")
    return tmp_path


def test_the_newest_is_the_newest_that_was_verified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not copies.used()
    assert copies.use("newest") == copies.used() == "20261102-030000"
    assert copies.use("20261103-030000.failed") == copies.used() == "20261103-030000.failed"


def test_as_long_as_there_is_none_it_is_the_repository(folder: Path) -> None:
    for path in folder.iterdir():
        path.rmdir()
    assert copies.use("newest") is None
    assert not copies.used()


@pytest.mark.parametrize(
    "name",
    ["20261104-030000", "..", "../state", "20261101-030000/backup", "20261103-030000", "20261104-030000.new", "mine"],
)
def test_what_is_no_copy_is_refused(name: str, folder: Path) -> None:
    """Half of one is none, and what failed is not taken for the good one of its time."""
    for other in ("20261104-030000.new", "mine"):
        (folder / other).mkdir()
    with pytest.raises(BackupError, match=r"there is 20261101-030000, 20261102-030000, 20261103-030000\.failed"):
        copies.use(name)


def test_what_was_lost_when_a_copy_was_put_back_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing closes that hole any more; another one is another one."""
    names = [f"0000000100000000000000{number:02X}" for number in (1, 2, 5, 7)]
    found = {
        "archive": [{"id": "17-1", "database": {"id": 1}}],
        "backup": [{"archive": {"start": names[0], "stop": names[0]}, "database": {"id": 1}}],
    }
    monkeypatch.setattr(pgbackrest, "listed", lambda *_: [f"0000000100000000/{name}-{'0' * 40}.zst" for name in names])
    monkeypatch.setattr(state, "recall", lambda *_: None)
    assert len([*_holes("one", found)]) == 2
    monkeypatch.setattr(state, "recall", lambda *_: {"ends": [f"17-1/{names[1]}"]})
    [problem] = _holes("one", found)
    assert "000000010000000000000006;" in problem
