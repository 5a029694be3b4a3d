"""What an operator does about seals and old events: `make seals`, `make export-seals`, `make retire`."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import declared
from .deployment import Deployment, run, sql
from .sql.sealing import SEALED_THEN

NAME = "estest-retire"
ALL_WELL = "The events are what was sealed."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A container of these tests' own: its first events are of eight years ago, then some of now; all are sealed."""
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), NAME, declared(NAME))
    deployment.destroy()
    deployment.apply()
    for age, total in (("8 years", "50"), ("0", "100")):
        sql(
            NAME,
            f"""
            INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data, created_at)
            SELECT gen_random_uuid(), 'Position', gen_random_uuid(), 1, 'PositionUpdated', '{{"note": "a\u2028b\u0085 é\\n"}}',
                   now() - interval '{age}'
              FROM generate_series(1, 50)
            """,
        )
        deadline = time.monotonic() + 60
        while (sealed := sql(NAME, "SELECT sum(event_count) FROM event_store.seals")) != total:
            sql(NAME, "SELECT event_store.seal_events('0')")
            assert time.monotonic() < deadline, sealed
    sql(NAME, SEALED_THEN)
    yield deployment
    deployment.destroy()


def command(store: Deployment, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """As the Makefile calls it."""
    return run(sys.executable, "-m", f"deploy.commands.{module}", store.inventory, "", *arguments, check=False)


def test_seals_are_verified_exported_and_compared(store: Deployment, tmp_path: Path) -> None:
    export = tmp_path / "seals.jsonl"
    first = command(store, "seals", "export", str(export))
    assert first.returncode == 0, first.stderr
    lines = export.read_text()
    assert len(lines.splitlines()) >= 2
    assert "0 new seals" in command(store, "seals", "export", str(export)).stdout
    assert export.read_text() == lines

    good = command(store, "seals", "verify", str(export))
    assert good.returncode == 0, good.stdout + good.stderr
    assert ALL_WELL in good.stdout

    export.write_text(lines.replace('"event_count" : 50', '"event_count" : 49', 1))
    for action in ("verify", "export"):
        bad = command(store, "seals", action, str(export))
        assert bad.returncode == 2
        assert "line 1, seal 1: export damaged" in bad.stdout
    assert '"event_count" : 49' in export.read_text()


def test_an_edited_event_is_named(store: Deployment) -> None:
    change = "UPDATE event_store.events SET actor = '{}' WHERE event_id = '{}'"
    event = sql(NAME, "SELECT event_id FROM event_store.events ORDER BY global_position LIMIT 1 OFFSET 16")
    disable = "ALTER TABLE event_store.events DISABLE TRIGGER ALL;"
    sql(NAME, disable + change.format("x", event))
    try:
        bad = command(store, "seals", "verify")
        assert bad.returncode == 2
        assert f"event {event}: edited (event(s) 17 to 17 of the seal's 50)" in bad.stdout
        assert "1 problem(s)" in bad.stdout
    finally:
        sql(NAME, disable + change.format("system", event))
        store.apply()
    assert command(store, "seals", "verify").returncode == 0


def test_old_events_leave_into_a_file(store: Deployment, tmp_path: Path) -> None:
    nothing = command(store, "retire", "2000-01-01", str(tmp_path))
    assert (nothing.returncode, list(tmp_path.iterdir())) == (0, [])

    # Of another store, whose container has the same name: until now this one's archive had the name of it.
    other = tmp_path / f"{NAME}-seals-1-1.jsonl"
    other.write_text("the only place of other events")

    # As soon as the worker's projections have read them.
    deadline = time.monotonic() + 60
    while (done := command(store, "retire", "tomorrow", str(tmp_path))).returncode:
        assert "behind are: projection" in done.stderr
        assert time.monotonic() < deadline, done.stderr
    last_hash = sql(NAME, "SELECT left(encode(hash, 'hex'), 16) FROM event_store.seals WHERE seal = 1")
    archive = tmp_path / f"{NAME}-seals-1-1-{last_hash}.jsonl"
    assert set(tmp_path.iterdir()) == {archive, other}
    assert other.read_text() == "the only place of other events"
    assert last_hash in archive.read_text()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert f"50 events have left @lxc/{NAME}" in done.stdout
    assert sql(NAME, "SELECT count(*) FROM event_store.events") == "50"
    assert sql(NAME, "SELECT exported_to FROM event_store.retirements") == str(archive)

    good = command(store, "seals", "verify", str(archive))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "Retired: seals 1 to 1, 50 events" in good.stdout
    assert ALL_WELL in good.stdout
    whole = archive.read_bytes()
    assert verified(store, archive) == (0, [])
    renamed = tmp_path / "renamed.jsonl"
    for lost, named, anonymous in (
        (whole.replace(b"PositionUpdated", b"PositionClosed", 1), ["line 1, seal 1: export damaged"], None),
        (whole.splitlines(keepends=True)[0], ["line 1, seal 1: events missing"], None),
        # By its name it should have a seal; by another one it could be anything, but not an archive.
        (b"", ["no seal has a line in it", "seal 1: seal missing"], ["no seal has a line in it"]),
    ):
        for path, expected in ((archive, named), (renamed, anonymous or named)):
            path.write_bytes(lost)
            status, problems = verified(store, path)
            assert (status, len(problems)) == (2, len(expected)), problems
            assert all(words in problem for words, problem in zip(expected, problems, strict=True)), problems
    renamed.write_bytes(whole)
    assert verified(store, renamed) == (0, [])
    archive.write_bytes(whole.replace(b"PositionUpdated", b"PositionClosed", 1))
    assert "export damaged" in command(store, "seals", "verify", str(archive)).stdout


def verified(store: Deployment, archive: Path) -> tuple[int, list[str]]:
    """What `make seals ARCHIVE=file` finds in it."""
    line = ("-m", "deploy.commands", "seals", "-i", store.inventory, "--archive", str(archive), "--json")
    done = run(sys.executable, *line, check=False)
    return done.returncode, json.loads(done.stdout)["problems"]


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("seals", ["export", ""], "EXPORT=file to make"),
        ("seals", ["verify", "/nowhere/file"], "No such file"),
        ("retire", ["", "/tmp"], "say --before DATE and --export FOLDER"),
        ("retire", ["nonsense", "/tmp"], "nonsense"),
    ],
)
def test_what_is_missing_is_said(store: Deployment, module: str, arguments: list[str], message: str) -> None:
    done = command(store, module, *arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_seals_that_a_restore_has_lost_are_excused_by_the_operator(store: Deployment, tmp_path: Path) -> None:
    export = tmp_path / "seals.jsonl"
    program = ("-m", "deploy.commands")
    options = ("-i", store.inventory, "--export", str(export))
    assert run(sys.executable, *program, "export-seals", *options).returncode == 0
    # As if the last seal had never been there, and the server had started.
    sql(
        NAME,
        """
        ALTER TABLE event_store.events DISABLE TRIGGER ALL;
        ALTER TABLE event_store.seals DISABLE TRIGGER ALL;
        DELETE FROM event_store.events e USING event_store.seals s
         WHERE s.seal = 2 AND (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position);
        DELETE FROM event_store.seals WHERE seal >= 2;
        UPDATE event_store.projections SET last_transaction_id = s.last_transaction_id, last_global_position = s.last_position
          FROM event_store.seals s WHERE s.seal = 1;
        UPDATE event_store.settings SET server_start = server_start - interval '1 second', fork = gen_random_uuid();
        """,
    )
    store.apply()
    fork = sql(NAME, "SELECT (event_store.current_fork()).fork")

    lost = command(store, "seals", "verify", str(export))
    assert lost.returncode == 2
    assert "line 2, seal 2: seal missing" in lost.stdout
    assert f"if you have restored the store, or another server has taken over: fork {fork}, recorded at" in lost.stdout
    before = export.read_text()
    for arguments in ((), ("--fork", "0b0e2c5e-6a0c-4f61-9d0b-2f8f0a3c7d11")):
        assert run(sys.executable, *program, "export-seals", *options, *arguments, check=False).returncode in (1, 2)
        assert export.read_text() == before
    done = run(sys.executable, *program, "export-seals", *options, "--fork", fork)
    assert "0 new seals, 1 in all" in done.stdout
    assert export.read_text().startswith(before)
    good = command(store, "seals", "verify", str(export))
    assert good.returncode == 0, good.stdout + good.stderr
