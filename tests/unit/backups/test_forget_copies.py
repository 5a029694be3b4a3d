"""What a host does that is to make no copies of a repository any more."""

from decimal import Decimal
from typing import Any

import pytest

from deploy.backups.copies import operations
from deploy.machine.facts import Machine, MachineFact
from deploy.machine.files import Entry

UNIT = "event-store-copies-kept.timer"
FILES = [f"/etc/systemd/system/{UNIT}", "/etc/event-store/copies/kept.json"]


@pytest.mark.parametrize("systemd", [True, False])
def test_systemd_is_told_of_a_unit_that_is_gone(systemd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(fact: type, **_: Any) -> Any:
        return Machine(systemd=systemd) if fact is MachineFact else {FILES[0]: Entry(False, "644", Decimal(0))}

    monkeypatch.setattr(operations, "look", look)
    monkeypatch.setattr(operations, "report", list)
    commands = [str(command) for command in operations.forget._inner(unit=UNIT, files=FILES)]
    assert commands[-1] == f"rm -f -- {FILES[0]}" + (" && systemctl daemon-reload" if systemd else "")
    assert [command.split()[:2] for command in commands[:-1]] == ([["systemctl", "disable"]] if systemd else [])
