"""The worker in a container: its user and its services."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pyinfra.api import FactBase, QuoteString, StringCommand


@dataclass(frozen=True)
class User:
    """A user of the operating system."""

    home: str
    shell: str
    groups: list[str]
    locked: bool
    """There is no password to log in with."""


class SystemUser(FactBase[User | None]):
    """See `User`; None if there is no such user."""

    def command(self, user: str) -> StringCommand:
        """Three lines: home and shell, the first character of the password's hash, groups."""
        quoted = QuoteString(user)
        return StringCommand(
            "! getent passwd", quoted, "| cut -d: -f6-7 | grep . || { getent shadow", quoted, "| cut -d: -f2 | cut -c1; id -nG", quoted, "; }",
        )  # fmt: skip

    def process(self, output: list[str]) -> User:
        """See `command`."""
        home, _, shell = output[0].partition(":")
        return User(home, shell, sorted(output[2].split()), locked=output[1] in ("!", "*"))


@dataclass(frozen=True)
class Unit:
    """One service; the defaults are those of one that systemd does not know."""

    state: str = "inactive"
    enabled: bool = False
    stale: list[str] = field(default_factory=list)
    """Files that are newer than its process."""
    reload_due: bool = False
    """systemd has another definition in mind than the files say."""


@dataclass(frozen=True)
class Worker:
    """The worker's services."""

    units: dict[str, Unit] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    """Files that mask a unit of the template, or define or change it, loaded by systemd or not yet."""


class WorkerFact(FactBase[Worker]):
    """See `Worker`."""

    @staticmethod
    def default() -> Worker:
        """A blank machine."""
        return Worker()

    def command(self, units: list[str], template: str, files: list[str]) -> StringCommand:
        """One call for all ``units`` of ``template`` (a path), then the times of ``files``, then what is foreign."""
        names = "Id,ActiveState,UnitFileState,NeedDaemonReload,ExecMainStartTimestamp"
        folder, _, name = template.rpartition("/")
        pattern = name.replace("@.", "@*.")
        folders = f"{folder} {folder}.control /run/systemd/system /run/systemd/system.control /run/systemd/transient"
        return StringCommand(
            f"systemctl show --timestamp=us+utc --property={names} --", *[QuoteString(unit) for unit in units],
            "&& { stat -c 'file %.9Y %n' --", *[QuoteString(file) for file in files], "2>/dev/null;",
            f"find {folders} -path '*.wants' -prune -o \\( -name '{pattern}' -o -path '*/{pattern}.d/*' \\)",
            f"! -type d ! -path {template} -printf 'foreign %p\\n' 2>/dev/null; }} || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> Worker:
        """Blocks of ``Property=value``, then lines ``file TIME NAME`` and ``foreign NAME``."""
        lines = [line.split(" ", 2) for line in output]
        changed = {words[2]: Decimal(words[1]) for words in lines if words[0] == "file"}
        foreign = [line.removeprefix("foreign ") for line in output if line.startswith("foreign ")]
        blocks = "\n".join(line for line in output if not line.startswith(("file ", "foreign "))).split("\n\n")
        properties = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        return Worker({one["Id"]: _unit(one, changed) for one in properties if one}, sorted(foreign))


def _unit(properties: dict[str, str], changed: dict[str, Decimal]) -> Unit:
    started = _seconds(properties["ExecMainStartTimestamp"])
    return Unit(
        state=properties["ActiveState"],
        enabled=properties["UnitFileState"] == "enabled",
        stale=[name for name, time in changed.items() if time > started],
        reload_due=properties["NeedDaemonReload"] == "yes",
    )


def _seconds(timestamp: str) -> Decimal:
    """Since 1970; 0 if it never started."""
    if not timestamp:
        return Decimal(0)
    moment = datetime.strptime(f"{timestamp.removesuffix(' UTC')} +0000", "%a %Y-%m-%d %H:%M:%S.%f %z")
    return Decimal(int(moment.timestamp())) + Decimal(moment.microsecond).scaleb(-6)
