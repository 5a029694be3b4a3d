"""Copies of a repository that no container can write: made, attacked with plain tools, drilled, and put back.

The tests build on each other, as an operator's steps do.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .containers import declared, repository
from .deployment import STORAGE, Deployment, inside, run, sql
from .kept import Kept, flip, forget, restore, until

PAIRS = {release: (f"estest-copied-{release}", f"estest-copies-{release}") for release in ("trixie", "bookworm")}


def dated(kept: Kept) -> Path:
    """Where the copies are on this host."""
    return Path(STORAGE, "copies", kept.repository, "dated")


@pytest.fixture(
    scope="module", params=[pytest.param("trixie"), pytest.param("bookworm", marks=pytest.mark.soak)], name="kept"
)
def _kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    store, container = PAIRS[request.param]
    forget(store)
    stores = declared(store)
    stores[store]["backup_repository"] = container
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), store, stores)
    deployment.repositories = {container: repository(container) | {"keep_copies": 2}}
    kept = Kept(deployment, store, container)
    deployment.destroy()
    shutil.rmtree(dated(kept).parent, ignore_errors=True)
    assert kept.command("ca").returncode == 0
    kept.apply()
    yield kept
    deployment.destroy()
    shutil.rmtree(dated(kept).parent)
    forget(store)


def copy(kept: Kept, status: int = 0) -> str:
    """`make copy`; the name of what it made."""
    done = kept.command("copy")
    assert done.returncode == status, done.stdout + done.stderr
    return names(kept)[-1] if names(kept) else ""


def names(kept: Kept) -> list[str]:
    return sorted(path.name for path in dated(kept).iterdir())


def digests(folder: Path) -> dict[str, str]:
    """Path → what is in the file."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".pgbackrest.tmp"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def row(kept: Kept) -> tuple[str, str]:
    rows = json.loads(kept.command("status", "--json").stdout)["rows"]
    return next((one["state"], one["detail"]) for one in rows if one["kind"] == "copies")


def test_a_repository_is_copied_and_the_copy_is_verified(kept: Kept) -> None:
    state, detail = row(kept)
    assert (state, "no verified copy yet" in detail) == ("degraded", True)
    until(lambda: kept.rows()["backups"][0] == "well")
    kept.append()
    kept.switch()
    name = copy(kept)
    assert "." not in name
    state, detail = row(kept)
    assert (state, f"1 verified, the newest one {name}" in detail) == ("well", True), detail
    live = Path(STORAGE, "volumes", kept.repository, "data", "repository")
    # On a file system of its own, nothing of it can be shared with the copy. What is archived meanwhile is in no copy.
    assert live.stat().st_dev != dated(kept).stat().st_dev
    copied = digests(dated(kept) / name)
    there = digests(live)
    assert {path: there.get(path) for path in copied} == copied
    assert {path for path in there.keys() - copied.keys() if not path.startswith("archive/")} == set()
    assert any(path.startswith("archive/") and path.endswith(".zst") for path in copied)
    kept.deployment.verify("-k", "copies or copy or container")


@pytest.mark.parametrize("attempt", ["touch /srv/copies/mine", "touch {file}", "rm -f {file}", "rm -rf /srv/copies/*", "chmod 777 {file}",
                                     "chown root {file}", "mv /srv/copies/{name} /srv/copies/other", "echo x >> {file}"])  # fmt: skip
def test_neither_container_can_write_a_copy(kept: Kept, attempt: str) -> None:
    """Also not once root of the repository's container has mounted them anew."""
    [name] = names(kept)
    path = next(path for path in (dated(kept) / name).rglob("*") if path.is_file()).relative_to(dated(kept))
    before = _state(kept)
    line = attempt.format(file=f"/srv/copies/{path}", name=name)
    tried = f"{{ {line}; }} 2>&1 || true"
    said = inside(kept.repository, tried)
    assert re.search("Read-only file system|Permission denied", said), said
    mounts = "awk '$2 == \"/srv/copies\" {print $4}' /proc/self/mounts"
    options = inside(kept.repository, f"mount -o remount,bind,rw /srv/copies && {mounts}")
    assert options.startswith("rw"), "it was mounted anew, so that only the owner of the files is in the way"
    said = inside(kept.repository, tried)
    inside(kept.repository, "mount -o remount,bind,ro /srv/copies")
    assert re.search("Permission denied|Operation not permitted", said), said
    # The event store's container has no copies at all.
    inside(kept.store, line, check=False)
    inside(kept.store, line.replace("/srv/copies", str(dated(kept))), check=False)
    assert _state(kept) == before


def _state(kept: Kept) -> list[tuple[Any, ...]]:
    entries = (path.lstat() for path in sorted(dated(kept).rglob("*")))
    return [(entry.st_ino, entry.st_mode, entry.st_uid, entry.st_size, entry.st_mtime_ns) for entry in entries]


