"""The texts of the worker's unit and of what psql runs in it."""

import re

import pytest
from declared import container

from deploy.worker import deploy as worker


@pytest.mark.parametrize(("release", "version"), [("trixie", 17), ("bookworm", 15)])
def test_the_unit_goes_with_the_server_of_its_version(release: str, version: int) -> None:
    lines = worker.unit_file(container(release=release)).splitlines()
    server = f"postgresql@{version}-main.service"
    assert {f"PartOf={server}", f"After={server}", f"WantedBy={server}", "User=event_store_worker"} <= set(lines)
    assert any(line.startswith(f"ExecStart=/usr/lib/postgresql/{version}/bin/psql -X ") for line in lines)


def test_the_unit_never_starts_the_server() -> None:
    keys = {line.partition("=")[0] for line in worker.unit_file(container()).splitlines()}
    assert not keys & {"Requires", "BindsTo", "Wants", "Requisite"}


def test_every_instance_has_a_pause_and_a_function_of_its_own() -> None:
    sql = worker.sql_file()
    assert dict(re.findall(r"WHEN '(\w+)' THEN ([\d.]+)", sql)) == {
        name: str(seconds) for name, seconds in worker.PAUSES.items()
    }
    assert [f"event-store@{name}.service" for name in worker.PAUSES] == worker.UNITS
    assert "\\set function work_ :instance\n" in sql
    assert sql.endswith("\\watch :pause\n")
