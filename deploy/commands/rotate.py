"""`event-store rotate`: another password for the application, while it works."""

import fcntl
import getpass
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import click

from deploy.commands import exits, options
from deploy.commands.child import run_child
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.machines import Machines
from deploy.database.facts import LoggedIn, LoginsFact
from deploy.machine.questions import Ask
from deploy.model.event_stores import APPLICATION_ROLE, EventStore
from deploy.model.inventory import Entry, make_settings, read_entries
from deploy.model.logins import Logins
from deploy.model.passwords import variable
from deploy.model.project import ROOT
from deploy.model.settings import Settings

#: Seconds between two looks at who is connected.
_PAUSE: Final = 1
#: How many of those who are connected are named.
_NAMED: Final = 5


@click.command()
@options.inventory
@options.container
@click.option("--force", is_flag=True, help="End connections of the old login instead of waiting for them.")
@click.option("--timeout", type=click.IntRange(min=0), metavar="SECONDS", help="Wait for so long. [default: for ever]")
@click.option(
    "--quiet",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    default=30,
    show_default=True,
    help="Let the old login in until nobody has been connected as it for so long.",
)
def rotate(inventory: str, container: str | None, force: bool, timeout: int | None, quiet: int) -> int:
    """Give the application another password, or go on with a rotation that was not finished.

    It gets another login role with a password of its own. Both are let in until nobody is connected as the old one any
    more. Exit status 2: somebody still is, or was a moment ago, and both are let in.
    """
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    store = choose_event_store(settings, container)
    with alone(settings, store):
        return _Rotation(settings, store, entries, timeout).run(force=force, quiet=quiet)