def test_a_drill_restores_from_the_newest_copy(kept: Kept) -> None:
    [name] = names(kept)
    events, before = len(kept.events()), _state(kept)
    kept.append()
    kept.switch()
    assert "drill --copy newest" in inside(kept.repository, "systemctl cat event-store-drill.service")
    status, said = kept.program("drill", "--copy", "newest")
    assert (status, f"from the copy of {name}" in said) == (0, True), said
    record = json.loads(inside(kept.repository, f"cat /srv/backups/state/{kept.store}/drill.json"))
    assert (record["copy"], record["events"]) == (name, events), "all of the copy's WAL, and nothing that came after"
    assert _state(kept) == before, "a drill only reads a copy"


@pytest.mark.soak
def test_the_last_drilled_one_stays_and_what_is_shared_is_shared_among_copies(kept: Kept) -> None:
    [drilled] = names(kept)
    for _ in range(3):
        copy(kept)
    assert names(kept)[0] == drilled
    assert len(names(kept)) == 3
    assert f"restored by a drill: {drilled}" in row(kept)[1]
    first, second = (dated(kept) / name for name in names(kept)[1:])
    same = max(
        (path for path in first.glob("backup/*/*F/**/*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    other = second / same.relative_to(first)
    assert same.read_bytes() == other.read_bytes()
    # The file itself, or its blocks where the file system can (XFS, Btrfs).
    assert same.samefile(other) or "shared" in run("filefrag", "-v", str(other)).stdout


def test_a_copy_for_which_there_is_no_room_is_not_made_and_drift_on_the_host_is_repaired(kept: Kept) -> None:
    settings = Path(f"/etc/event-store/copies/{kept.repository}.json")
    unit = Path(f"/etc/systemd/system/event-store-copies-{kept.repository}.timer")
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"leave_free": 2**60}))
    kept.append()
    kept.switch()
    before = names(kept)
    done = kept.command("copy")
    assert (done.returncode, "are to stay free (copies_leave_free)" in done.stderr) == (1, True), done.stderr
    assert names(kept) == before
    assert (row(kept)[0], "none was removed" in row(kept)[1]) == ("degraded", True)
    unit.unlink()
    dated(kept).parent.chmod(0o777)
    _, said = kept.deployment.drift()
    assert f"{settings}: content differs" in said
    assert f"{unit}: missing" in said
    assert f"{dated(kept).parent}: mode and owner are 777 0:" in said
    kept.apply()
    kept.deployment.assert_as_declared()


@pytest.mark.soak
def test_a_damaged_copy_is_kept_apart_and_replaces_none(kept: Kept) -> None:
    before = names(kept)
    file = inside(kept.repository, "ls /srv/backups/repository/archive/*/*/*/*-*.zst | sort | tail -n 1")
    flip(kept, file)
    failed = copy(kept, 2)
    assert failed.endswith(".failed")
    assert names(kept) == [*before, failed]
    assert row(kept)[0] == "degraded"
    restore(kept, file)
    copy(kept)
    assert row(kept)[0] == "well"


def test_a_store_is_restored_from_a_copy_after_its_repository_was_emptied(kept: Kept) -> None:
    kept.append()
    kept.switch()
    events, good = kept.events(), copy(kept)
    # This is archived, and in no copy: a hole that nothing closes any more.
    lost = sql(kept.store, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    kept.append()
    kept.switch()
    assert lost in kept.archived()
    inside(kept.repository, "rm -rf /srv/backups/repository/* /srv/backups/repository/.[!.]*")
    assert copy(kept, 2).endswith(".failed")
    assert good in names(kept)
    offered = kept.command("restore-repository")
    assert (offered.returncode, good in offered.stderr) == (1, True)
    wrong = kept.command("restore-repository", "--confirm", kept.store, "--copy", good)
    assert (wrong.returncode, f"which is {kept.repository}" in wrong.stderr) == (1, True)
    # What the store writes meanwhile cannot be archived, and waits.
    kept.append()
    segment = sql(kept.store, "SELECT pg_walfile_name(pg_switch_wal() - 1)")
    done = kept.command("restore-repository", "--confirm", kept.repository, "--copy", good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "make backup TYPE=full" in done.stdout
    until(lambda: segment in kept.archived())
    assert lost not in kept.archived()
    assert kept.program("verify")[0] == 0
    # Now the store as well.
    version = sql(kept.store, "SELECT current_setting('server_version_num')::int / 10000")
    inside(kept.store, f"systemctl stop postgresql@{version}-main; rm -rf /srv/postgresql/{version}/main")
    refused = kept.command("restore", "--confirm", kept.store)
    assert (refused.returncode, "FORCE=1 restores up to there" in refused.stderr) == (1, True), refused.stderr
    done = kept.command("restore", "--confirm", kept.store, "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept.events() >= events
    until(lambda: kept.rows()["archive"][0] == "well")
    assert kept.program("verify")[0] == 0
    copy(kept)
    assert row(kept)[0] == "well", row(kept)
    assert kept.program("drill", "--copy", "newest")[0] == 0


def test_a_repository_that_is_destroyed_leaves_its_copies(kept: Kept) -> None:
    before = names(kept)
    kept.deployment.destroy()
    assert names(kept) == before
    assert not Path(f"/etc/event-store/copies/{kept.repository}.json").exists()
    assert run("sh", "-c", f"ls /etc/systemd/system | grep {kept.repository} || true").stdout == ""
