from decimal import Decimal

from deploy.machine.questions import Ask
from deploy.machine.services import Service, Services, Show

FEED = """\
Id=event-store@feed.service
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
DropInPaths=/etc/systemd/system/event-store@.service.d/a.conf /run/b.conf
ExecMainStartTimestamp=Sat 2026-11-21 13:14:47.123456 UTC
"""
STARTED = Decimal("1795266887.123456")
SEALS = FEED.replace("feed", "seals").replace("=active", "=failed")


def services(text: str) -> dict[str, Service]:
    return Services().process(text.splitlines())


def test_a_service_that_runs_as_declared() -> None:
    drop_ins = ("/etc/systemd/system/event-store@.service.d/a.conf", "/run/b.conf")
    service = Service("active", enabled=True, drop_ins=drop_ins, started=STARTED)
    assert services(FEED) == {"event-store@feed.service": service}


def test_services_are_told_apart() -> None:
    assert [one.state for one in services(f"{FEED}\n{SEALS}").values()] == ["active", "failed"]


def test_a_service_that_never_started_is_older_than_every_file() -> None:
    (found,) = services(FEED.replace("Sat 2026-11-21 13:14:47.123456 UTC", "")).values()
    assert found.started == 0


def test_a_definition_that_systemd_has_not_read_is_said() -> None:
    (changed,) = services(FEED.replace("NeedDaemonReload=no", "NeedDaemonReload=yes")).values()
    assert changed.reload_due


def test_a_blank_machine_has_no_services() -> None:
    assert Services.default() == services("") == {}


def test_each_question_gets_its_own_services_back_from_one_command() -> None:
    feed, seals = "event-store@feed.service", "event-store@seals.service"
    asks = [Ask(Services, units=units) for units in ([seals], [feed, seals], ["other.service"])]
    assert Show().command(asks).count(seals) == 1
    answers = [Services().process(lines) for lines in Show().split(f"{SEALS}\n{FEED}".splitlines(), asks)]
    assert [set(answer) for answer in answers] == [{seals}, {feed, seals}, set()]
