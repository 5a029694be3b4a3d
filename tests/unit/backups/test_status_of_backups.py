"""What `make status` says of backups and of the archive."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.backups.facts import Archiver, ArchiverFact, ForeignBackups, Stanza, StanzasFact
from deploy.backups.restoring import Replaced
from deploy.backups.status import of_archiver, of_replaced, of_stanza
from deploy.machine.status import State

DAY = 86_400
NOW = 1_000 * DAY


def backup(age: float, kind: str = "full", **more: Any) -> dict[str, Any]:
    """One that was made so many hours ago."""
    return {"label": "one", "type": kind, "timestamp": {"start": 0, "stop": NOW - age * 3600}, **more}


def check(days: float, *problems: str, **more: Any) -> dict[str, Any]:
    return {"at": NOW - days * DAY, "problems": list(problems), **more}


WELL = Stanza(
    there=True,
    backups=(backup(200), backup(2, "incr")),
    verified=check(1, labels=["one"]),
    drilled=check(2, restore_seconds=40.2, recovery_seconds=2.1),
)


def test_all_is_well() -> None:
    said = "2 backups, the last one (incr) 2 hours ago; verified 1 days ago; drilled 2 days ago (restored in 42 s)"
    assert of_stanza(WELL, NOW) == (State.WELL, said)


@pytest.mark.parametrize(
    ("stanza", "said"),
    [
        (Stanza(there=True), "not backed up"),
        (replace(WELL, trouble="different across repositories"), "different across repositories"),
        (replace(WELL, backups=(backup(30),)), "30 hours old"),
        (replace(WELL, backups=(*WELL.backups, backup(1, error=True))), "one has damaged pages"),
        (replace(WELL, verified=check(1, "WAL is missing")), "WAL is missing"),
        (replace(WELL, verified=check(9)), "verified 9 days ago; drilled 2 days ago (restored in 42 s); overdue"),
        (replace(WELL, drilled=check(2, "versions with gaps")), "versions with gaps"),
        (replace(WELL, drilled=None, backups=(backup(9 * 24), backup(1))), "not drilled yet; overdue"),
        (replace(WELL, undrilled=check(0, "the data volume has 3 MiB left")), "has 3 MiB left"),
    ],
)
def test_what_is_not_well_is_said(stanza: Stanza, said: str) -> None:
    state, detail = of_stanza(stanza, NOW)
    assert state == State.DEGRADED
    assert said in detail


def test_what_has_not_been_checked_yet_is_no_trouble_at_first() -> None:
    state, detail = of_stanza(replace(WELL, backups=(backup(30), backup(20)), verified=None, drilled=None), NOW)
    assert (state, detail.partition("; ")[2]) == (State.WELL, "not verified yet; not drilled yet")


def test_an_archive_is_behind_by_segments_and_not_by_time() -> None:
    idle = Archiver(None, "on", "000000010000000000000007", "000000010000000000000006", "", 0)
    assert of_archiver(idle)[0] == State.WELL
    assert of_archiver(replace(idle, waiting=3, seconds=20))[0] == State.WELL
    state, detail = of_archiver(replace(idle, waiting=3, seconds=90))
    assert (state, "3 segments of 16 MB wait on the data volume, the first one for 90 s" in detail) == (
        State.DEGRADED,
        True,
    )
    state, detail = of_archiver(replace(idle, failed="000000010000000000000006", waiting=1))
    assert state == State.DEGRADED
    assert "000000010000000000000006 cannot be archived" in detail
    assert of_archiver(replace(idle, mode="off"))[0] == State.DOWN
    assert of_archiver(Archiver())[0] == State.DOWN


def test_a_report_of_the_program_is_read() -> None:
    report = """{"one": {"info": {"name": "one", "status": {"code": 2, "message": "no valid backups"}},
                 "verify": null, "drill": null, "failed-drill": null},
                 "two": {"info": {}, "verify": null, "drill": null, "failed-drill": null},
                 "three": {"info": {"status": {"code": 4, "message": "different"}}, "verify": null, "drill": null,
                           "failed-drill": null}}"""
    read = StanzasFact().process(report.splitlines())
    assert read == {"one": Stanza(there=True), "two": Stanza(), "three": Stanza(there=True, trouble="different")}
    assert StanzasFact.default() is None
    assert ArchiverFact().process(["!server-down"]).silence


def test_backups_of_another_cluster_are_known_by_its_identifier() -> None:
    said = '[{"db": [{"id": 1, "system-id": 7}, {"id": 2, "system-id": 8}], "name": "one"}]'
    assert ForeignBackups().process(["9", said]) == "8"
    assert ForeignBackups().process(["8", said]) == ""
    assert ForeignBackups().process(["9"]) == ""
    assert ForeignBackups().process(["9", "[]"]) == ""


def test_data_that_were_replaced_are_said_with_their_size_and_age() -> None:
    lines = ["1048576\t/srv/main.before-20261129-080910", "3145728\t/srv/main.before-20261128-000000"]
    replaced = Replaced().process(lines)
    assert of_replaced("one", replaced) == (
        State.WELL,
        "4 MiB that restores have replaced, the first ones at 2026-11-28 00:00:00Z; `make discard CONFIRM=one` removes them",
    )


def test_a_drill_elsewhere_says_where() -> None:
    drilled = check(2, restore_seconds=40.2, recovery_seconds=2.1, where="two")
    assert "drilled 2 days ago (restored in 42 s in two)" in of_stanza(replace(WELL, drilled=drilled), NOW)[1]
