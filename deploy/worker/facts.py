"""The worker in a container: its user, and who else has a say in its services."""

from dataclasses import dataclass

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


class ForeignUnits(FactBase[list[str]]):
    """Files that mask a unit of a template, or define or change it, loaded by systemd or not yet."""

    @staticmethod
    def default() -> list[str]:
        """None."""
        return []

    def command(self, template: str) -> str:
        """Wherever systemd looks before ``template`` (a path), and beside it."""
        folder, _, name = template.rpartition("/")
        pattern = name.replace("@.", "@*.")
        folders = f"{folder} {folder}.control /run/systemd/system /run/systemd/system.control /run/systemd/transient"
        return (
            f"find {folders} -path '*.wants' -prune -o \\( -name '{pattern}' -o -path '*/{pattern}.d/*' \\) "
            f"! -type d ! -path {template} -print 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> list[str]:
        """A path in each line."""
        return sorted(output)
