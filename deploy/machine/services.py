"""What systemd says of a machine's services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.machine.questions import Ask


@dataclass(frozen=True)
class Service:
    """A unit as systemd sees it; the defaults are those of one that it does not know."""

    state: str = "inactive"
    enabled: bool = False
    reload_due: bool = False
    """systemd has another definition in mind than the files say."""
    drop_ins: tuple[str, ...] = ()
    """The files that systemd has read beside the unit's own."""
    started: Decimal = Decimal(0)
    """When its process was started, in seconds since 1970; 0 if it never was."""


@dataclass(frozen=True)
class Show:
    """All with one process."""

    def command(self, asks: Sequence[Ask]) -> str:
        """Each unit once."""
        return (
            Services().command(list(dict.fromkeys(unit for ask in asks for unit in ask.names("units")))).get_raw_value()
        )

    def split(self, output: list[str], asks: Sequence[Ask]) -> list[list[str]]:
        """By the unit that a block is of."""
        blocks = [block.splitlines() for block in "\n".join(output).split("\n\n")]
        wanted = [{f"Id={unit}" for unit in ask.names("units")} for ask in asks]
        return [[line for block in blocks if units & {*block} for line in (*block, "")] for units in wanted]


class Services(FactBase[dict[str, Service]]):
    """Some units: unit → `Service`; empty if systemd is not PID 1."""

    @staticmethod
    def default() -> dict[str, Service]:
        """Not there."""
        return {}

    def command(self, units: list[str]) -> StringCommand:
        """Blocks of ``Property=value`` with an empty line between."""
        return StringCommand(
            "[ ! -d /run/systemd/system ] || systemctl show --timestamp=us+utc",
            "--property=Id,ActiveState,UnitFileState,NeedDaemonReload,DropInPaths,ExecMainStartTimestamp --",
            *map(QuoteString, units),
        )

    def together(self, units: list[str]) -> Show:  # noqa: ARG002  any units
        """See `Show`."""
        return Show()

    def process(self, output: list[str]) -> dict[str, Service]:
        """See `command`."""
        blocks = "\n".join(output).split("\n\n")
        properties = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        return {
            unit["Id"]: Service(
                state=unit["ActiveState"],
                enabled=unit["UnitFileState"] == "enabled",
                reload_due=unit["NeedDaemonReload"] == "yes",
                drop_ins=tuple(unit.get("DropInPaths", "").split()),
                started=_seconds(unit.get("ExecMainStartTimestamp", "")),
            )
            for unit in properties
            if unit
        }


def _seconds(timestamp: str) -> Decimal:
    """Since 1970; 0 for a time that never was."""
    if not timestamp:
        return Decimal(0)
    moment = datetime.strptime(f"{timestamp.removesuffix(' UTC')} +0000", "%a %Y-%m-%d %H:%M:%S.%f %z")
    return Decimal(int(moment.timestamp())) + Decimal(moment.microsecond).scaleb(-6)
