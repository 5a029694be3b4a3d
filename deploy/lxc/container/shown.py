"""Folders of an LXC host that a container sees and cannot write."""

from pathlib import PurePosixPath

from pyinfra.api import FactBase, QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, refuse, report
from deploy.machine.look import look
from deploy.machine.questions import Ask
from deploy.machine.records import Difference
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost


class Folders(FactBase[dict[str, str]]):
    """Some paths: path → its mode and owner, as ``750 0:1000000``; without those that are no folders. No link is followed."""

    @staticmethod
    def default() -> dict[str, str]:
        """A blank machine."""
        return {}

    def command(self, paths: list[str]) -> StringCommand:
        """A line for each."""
        words = StringCommand(*map(QuoteString, paths))
        return StringCommand(
            "for path in",
            words,
            """; do [ -L "$path" ] || [ ! -d "$path" ] || stat -c '%a %u:%g %n' -- "$path"; done""",
        )

    def process(self, output: list[str]) -> dict[str, str]:
        """See `command`."""
        return {path: f"{mode} {owner}" for mode, owner, path in (line.split(" ", 2) for line in output)}


def _wanted(container: Container, settings: LxcHost) -> dict[str, str]:
    """Path → mode and owner, parents first.

    The container's root, who is nobody out here, gets through the folder around by its group, and other users of the host do
    not. The folder itself is root's: it is mounted without an id map, so inside it belongs to nobody, whom no root in there
    can act for, also not once he has mounted it anew.
    """
    wanted = {}
    for path in container.read_only_mounts(settings.storage_path):
        around = PurePosixPath(path).parent
        if around.is_relative_to(settings.storage_path):
            wanted[str(around.parent)] = "755 0:0"
        wanted[str(around)] = f"750 0:{container.ids.start}"
        wanted[path] = "755 0:0"
    return wanted


def _paths(container: Container, settings: LxcHost) -> list[str]:
    """What is looked at: also the folders that somebody else has to make."""
    shown = container.read_only_mounts(settings.storage_path)
    parents = [str(PurePosixPath(path).parent.parent) for path in shown]
    return list(dict.fromkeys([*parents, *_wanted(container, settings)]))


def questions(container: Container, settings: LxcHost) -> list[Ask]:
    """What `have_shown_folders` is going to ask."""
    paths = _paths(container, settings)
    return [Ask(Folders, paths=paths)] if paths else []


@operation()
def have_shown_folders(container: Container, settings: LxcHost) -> Commands:
    """Have the folders that a container sees of its host, as root's of the host. What is in them is left alone."""
    paths, wanted = _paths(container, settings), _wanted(container, settings)
    there: dict[str, str] = look(Folders, paths=paths)
    if others := [path for path in paths if path not in there and path not in wanted]:
        yield refuse(f"{', '.join(others)}: not there; mount its disk, and make the folder")
        return
    wrong = {path: state for path, state in wanted.items() if there.get(path) != state}
    report(
        Difference(path, f"mode and owner are {there[path]}, not {state}" if path in there else "missing")
        for path, state in wrong.items()
    )
    for path, (mode, owner) in ((path, state.split()) for path, state in wrong.items()):
        user, group = owner.split(":")
        yield StringCommand(f"install -d -m {mode} -o {user} -g {group} --", QuoteString(path))
    if not wrong:
        host.noop("the folders are there")