@contextmanager
def alone(settings: Settings, store: EventStore) -> Iterator[None]:
    """One rotation of a container at a time; a killed one holds nothing. The file says who it is."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", store.name).strip("-")
    path = ROOT / ".secrets" / f"{settings.name}.rotation.{name}"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = file.read() or "somebody"  # who has only just begun has not written it yet
            raise CommandError(
                f"{store.name}: another `make rotate` is at work: {who}. Wait until it has ended, or end it"
            ) from None
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        file.truncate()
        file.write(f"{getpass.getuser()}, process {os.getpid()}, since {since}")
        file.flush()
        yield


class _Rotation:
    """What is stored says which step is the next one: whatever kills this, the next run goes on there."""

    def __init__(self, settings: Settings, store: EventStore, entries: list[Entry], timeout: int | None) -> None:
        self._settings, self._store, self._entries = settings, store, entries
        self._machines = Machines(entries)
        self._passwords = settings.passwords_of(store)
        self._end = None if timeout is None else time.monotonic() + timeout
        self._again = f"`{options.make('rotate', settings.file)}` goes on there"

    @property
    def _logins(self) -> Logins:
        return self._passwords.logins(self._store.name)

    def run(self, *, force: bool, quiet: int) -> int:
        if self._logins.old is None:
            self._refuse_impossible()
            self._refuse_without_certificate(self._logins.next or self._logins.idle)
        self._refuse_server()
        if self._logins.next is None and self._logins.old is None:
            self._passwords.prepare(self._store.name)
        if new := self._logins.next:
            self._have_roles()
            self._passwords.switch(self._store.name)
            self._say(
                f"`make dsn` gives {new} now; {self._logins.old} is let in as long as somebody is connected as it"
            )
        old = self._logins.old
        assert old is not None  # noqa: S101  otherwise there would be a next one
        if self._logins.ending is None:
            if not force and not self._is_free_of(old, quiet):
                return exits.DIFFERENT
            self._passwords.end(self._store.name)
        self._have_roles(*(("--data", f"terminate={old}") if force else ()))
        # Somebody may have come since we looked. From now on nobody can, and clients of the pooler have no way to the server.
        if not self._is_free_of(old, pooled=False):
            return exits.DIFFERENT
        self._passwords.settle(self._store.name)
        self._say(f"{old} is let in no more; the application logs in as {self._logins.current}")
        return exits.OK

    def _refuse_impossible(self) -> None:
        """What would go wrong later, before anything is touched."""
        store, given = self._store, variable(APPLICATION_ROLE)
        if store.authentication == "certificate":
            raise CommandError(
                f"{store.name}: the application logs in with a certificate and without a password; "
                f"`{options.make('certificate', self._settings.file)}` issues another one, and `make revoke` ends the old one"
            )
        if not self._passwords.provider.stores or self._passwords.given(APPLICATION_ROLE) is not None:
            raise CommandError(
                f"{store.name}: the password is from the environment, which cannot store another one beside it; give it "
                f'another provider ("secrets"), put the password there, and unset {given}'
            )
        if not self._logins.known:
            raise CommandError(f"{store.name} has no password yet; deploy it first")

    def _refuse_without_certificate(self, role: str) -> None:
        if self._store.authentication != "password+certificate":
            return
        # What reads certificates takes its time to load.
        from deploy.certificates import clients
        from deploy.certificates.authority import Authorities

        authorities = Authorities(self._settings.authorities_folder, self._settings.name, {})
        if not any(one.role == role and clients.valid(one) for one in clients.issued(authorities)):
            raise CommandError(
                f"{self._store.name} asks for a certificate beside the password, and none was issued to {role}; "
                f"`{options.make(f'certificate ROLE={role}', self._settings.file)}` issues one for each client"
            )

    def _refuse_server(self) -> None:
        told = self._look()
        if told.silence:
            raise CommandError(f"{self._store.name}: nothing was touched: {told.silence}")
        if not told.lets_in:
            raise CommandError(
                f"{self._store.name}: nothing was touched: its access rules are of an earlier version and let in no login "
                f"roles; `{options.make('deploy', self._settings.file)}` first"
            )

    def _look(self) -> LoggedIn:
        told = self._machines.ask({self._store.name: {"logins": [Ask(LoginsFact)]}})[self._store.name]
        if told.unreached:
            self._machines = Machines(self._entries)  # the next look connects anew
        facts = told.facts.get("logins")
        return facts[0] if facts else LoggedIn(silence=told.unreached or "it cannot be determined who is connected")

    def _is_free_of(self, role: str, quiet: int = 0, *, pooled: bool = True) -> bool:
        """Wait until nobody has been connected as the role for so many seconds; False if that takes too long.

        ``pooled``: whether who is connected to the pooler only counts as well.

        A client may have read whom to log in as and be on its way, or connect from time to time only.
        """
        said, free_since = "", time.monotonic()
        while True:
            there = self._who(role, pooled=pooled)
            if there:
                free_since = time.monotonic()
            elif time.monotonic() - free_since >= quiet:
                return True
            there = there or f"nobody; it is let in for {quiet} more seconds"
            if there != said:
                self._say(f"as {role}: {there}")
            said = there
            if self._end is not None and time.monotonic() >= self._end:
                let_in = f"{role} is let in no more" if self._logins.ending else "both are let in"
                self._say(f"{let_in}; {self._again}, and with FORCE=1 ends these connections")
                return False
            time.sleep(_PAUSE)

    def _who(self, role: str, *, pooled: bool) -> str:
        """Who is connected, or why that is not known."""
        told = self._look()
        if told.silence:
            return told.silence
        there = [session for session in told.sessions if session.role == role and (pooled or not session.pooled)]
        more = [f"{len(there) - _NAMED} more"] if len(there) > _NAMED else []
        return "; ".join([*map(str, there[:_NAMED]), *more])

    def _have_roles(self, *data: str) -> None:
        """The server follows what is stored."""
        story = str(ROOT / "deploy" / "rotate.py")
        limit = ("--limit", self._store.name)
        if run_child([sys.executable, "-m", "pyinfra", self._settings.file, story, "-y", *limit, *data]):
            raise CommandError(f"{self._store.name}: the rotation is not finished; {self._again}")

    def _say(self, what: str) -> None:
        click.echo(f"{self._store.name}: {what}")
