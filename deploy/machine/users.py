"""Users of the operating system that services run as."""

from dataclasses import dataclass
from typing import Final

from pyinfra.api import FactBase, QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, report
from deploy.machine.look import look
from deploy.machine.records import Difference

_HOME: Final = "/nonexistent"
_SHELL: Final = "/usr/sbin/nologin"


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


@operation()
def have_user(user: str) -> Commands:
    """Have a user that nobody can log in as, without a home and in no other group."""
    present: User | None = look(SystemUser, user=user)
    wanted = User(_HOME, _SHELL, [user], locked=True)
    if present == wanted:
        host.noop(f"user {user} is as declared")
    elif present is None:
        report([Difference(f"user {user}", "missing")])
        yield f"useradd --system --user-group --no-create-home --home-dir {_HOME} --shell {_SHELL} {user}"
    else:
        names = ("home", "shell", "groups", "locked")
        report(
            Difference(f"user {user}", f"{name} is {getattr(present, name)}, not {getattr(wanted, name)}")
            for name in names
            if getattr(present, name) != getattr(wanted, name)
        )
        yield f"usermod --home {_HOME} --shell {_SHELL} --gid {user} --groups '' --password '!' {user}"
