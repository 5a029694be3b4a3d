"""A configuration is tried by a throw-away server before it replaces one that works."""

import base64
import gzip
import re
from collections.abc import Iterable, Mapping

from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, masked, refuse
from deploy.machine.facts import Packages
from deploy.machine.files import File, ManagedFile
from deploy.machine.look import look
from deploy.machine.render import render
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.sizes import MIB


class Trial(FactBase[list[str] | None]):
    """Why the server's own program refuses a configuration, in its words; an empty list if it starts with it.

    None if there is nothing to try it with: a container that does not run, no PostgreSQL, no cluster.
    """

    def command(self, paths: ClusterPaths, configuration: str, access: str, memory: int) -> StringCommand:
        """``configuration`` and ``access`` are the texts of the files, ``memory`` is the container's in bytes."""
        script = render(
            "postgres/trial.sh.j2",
            paths=paths,
            configuration=_packed(configuration),
            access=_packed(access),
            memory=memory // MIB,
        )
        # In the shell that reads it from standard input, not as an argument of another one: an override may hold a
        # password (primary_conninfo), and everybody may read arguments.
        return StringCommand(f"(\n{script}\n)")

    def process(self, output: list[str]) -> list[str]:
        """A word, then lines of the server's log. Raises `ValueError` for a refusal that says nothing."""
        words = [line for line in output[1:] if line.strip()]
        if output[0] != ("refused" if words else "accepted"):
            raise ValueError(f"not an answer of the trial: {output}")
        return words


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def suspects(words: Iterable[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The overrides that the server's ``words`` are about: those that it names, or whose value it quotes."""
    text = "\n".join(words).lower()

    def named(name: str) -> bool:
        return re.search(rf"(?<![\w.]){re.escape(name.lower())}(?!\w|\.\w)", text) is not None

    def quoted(value: str) -> bool:
        parts = (part.strip(' "').lower() for part in value.split(","))
        return any(f'{before}{part}"' in text for part in parts if part for before in '"/')

    by_name = {name: value for name, value in overrides.items() if named(name) or named(name.replace("_", " "))}
    by_value = {name: value for name, value in overrides.items() if quoted(value)}
    return by_name or by_value


@operation()
def try_configuration(
    paths: ClusterPaths, configuration: str, access: str, store: EventStore, inventory: str
) -> Commands:
    """Refuse a configuration that the server would refuse, while the one that works is still in its place."""
    wanted = {"postgresql.conf": configuration, "pg_hba.conf": access}
    if all(_text(f"{paths.conf}/{name}") == text for name, text in wanted.items()):
        host.noop("the configuration is the one that is there")
        return
    # A plan comes before missing packages are installed; a library of theirs would be missed for no reason.
    packages = sorted(store.required_packages)
    present: dict[str, bool] = look(Packages, names=packages)
    complete = all(present.get(name) for name in packages)
    arguments = {"paths": paths, "configuration": configuration, "access": access, "memory": store.memory}
    # A trial that fails, for example because the disk is full, must not end in pyinfra's question whether to go on.
    words: list[str] | None = look(Trial, **arguments, _ignore_errors=True) if complete else None
    if words is None and host.state.is_executing:
        yield refuse(
            "the configuration cannot be tried, and nothing of it was replaced: PostgreSQL or its cluster is missing, or the "
            "trial could not be made, as said above"
        )
    elif words is None and present:
        host.log("the configuration could not be tried: that takes all packages, a cluster, and a trial that ends")
    elif words:
        overrides = {name: store.server_settings[name] for name in store.postgresql_settings}
        keys = ", ".join(f"{name} = {value!r}" for name, value in suspects(words, overrides).items())
        # A value that nothing speaks of is not shown: it could be a connection string.
        keys = keys or f"one of {', '.join(overrides)}" if overrides else "no override"
        message = (
            f"{inventory}: postgresql_settings: {keys}: PostgreSQL {paths.version} refuses the configuration, and nothing "
            f"of it was replaced: {'; '.join(words)}"
        )
        yield refuse(masked(message))


def _text(path: str) -> str | None:
    current: File | None = look(ManagedFile, path=path)
    return current.content.decode(errors="replace") if current else None
