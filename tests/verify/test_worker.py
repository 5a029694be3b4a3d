"""The worker: its services run as declared, confined and by themselves, and what follows appends has followed."""

import pytest
from testinfra.host import Host

from deploy.machine.files import Entries
from deploy.machine.services import Service, Services
from deploy.machine.users import SystemUser, User
from deploy.model.event_stores import DATABASE, WORKER_ROLE, EventStore
from deploy.worker.deploy import PAUSES, SQL_FILE, UNIT_FILE, UNITS, sql_file, unit_file
from deploy.worker.facts import ForeignUnits

from .server import Server

#: All of it is about event stores.
KIND = EventStore


@pytest.fixture(autouse=True)
def _not_in_a_copy(store: EventStore) -> None:
    if store.copy_of:
        pytest.skip("not verifiable here: a copy has no worker")


@pytest.fixture(scope="module")
def services(inside: Host) -> dict[str, Service]:
    command = Services().command(units=UNITS)
    return Services().process(inside.check_output(command.get_raw_value()).splitlines())


@pytest.mark.parametrize("unit", UNITS)
def test_service_runs_what_its_files_say_now_and_after_a_boot(
    inside: Host, services: dict[str, Service], unit: str
) -> None:
    service = services[unit]
    assert (service.state, service.enabled, service.reload_due) == ("active", True, False)
    command = Entries().command(paths=[UNIT_FILE, SQL_FILE])
    files = Entries().process(inside.check_output(command.get_raw_value()).splitlines())
    assert {path for path, file in files.items() if file.modified < service.started} == {UNIT_FILE, SQL_FILE}


def test_nothing_but_the_template_defines_the_services(inside: Host) -> None:
    assert inside.check_output(ForeignUnits().command(template=UNIT_FILE)) == ""


def test_files_are_the_declared_ones(inside: Host, store: EventStore) -> None:
    for path, text in ((UNIT_FILE, unit_file(store)), (SQL_FILE, sql_file())):
        file = inside.file(path)
        assert file.content_string == text
        assert (file.user, file.group, file.mode) == ("root", "root", 0o644)


def test_nobody_can_log_in_as_its_user(inside: Host) -> None:
    output = inside.check_output(SystemUser().command(user=WORKER_ROLE).get_raw_value())
    assert SystemUser().process(output.splitlines()) == User(
        "/nonexistent", "/usr/sbin/nologin", [WORKER_ROLE], locked=True
    )


@pytest.mark.parametrize("unit", UNITS)
def test_process_has_no_privilege(inside: Host, unit: str) -> None:
    status = inside.check_output("cat /proc/$(systemctl show --property=MainPID --value %s)/status", unit)
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert "0" not in fields["Uid"].split()


@pytest.mark.parametrize(("instance", "pause"), PAUSES.items())
def test_last_round_was_a_moment_ago_or_goes_on(server: Server, instance: str, pause: float) -> None:
    """A refresh of a large view takes seconds; who waits for somebody's lock does not go on."""
    rows = server.rows(f"""
        SELECT usename, datname, extract(epoch FROM clock_timestamp() - query_start
               - CASE WHEN state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock' THEN interval '1 minute'
                      ELSE '0' END) AS ago
          FROM pg_stat_activity WHERE application_name = 'event-store@{instance}'""")
    assert [(row["usename"], row["datname"]) for row in rows] == [(WORKER_ROLE, DATABASE)]
    assert rows[0]["ago"] < pause + 1


def test_projections_have_every_event_that_is_older_than_a_second(server: Server) -> None:
    behind = """
        SELECT p.projection_name, p.status, p.error_message FROM event_store.projections p
         WHERE p.status <> 'active' OR EXISTS (
               SELECT FROM event_store.events e
                WHERE (e.transaction_id, e.global_position) > (p.last_transaction_id, p.last_global_position)
                  AND e.transaction_id < event_store.feed_horizon() AND e.created_at < now() - interval '1 second')"""
    assert server.rows(behind, DATABASE) == []


def test_settings_of_the_store_are_the_declared_ones(server: Server, store: EventStore) -> None:
    settings = server.rows(
        "SELECT unknown_event_types, extract(year FROM retention) AS years FROM event_store.settings", DATABASE
    )
    assert settings == [{"unknown_event_types": store.unknown_event_types, "years": store.retention_years}]


def test_feed_needs_no_rebase(server: Server) -> None:
    assert server.value("event_store.is_rebase_due()", DATABASE) == "f"
