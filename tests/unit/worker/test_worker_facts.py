from decimal import Decimal

from deploy.worker.facts import SystemUser, Unit, User, Worker, WorkerFact

FEED = """\
Id=event-store@feed.service
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
ExecMainStartTimestamp=Sat 2026-11-21 13:14:47.123456 UTC
"""
# 2026-11-21 13:14:47 UTC
STARTED = 1_795_266_887


def units(text: str) -> dict[str, Unit]:
    return WorkerFact().process(text.splitlines()).units


def test_a_unit_that_runs_as_declared() -> None:
    assert units(FEED) == {"event-store@feed.service": Unit("active", enabled=True)}


def test_units_are_told_apart() -> None:
    found = units(f"{FEED}\n{FEED.replace('feed', 'seals').replace('=active', '=failed')}")
    assert [unit.state for unit in found.values()] == ["active", "failed"]


def test_a_process_is_stale_where_a_file_is_newer_by_whatever_little() -> None:
    for micro, stale in ((Decimal("0.123455"), []), (Decimal("0.123457000"), ["/etc/x"])):
        (found,) = units(f"{FEED}file {STARTED + micro} /etc/x").values()
        assert found.stale == stale


def test_a_unit_that_never_started_is_older_than_every_file() -> None:
    (found,) = units(FEED.replace("Sat 2026-11-21 13:14:47.123456 UTC", "") + "file 1.5 /etc/x").values()
    assert found.stale == ["/etc/x"]


def test_what_changes_the_definition_is_found() -> None:
    own, mask = (
        "/etc/systemd/system/event-store@feed.service.d/my own.conf",
        "/run/systemd/system/event-store@x.service",
    )
    found = WorkerFact().process([*FEED.splitlines(), f"foreign {own}", f"foreign {mask}"])
    assert found.foreign == [own, mask]
    assert found.units == units(FEED)
    (changed,) = units(FEED.replace("NeedDaemonReload=no", "NeedDaemonReload=yes")).values()
    assert changed.reload_due


def test_a_blank_machine_has_no_units_and_no_user() -> None:
    assert WorkerFact.default() == Worker()
    assert units("") == {}
    assert SystemUser.default() is None


def test_a_user_is_read_with_its_groups_in_any_order() -> None:
    assert SystemUser().process(["/nonexistent:/usr/sbin/nologin", "!", "b a"]) == User(
        "/nonexistent", "/usr/sbin/nologin", ["a", "b"], locked=True
    )
    assert not SystemUser().process(["/:/bin/sh", "$", "a"]).locked
    assert not SystemUser().process(["/:/bin/sh", "", "a"]).locked
