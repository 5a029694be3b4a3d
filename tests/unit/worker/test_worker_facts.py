from decimal import Decimal

from deploy.machine.files import Entry
from deploy.machine.services import Service
from deploy.machine.users import SystemUser, User
from deploy.worker.facts import ForeignUnits
from deploy.worker.operations import restart_reasons


def test_a_process_is_stale_where_a_file_is_newer_by_whatever_little() -> None:
    service = Service("active", enabled=True, started=Decimal("1795266887.123456"))
    for fraction, stale in (("123455", []), ("123457000", ["started before /etc/x was written"])):
        files = {"/etc/x": Entry(folder=False, mode="644", modified=Decimal(f"1795266887.{fraction}"))}
        assert restart_reasons(service, files, []) == stale


def test_a_process_that_systemd_would_start_otherwise_is_restarted() -> None:
    assert restart_reasons(Service("active", enabled=True, reload_due=True), {}, []) != []


def test_what_changes_the_definition_is_found() -> None:
    paths = ["/run/systemd/system/event-store@x.service", "/etc/systemd/system/event-store@feed.service.d/my own.conf"]
    assert ForeignUnits().process(paths) == sorted(paths)


def test_a_blank_machine_has_no_user() -> None:
    assert SystemUser.default() is None


def test_a_user_is_read_with_its_groups_in_any_order() -> None:
    assert SystemUser().process(["/nonexistent:/usr/sbin/nologin", "!", "b a"]) == User(
        "/nonexistent", "/usr/sbin/nologin", ["a", "b"], locked=True
    )
    assert not SystemUser().process(["/:/bin/sh", "$", "a"]).locked
    assert not SystemUser().process(["/:/bin/sh", "", "a"]).locked
