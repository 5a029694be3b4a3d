"""Operations for systemd units, on LXC hosts and in containers alike."""

from pyinfra.api import operation
from pyinfra.context import host

from deploy.lxc.host.facts import MachineFact, Services
from deploy.machine.differences import Commands, report
from deploy.machine.look import look


@operation()
def enable(unit: str) -> Commands:
    """Have a unit enabled and active, where systemd is there to do it."""
    state: dict[str, dict[str, str]] = look(Services, units=[unit])
    properties = state.get(unit, {})
    if not look(MachineFact).systemd:
        host.noop(f"{unit}: no systemd here")
        return
    missing = [
        (what, verb)
        for what, verb, there in (
            ("enabled", "enable --quiet", properties.get("UnitFileState") == "enabled"),
            ("active", "start", properties.get("ActiveState") == "active"),
        )
        if not there
    ]
    report(f"{unit}: not {what}" for what, _ in missing)
    for _, verb in missing:
        yield f"systemctl {verb} {unit}"
