"""Backups of a store that had none before: turned on, made, checked by restoring them, and what goes wrong with them.

The tests build on each other, as an operator's steps do. What is corrupted is put right again.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest

from .containers import declared, repository
from .deployment import ROOT, Deployment, differences, init_pid, inside, run, sql
from .kept import ARCHIVE, AS_POSTGRES, SECRET, Kept, flip, forget, now, restore, until
from .locks import turn_lock

PAIRS = {release: (f"estest-kept-{release}", f"estest-backups-{release}") for release in ("trixie", "bookworm")}


@pytest.fixture(
    scope="module", params=[pytest.param("trixie"), pytest.param("bookworm", marks=pytest.mark.soak)], name="kept"
)
def _kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A store that is deployed without backups, as all have been so far."""
    store, container = PAIRS[request.param]
    forget(store)
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), store, declared(store))
    # All that an earlier run may have left.
    deployment.containers |= declared(copy := store.replace("kept", "copy"))
    deployment.repositories = {container: repository(container)}
    deployment.destroy()
    deployment.repositories = {}
    del deployment.containers[copy]
    deployment.apply()
    deployment.repositories = {container: repository(container)}
    yield Kept(deployment, store, container)
    deployment.destroy()
    forget(store)


def test_backups_are_turned_on_for_a_store_that_is_there(kept: Kept) -> None:
    kept.append()
    kept.deployment.containers[kept.store]["backup_repository"] = kept.repository
    assert "there is no certificate authority here" in kept.apply(check=False).stderr
    assert kept.command("ca").returncode == 0
    status, said = kept.deployment.drift()
    assert status == 2
    assert "PostgreSQL: restart for archive_mode" in said
    # With its passphrase at hand, the first deploy that needs an authority makes it.
    shutil.rmtree(ROOT / ".secrets" / f"{kept.store}.ca")
    done = kept.command("deploy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Back this folder up" in done.stdout
    until(lambda: kept.rows()["backups"][0] == "well")
    assert kept.rows()["archive"][0] == "well"
    assert kept.deployment.apply() == []
    status, said = kept.deployment.drift()
    assert (status, differences(said)) == (0, []), said


def test_a_deployment_with_backups_is_verified(kept: Kept) -> None:
    kept.deployment.verify("-k", "system or container or certificate")


def test_backups_are_listed_with_what_they_cover(kept: Kept) -> None:
    done = kept.command("backup", "--type", "incremental")
    assert done.returncode == 0, done.stderr
    assert f"{kept.store}: backed up" in done.stdout
    listed = json.loads(kept.command("backups", "--json").stdout)["backups"]
    assert [one["type"] for one in listed] == ["full", "incremental"]
    until(lambda: sql(kept.store, "SELECT coalesce(sum(event_count), 0) FROM event_store.seals") == "5")
    assert kept.command("backup", "--type", "differential").returncode == 0
    last = json.loads(kept.command("backups", "--json").stdout)["backups"][-1]
    assert (last["type"], last["events"]) == ("differential", 5)
    assert last["last position"] == int(sql(kept.store, "SELECT max(global_position) FROM event_store.events"))
    assert last["label"] in kept.command("backups").stdout


def test_what_a_quiet_store_has_written_is_archived_within_a_minute(kept: Kept) -> None:
    with kept.deployment.connect(kept.store) as connection:
        connection.execute("SELECT event_store.append_event('Account', gen_random_uuid(), 0, 'Noted', '{}')")
    segment = sql(kept.store, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    until(lambda: segment in kept.archived(), 60)


def test_the_repository_is_encrypted_and_its_key_is_nowhere_else(kept: Kept) -> None:
    key = json.loads((ROOT / ".secrets" / f"{kept.store}.json").read_text())[f"@lxc/{kept.repository}"][
        "backup_repository"
    ]
    assert f"repo1-cipher-pass={key}" in inside(kept.repository, "cat /etc/pgbackrest/conf.d/key.conf")
    assert inside(kept.repository, "stat -c '%a %U:%G' /etc/pgbackrest/conf.d/key.conf") == "640 root:postgres"
    assert inside(kept.repository, f"grep -rlF -e '{key}' /etc /var/log /srv/backups /usr/local || true") == (
        "/etc/pgbackrest/conf.d/key.conf"
    )
    assert inside(kept.store, f"grep -rlF -e '{key}' /etc /var/log /usr/local || true") == ""
    assert key not in inside(kept.repository, "journalctl --no-pager -o cat")
    said = kept.deployment.pyinfra("-y", "--dry", "--debug", "--diff")
    assert key not in said.stdout + said.stderr


def test_a_drill_finds_a_whole_store_and_leaves_nothing_behind(kept: Kept) -> None:
    done = kept.command("drill")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kept.store}: restored, and the copy is a whole event store" in done.stdout
    state, detail = kept.rows()["backups"]
    assert state == "well"
    assert re.search(r"drilled 0 days ago \(restored in \d+ s\)", detail)
    record = json.loads(inside(kept.repository, f"cat /srv/backups/state/{kept.store}/drill.json"))
    assert record["events"] == int(sql(kept.store, "SELECT count(*) FROM event_store.events"))
    assert inside(kept.repository, "ls -A /srv/backups/scratch; pgrep -x postgres || true") == ""
    # Nothing of it went into the archive: there is no second timeline.
    assert "00000002.history" not in inside(kept.repository, f"ls -R {ARCHIVE}")


def test_a_drill_says_what_is_wrong_with_the_store(kept: Kept) -> None:
    """Behind the back of the store: an event inside of a sealed stretch, and a row of a projection."""
    assert kept.command("demo", "-c", kept.store).returncode == 0
    until(lambda: sql(kept.store, "SELECT count(*) > 0 FROM projections.positions") == "t")
    event = sql(kept.store, "SELECT event_id FROM event_store.events ORDER BY global_position LIMIT 1")
    _forge(kept, event, '{"forged": 1}', "+ 1")
    done = kept.command("drill", "-c", kept.store)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(r"seal 1\|edited", done.stdout), done.stdout
    assert "projections.positions is" in done.stdout
    assert kept.rows()["backups"][0] == "degraded"
    _forge(kept, event, "{}", "- 1")
    assert kept.command("drill").returncode == 0


def _forge(kept: Kept, event: str, data: str, change: str) -> None:
    triggers = ("events_append_only", "events_append_only_rows")
    off, on = (
        "".join(f"ALTER TABLE event_store.events {verb} TRIGGER {trigger};" for trigger in triggers)
        for verb in ("DISABLE", "ENABLE ALWAYS")
    )
    sql(
        kept.store,
        f"BEGIN; {off} UPDATE event_store.events SET event_data = '{data}' WHERE event_id = '{event}'; {on}"
        f"UPDATE projections.positions SET quantity = quantity {change}; COMMIT",
    )
    kept.switch()


def test_a_flipped_byte_is_found_by_a_look_at_everything_and_by_a_drill(kept: Kept) -> None:
    assert kept.program("verify") == (0, f"{kept.store}: everything that is kept is whole")
    listed = json.loads(kept.command("backups", "--json").stdout)["backups"]
    assert all(one["verified"] for one in listed)
    file = inside(kept.repository, f"ls {ARCHIVE}/*/*/*/*-*.zst | sort | tail -n 1")
    flip(kept, file)
    status, said = kept.program("verify")
    assert status == 2
    # What cannot be unpacked is another thing than what has another checksum.
    assert re.search("(checksum invalid|other): 1", said), said
    assert kept.rows()["backups"][0] == "degraded"
    assert not any(one["verified"] for one in json.loads(kept.command("backups", "--json").stdout)["backups"])
    drilled = kept.command("drill")
    assert (drilled.returncode, "the restored server ended" in drilled.stderr + drilled.stdout) == (1, True), (
        drilled.stdout
    )
    restore(kept, file)


def test_a_segment_that_is_missing_in_the_middle_is_found(kept: Kept) -> None:
    """Where pgBackRest itself says ok."""
    for _ in range(3):
        kept.append()
        kept.switch()
    files = inside(kept.repository, f"ls {ARCHIVE}/*/*/*/*-*.zst | sort").splitlines()
    file, segment = files[-2], files[-2].rpartition("/")[2][:24]
    inside(kept.repository, f"mv {file} /srv/backups/whole")
    pgbackrest = (
        f"{AS_POSTGRES} pgbackrest --stanza={kept.store} --output=text --verbose --log-level-console=off verify"
    )
    assert "status: ok" in inside(kept.repository, pgbackrest)
    status, said = kept.program("verify")
    assert (status, said) == (2, f"{kept.store}: WAL is missing from the archive: {segment}; no restore gets past it")
    # PostgreSQL takes it for the end.
    drilled = kept.command("drill")
    assert (drilled.returncode, "recovery ended at" in drilled.stdout) == (2, True), drilled.stdout + drilled.stderr
    restore(kept, file)
    assert kept.program("verify")[0] == 0
    assert kept.command("drill").returncode == 0


@pytest.mark.parametrize("moment", [0.8, *(pytest.param(one / 10, marks=pytest.mark.soak) for one in range(1, 30, 3))])
def test_a_backup_that_is_killed_is_no_trouble_for_the_next_one(kept: Kept, moment: float) -> None:
    line = f"{AS_POSTGRES} pgbackrest --stanza={kept.store} --type=full backup"
    killed = subprocess.Popen(
        ["lxc-attach", "-n", kept.repository, "--clear-env", "--", "sh", "-c", line],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: inside(kept.repository, "pgrep -f 'type=full [b]ackup' || true"))
    time.sleep(moment)
    inside(kept.repository, "pkill -KILL -f 'type=full [b]ackup'")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    until(lambda: kept.program("backup", "incr")[0] == 0)


def test_a_repository_that_is_down_is_warned_of_and_nothing_is_lost(kept: Kept) -> None:
    inside(kept.repository, "systemctl stop pgbackrest")
    kept.note()
    segment = sql(kept.store, "SELECT pg_walfile_name(pg_switch_wal() - 1)")
    until(lambda: kept.rows()["archive"][0] == "degraded")
    assert "segments of 16 MB wait on the data volume" in kept.rows()["archive"][1]
    status, said = kept.deployment.drift()
    assert (status, "pgbackrest.service: not running" in said) == (2, True), said
    kept.apply()
    until(lambda: segment in kept.archived())
    until(lambda: kept.rows()["archive"][0] == "well")


def test_a_repository_that_is_full_is_warned_of_and_nothing_is_lost(kept: Kept) -> None:
    full = "/srv/backups/repository/full"
    most = f"fallocate -l $(($(df -B1 --output=avail /srv/backups | tail -n 1) - 16 * 1024 * 1024)) {full}"
    inside(kept.repository, f"{AS_POSTGRES} {most}; dd if=/dev/zero bs=4k of={full}.2 2> /dev/null || true")
    kept.note()
    segment = sql(kept.store, "SELECT pg_walfile_name(pg_switch_wal() - 1)")
    until(lambda: kept.rows()["archive"][0] == "degraded")
    assert kept.program("backup", "incr")[0] == 1
    inside(kept.repository, f"rm {full} {full}.2")
    until(lambda: segment in kept.archived())
    until(lambda: kept.rows()["archive"][0] == "well")
    assert kept.program("backup", "incr")[0] == 0


def test_a_wrong_key_of_the_repository_is_said_and_harms_nothing(kept: Kept) -> None:
    key = "/etc/pgbackrest/conf.d/key.conf"
    inside(kept.repository, f"cp -a {key} /root/key; sed -i 's/pass=.*/pass=another/' {key}")
    # pgBackRest prints what it has made of the file, which is no text.
    backup = f"{AS_POSTGRES} /usr/local/sbin/event-store-backups backup incr 2>&1 | tail -n 1"
    said = inside(kept.repository, backup)
    inside(kept.repository, f"mv /root/key {key}")
    assert said == f"{kept.store}: the backup failed"
    assert kept.program("backup", "incr")[0] == 0
    assert kept.program("verify")[0] == 0


def test_drift_of_either_side_is_named_and_repaired(kept: Kept) -> None:
    inside(
        kept.repository,
        "chmod 644 /etc/pgbackrest/conf.d/key.conf; systemctl disable --now -q event-store-drill.timer; "
        "chown root /srv/backups/state",
    )
    inside(
        kept.store,
        "echo 'compress-level=9' >> /etc/pgbackrest/pgbackrest.conf; chmod 640 /srv/postgresql/peer/server.key",
    )
    _, said = kept.deployment.drift()
    for one in (
        "/etc/pgbackrest/conf.d/key.conf: mode and owner are 644 root:postgres",
        "event-store-drill.timer: not running",
        "/srv/backups/state: mode and owner are 750 root:postgres",
        "/etc/pgbackrest/pgbackrest.conf: content differs",
        "/srv/postgresql/peer/server.key: mode and owner are 640 postgres, not 600 postgres",
    ):
        assert one in said
    certificate = inside(kept.store, "sha256sum /srv/postgresql/peer/server.crt")
    kept.apply()
    kept.deployment.assert_as_declared()
    assert inside(kept.store, "sha256sum /srv/postgresql/peer/server.crt") == certificate


def test_times_that_systemd_does_not_understand_are_refused(kept: Kept) -> None:
    kept.deployment.repositories[kept.repository]["full_schedule"] = "Someday 01:30"
    refused = kept.apply(check=False)
    assert refused.returncode != 0
    assert "'Someday 01:30': not a time to systemd" in refused.stderr + refused.stdout
    kept.deployment.repositories[kept.repository]["full_schedule"] = "Sat *-*-* 02:30"
    kept.apply()
    assert "OnCalendar=Sat *-*-* 02:30" in inside(kept.repository, "systemctl cat event-store-backup-full.timer")
    assert "02:30" in inside(kept.repository, "systemctl show -p TimersCalendar --value event-store-backup-full.timer")


def test_a_key_is_never_replaced(kept: Kept) -> None:
    path = ROOT / ".secrets" / f"{kept.store}.json"
    before = path.read_text()
    secrets: dict[str, dict[str, Any]] = json.loads(before)
    changes: list[tuple[Callable[[dict[str, str]], object], str]] = [
        (lambda entry: entry.pop("backup_repository"), "has no entry backup_repository"),
        (lambda entry: entry.update(backup_repository="another one than before"), "is another key than"),
    ]
    for change, said in changes:
        changed = json.loads(json.dumps(secrets))
        change(changed[f"@lxc/{kept.repository}"])
        path.write_text(json.dumps(changed))
        refused = kept.apply(check=False)
        assert refused.returncode != 0
        assert said in refused.stderr + refused.stdout
        assert "another one than before" not in refused.stdout + refused.stderr
    path.write_text(before)
    kept.deployment.assert_as_declared()


def test_a_store_is_restored_to_before_an_event(kept: Kept, tmp_path: Path) -> None:
    """The events are those that were acknowledged before; consumers, seals and erasures are told of the new history."""
    exported = tmp_path / "seals"
    before = [kept.note() for _ in range(10)]
    cursor = kept.cursor()
    with kept.deployment.connect(kept.store) as connection, connection.transaction():
        # A number that is lower, and a commit that comes later.
        connection.execute("SELECT event_store.append_event('Account', gen_random_uuid(), 0, 'Noted', '{}')")
        target = kept.note()
    after = [kept.note() for _ in range(5)]
    until(lambda: sql(kept.store, SEALED) == "t")
    assert kept.command("export-seals", "--export", str(exported)).returncode == 0
    lost_cursor, erased, moment = kept.cursor(), str(uuid4()), now(kept)
    assert kept.command("restore-point", "--name", "cut off").returncode == 0
    sql(kept.store, f"SELECT event_store.erase_subject('{erased}')")
    held = kept.events()
    planned = kept.command("restore", "-c", kept.store, "--before-event", target)
    assert planned.returncode == 1
    # With the event of the erasure, and the one of the transaction that was committed after the target.
    assert f"{len(held) - 8:,} of {len(held):,} events would be there." in planned.stdout
    assert "8 events of 8 aggregates would be lost" in planned.stdout
    assert "1 events with lower positions are of the same transaction or of later ones" in planned.stdout
    assert f"`make restore CONFIRM={kept.store}" in planned.stderr
    assert kept.events() == held
    nowhere = kept.command("restore", "--confirm", kept.store, "--before-event", target, "--export", "nowhere")
    assert (nowhere.returncode, "there is no such file" in nowhere.stderr) == (1, True)
    done = kept.command("restore", "--confirm", kept.store, "--before-event", target, "--export", str(exported))
    assert done.returncode == 0, done.stdout + done.stderr
    left = kept.events()
    assert {*before} <= left
    assert left & {target, *after} == set()
    assert len(left) == len(held) - 8 + 1  # the erasure was repeated
    assert "1 subjects were erased again" in done.stdout
    [file] = re.findall(r"events of the lost history are in (\S+),", done.stdout)
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    lost = [json.loads(line)["event_id"] for line in Path(file).read_text().splitlines()]
    assert {*lost} == held - left
    assert len(lost) == 8
    assert "replaced" in {row["kind"] for row in json.loads(kept.command("status", "--json").stdout)["rows"]}
    assert "with 8 events; they are in" in kept.command("backups").stdout
    assert sql(kept.store, f"SELECT count(*) FROM event_store.erasures WHERE subject_id = '{erased}'") == "1"
    with kept.deployment.connect(kept.store) as connection:
        assert connection.execute("SELECT count(*) FROM event_store.read_feed_after(%s)", [cursor]).fetchone() == (1,)
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("SELECT count(*) FROM event_store.read_feed_after(%s)", [lost_cursor])
        assert refused.value.sqlstate == "SE018"
    # Recorded by the restore itself.
    assert kept.command("seals", "--compare", str(exported)).returncode == 0
    kept.deployment.assert_as_declared()
    for place in (("--time", moment), ("--point", "cut off")):
        no_more = kept.command("restore", "-c", kept.store, *place)
        assert "is in a history that an earlier restore has cut off" in no_more.stderr
    assert kept.command("restore-point", "--name", "cut off").returncode == 0  # the name is free again
    # It is backed up again, on its new timeline, and what it has archived is whole.
    assert kept.program("verify")[0] == 0
    assert kept.command("drill").returncode == 0


#: All but what came in the last moment.
SEALED: Final = (
    "SELECT count(*) <= coalesce((SELECT sum(event_count) FROM event_store.seals), 0) FROM event_store.events"
)


@pytest.mark.soak
def test_a_store_is_restored_to_a_moment(kept: Kept) -> None:
    """To one before the last restore's end, even: along the history that there is now."""
    early = [kept.note() for _ in range(3)]
    time.sleep(1.1)
    moment = now(kept)
    late = [kept.note() for _ in range(3)]
    for wrong, said in (
        ("yesterday", "not a time"),
        ("2026-01-01T00:00:00", "of which time zone?"),
        ("2126-01-01T00:00:00Z", "has not come yet"),
        ("2001-01-01T00:00:00Z", "is before the end of the oldest backup"),
    ):
        refused = kept.command("restore", "--confirm", kept.store, "--time", wrong)
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
    done = kept.command("restore", "--confirm", kept.store, "--time", moment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {*early} <= kept.events()
    assert not {*late} & kept.events()


@pytest.mark.soak
def test_a_store_is_restored_to_a_named_point(kept: Kept) -> None:
    early = kept.note()
    named = kept.command("restore-point", "--name", "before the import")
    assert named.returncode == 0, named.stderr
    late = kept.note()
    again = kept.command("restore-point", "--name", "before the import")
    assert (again.returncode, "has a restore point 'before the import' already" in again.stderr) == (1, True)
    missing = kept.command("restore", "--confirm", kept.store, "--point", "nowhere")
    assert (missing.returncode, "there are before the import" in missing.stderr) == (1, True), missing.stderr
    done = kept.command("restore", "--confirm", kept.store, "--point", "before the import")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (early in kept.events(), late in kept.events()) == (True, False)


@pytest.mark.soak
def test_a_restore_without_room_or_beside_another_one_is_refused_before_it_begins(kept: Kept) -> None:
    held = kept.events()
    full = (
        "fallocate -l $(($(df -B1 --output=avail /srv/postgresql | tail -n 1) - 64 * 1024 * 1024)) /srv/postgresql/full"
    )
    inside(kept.store, full)
    refused = kept.command("restore", "--confirm", kept.store)
    inside(kept.store, "rm /srv/postgresql/full")
    assert (refused.returncode, "MiB beside the old ones" in refused.stdout + refused.stderr) == (1, True)
    holder = "setsid flock /run/event-store-restore.lock sleep 600 > /dev/null 2>&1 < /dev/null & sleep 0.2; echo $!"
    process = inside(kept.store, holder)
    refused = kept.command("restore", "--confirm", kept.store)
    inside(kept.store, f"pkill -s {process}")
    assert (refused.returncode, "a restore is at work here" in refused.stdout + refused.stderr) == (1, True)
    assert kept.events() == held
    kept.deployment.assert_as_declared()


@pytest.mark.soak
def test_what_a_store_that_does_not_answer_loses_is_kept_as_well(kept: Kept) -> None:
    early, moment = kept.note(), now(kept)
    late = {kept.note() for _ in range(3)}
    kept.switch()
    inside(kept.store, "systemctl stop postgresql")
    done = kept.command("restore", "--confirm", kept.store, "--time", moment)
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = re.findall(r"events of the lost history are in (\S+),", done.stdout)
    lost = {json.loads(line)["event_id"] for line in Path(file).read_text().splitlines()}
    assert (late <= lost, early in kept.events(), late & kept.events()) == (True, True, set())


def test_a_restore_that_fails_leaves_the_store_as_it_was(kept: Kept) -> None:
    """The WAL cannot be fetched once the backup is restored: that is not taken for its end."""
    held, later = {kept.note() for _ in range(3)}, kept.note()
    kept.switch()
    # The search has read it when the copy begins, and the copy does not need it.
    newest = inside(kept.repository, f"ls {ARCHIVE}/*/*/*/*-*.zst | sort | tail -n 1")

    def spoil() -> None:
        until(lambda: inside(kept.store, "ls -d /srv/postgresql/*/main.restor* || true"))
        flip(kept, newest)

    spoilt = threading.Thread(target=spoil)
    spoilt.start()
    failed = kept.command("restore", "--confirm", kept.store, "--before-event", later)
    spoilt.join()
    restore(kept, newest)
    assert failed.returncode == 1
    assert "the old data are in their place, and the server is stopped" in failed.stdout + failed.stderr
    kept.apply()
    assert {*held, later} <= kept.events()
    kept.deployment.assert_as_declared()
    assert inside(kept.store, "ls -d /srv/postgresql/*/main.restor* || true") == ""


def test_a_restore_that_was_killed_is_no_trouble_for_the_next_one(kept: Kept) -> None:
    """Between the exchange of the data and the end, the old ones are in the other place."""
    held, target = kept.note(), kept.note()
    kept.switch()
    data = inside(kept.store, "ls -d /srv/postgresql/*/main")
    inside(kept.store, f"cp -a {data} {data}.restored")  # as a killed one leaves the old data
    done = kept.command("restore", "--confirm", kept.store, "--before-event", target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (held in kept.events(), target in kept.events()) == (True, False)
    kept_data = inside(kept.store, f"ls -d {data}.*").splitlines()
    assert all(".before-" in path for path in kept_data)
    assert len(kept_data) >= 2
    assert kept.command("discard", "--confirm", kept.store).returncode == 0
    assert inside(kept.store, f"ls -d {data}.* 2>/dev/null || true") == ""
    kept.deployment.assert_as_declared()


@pytest.mark.parametrize(
    "moment", [pytest.param(one, marks=pytest.mark.soak) for one in (2, 5, 8, 11, 14, 17, 20, 25, 30, 40)]
)
def test_a_restore_that_a_crash_of_the_host_ends_is_finished_by_the_next_one(kept: Kept, moment: float) -> None:
    held, target = kept.note(), kept.note()
    line = [sys.executable, "-m", "deploy.commands", "restore", "-i", kept.deployment.inventory]
    with turn_lock():
        begun = subprocess.Popen(
            [*line, "--confirm", kept.store, "--before-event", target],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | SECRET,
        )  # fmt: skip
        time.sleep(moment)
        run("lxc-stop", "-n", kept.store, "-k")
        begun.kill()
        begun.wait()
    kept.apply()
    left = kept.events()
    assert held in left
    if target in left:
        done = kept.command("restore", "--confirm", kept.store, "--before-event", target)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (held in kept.events(), target in kept.events()) == (True, False)
    assert kept.command("discard", "--confirm", kept.store).returncode == 0
    kept.apply()
    kept.deployment.assert_as_declared()


def test_a_store_is_restored_into_another_container(kept: Kept) -> None:
    """For whoever wants to look. The store goes on, and the copy does nothing to its backups."""
    with copy_of(kept) as copy:
        _the_first_copy(kept, copy)
        _the_next_one_replaces_it(kept, copy)
        _a_drill_leaves_it_alone(kept, copy)
        _events_that_are_no_copy_stay(kept, copy)


@contextmanager
def copy_of(kept: Kept) -> Iterator[str]:
    """A container that the store's backups are restored into; nothing was yet."""
    name = kept.store.replace("kept", "copy")
    missing = kept.command("restore", "--into", name)
    assert (missing.returncode, f"there is no container {name}" in missing.stderr) == (1, True), missing.stderr
    kept.deployment.containers |= declared(name)
    kept.deployment.containers[name]["copy_of"] = kept.store
    try:
        kept.apply()
        yield name
    finally:
        kept.deployment.run("deploy/destroy.py", "-y", "--data", f"confirm={name}", "--data", "volumes=delete")
        del kept.deployment.containers[name]
    kept.apply()


def ids_in(container: str) -> set[str]:
    return {*sql(container, "SELECT event_id FROM event_store.events").split()}


def _the_first_copy(kept: Kept, copy: str) -> None:
    before, target = {kept.note() for _ in range(3)}, kept.note()
    held, timelines = kept.events(), inside(kept.repository, f"ls {ARCHIVE}/*/*/*.history || true")
    planned = kept.command("restore", "--into", copy, "--before-event", target)
    assert planned.returncode == 1
    assert f"@lxc/{copy}, as a copy of @lxc/{kept.store}, would be restored" in planned.stdout
    assert f"{len(held) - 1:,} of {len(held):,} events would be there." in planned.stdout
    assert "an event store without an event, makes way for that" in planned.stdout
    erased = str(uuid4())
    sql(kept.store, f"SELECT event_store.erase_subject('{erased}')")
    done = kept.command("restore", "--into", copy, "--confirm", copy, "--before-event", target)
    assert done.returncode == 0, done.stdout + done.stderr
    left = ids_in(copy)
    assert (before <= left, target in left, len(left)) == (True, False, len(held) - 1 + 1)  # and the erasure
    assert sql(copy, f"SELECT count(*) FROM event_store.erasures WHERE subject_id = '{erased}'") == "1"
    sql(copy, "SELECT pg_switch_wal()")
    assert inside(kept.repository, f"ls {ARCHIVE}/*/*/*.history || true") == timelines
    with kept.deployment.connect(copy) as connection:  # with the password of its own
        connection.execute("SELECT count(*) FROM event_store.events")
    kept.deployment.assert_as_declared()
    kept.deployment.verify("-k", copy)
    rows = json.loads(kept.command("status", "--json").stdout)["rows"]
    assert [row["detail"].split()[0] for row in rows if row["kind"] == "copy"] == ["restored"]
    assert f"is a copy of {kept.store}" in kept.command("dsn", "-c", copy).stderr


def _the_next_one_replaces_it(kept: Kept, copy: str) -> None:
    """Also while the event store does not answer: what was erased is read out of the newest that its backups have."""
    assert "with INTO, the data of" in kept.command("restore", "--into", copy, "--confirm", kept.store).stderr
    early, moment = kept.note(), now(kept)
    late, erased = kept.note(), str(uuid4())
    sql(kept.store, f"SELECT event_store.erase_subject('{erased}')")
    kept.switch()
    inside(kept.store, "systemctl stop postgresql")
    planned = kept.command("restore", "--into", copy, "--time", moment)
    assert f"@lxc/{kept.store} does not answer, so nobody can count" in planned.stdout
    assert "is restored aside first" in planned.stdout
    assert "an earlier copy, makes way for that" in planned.stdout
    done = kept.command("restore", "--into", copy, "--confirm", copy, "--time", moment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (early in ids_in(copy), late in ids_in(copy)) == (True, False)
    assert sql(copy, f"SELECT count(*) FROM event_store.erasures WHERE subject_id = '{erased}'") == "1"
    assert inside(copy, "ls -d /srv/postgresql/*/main.* || true") == ""
    assert inside(kept.repository, "ls -A /srv/backups/scratch") == ""
    inside(kept.store, "systemctl start postgresql")


def _a_drill_leaves_it_alone(kept: Kept, copy: str) -> None:
    held = ids_in(copy)
    done = kept.command("drill", "--into", copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"drilled 0 days ago \(restored in \d+ s in {copy}\)", kept.rows()["backups"][1])
    assert inside(copy, "ls -A /srv/postgresql/scratch") == ""
    assert ids_in(copy) == held


def _events_that_are_no_copy_stay(kept: Kept, copy: str) -> None:
    inside(copy, "rm /srv/postgresql/*/main/copied_by_event_store")
    refused = kept.command("restore", "--into", copy, "--confirm", copy)
    assert (refused.returncode, "events that were not restored into it" in refused.stderr) == (1, True)


def test_another_cluster_under_the_same_name_is_refused_until_the_old_backups_are_set_aside(kept: Kept) -> None:
    confirm = ("--data", f"confirm={kept.store}", "--data", "volumes=delete")
    last = kept.note()
    kept.switch()
    kept.deployment.run("deploy/destroy.py", "-y", *confirm)
    refused = kept.apply(check=False)
    assert refused.returncode != 0
    said, old = refused.stdout + refused.stderr, _cluster(kept, 0)
    assert f"has backups of another cluster ({old}) under the name {kept.store}" in said
    # The store that was lost comes back, or what there is of it is kept.
    lost = kept.command("restore", "--confirm", kept.store)
    assert lost.returncode == 0, lost.stdout + lost.stderr
    assert f"@lxc/{kept.store} has another cluster now" in lost.stdout
    assert last in kept.events()
    kept.deployment.run("deploy/destroy.py", "-y", *confirm)
    assert kept.apply(check=False).returncode != 0
    wrong = kept.program("set-aside", "--cluster=1", kept.store)
    assert (wrong[0], f"the backups are of cluster {old}" in wrong[1]) == (1, True)
    status, aside = kept.program("set-aside", f"--cluster={old}", kept.store)
    assert (status, f"{kept.store}: kept as {kept.store}." in aside) == (0, True), aside
    kept.apply()
    until(lambda: kept.rows()["backups"][0] == "well")
    kept.deployment.assert_as_declared()


def _cluster(kept: Kept, number: int) -> str:
    """The identifier of a cluster that the repository knows."""
    info = inside(
        kept.repository, f"{AS_POSTGRES} pgbackrest --stanza={kept.store} --output=json info --log-level-console=off"
    )
    return str(json.loads(info)[0]["db"][number]["system-id"])


@pytest.mark.soak
def test_a_repository_in_a_bucket_is_one_like_any_other(kept: Kept, tmp_path: Path) -> None:
    """The storage listens in the repository's container, on its loopback."""
    names = ("storage.crt", "storage.key")
    certificate, key = (tmp_path / name for name in names)
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate),
    )  # fmt: skip
    there = ["nsenter", "--net", "--target", str(init_pid(kept.repository))]
    server = str(Path(__file__).with_name("object_storage.py"))
    bucket = {"s3_bucket": "kept-here", "s3_endpoint": "localhost:9000", "s3_region": "us-east-1"}
    bucket |= {"s3_addressing": "path", "s3_authorities": str(certificate)}
    with subprocess.Popen(
        [*there, sys.executable, server, str(certificate), str(key)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as storage:  # fmt: skip
        try:
            context = f"ssl.create_default_context(cafile={str(certificate)!r})"
            asked = "urllib.request.Request('https://localhost:9000/kept-here', method='PUT')"
            make = f"import ssl, urllib.request; urllib.request.urlopen({asked}, context={context})"
            until(lambda: run(*there, sys.executable, "-c", make, check=False).returncode == 0)
            kept.deployment.repositories[kept.repository] |= bucket
            refused = kept.apply(check=False)
            assert "has no entry s3_key of @lxc/" in refused.stderr + refused.stdout
            path = ROOT / ".secrets" / f"{kept.store}.json"
            secrets = json.loads(path.read_text())
            secrets[f"@lxc/{kept.repository}"] |= {"s3_key": "an-access-key", "s3_secret": "the secret of the bucket"}
            path.write_text(json.dumps(secrets))
            applied = kept.apply()
            assert "the secret of the bucket" not in applied.stdout + applied.stderr
            until(lambda: kept.rows()["backups"][0] == "well")
            until(lambda: kept.rows()["archive"][0] == "well")
            kept.deployment.assert_as_declared()
            before, target = kept.note(), kept.note()
            kept.deployment.verify("-k", "repository or kept")
            assert kept.command("backup").returncode == 0
            assert kept.program("verify") == (0, f"{kept.store}: everything that is kept is whole")
            drilled = kept.command("drill")
            assert drilled.returncode == 0, drilled.stdout + drilled.stderr
            done = kept.command("restore", "--confirm", kept.store, "--before-event", target)
            assert done.returncode == 0, done.stdout + done.stderr
            assert (before in kept.events(), target in kept.events()) == (True, False)
            status, said = kept.program("set-aside", f"--cluster={_cluster(kept, -1)}", kept.store)
            assert (status, "the backups are in a bucket" in said) == (1, True), said
        finally:
            for name in bucket:
                kept.deployment.repositories[kept.repository].pop(name, None)
            kept.apply(check=False)
            storage.terminate()
    # Those on the volume are of a time before the restore.
    kept.apply()
    inside(kept.repository, "[ ! -e /etc/pgbackrest/conf.d/object-storage.conf ]")


def test_backups_are_turned_off_again(kept: Kept) -> None:
    kept.deployment.containers[kept.store].pop("backup_repository")
    kept.apply()
    assert sql(kept.store, "SHOW archive_mode") == "off"
    assert inside(kept.store, "systemctl is-active pgbackrest || true") == "inactive"
    kept.deployment.assert_as_declared()
    # What there is stays, until somebody removes it.
    assert kept.store in inside(kept.repository, "ls /srv/backups/repository/backup")
