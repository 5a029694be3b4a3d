"""The passwords of the database roles.

Either an environment variable, ``EVENT_STORE_PASSWORD_<ROLE IN UPPER CASE>``, for every container of the inventory, or
what a provider keeps (see `providers`), by default the git-ignored file ``.secrets/<inventory name>.json`` on the
operator's machine, with passwords of its own for each container: ``{container: {role: password}}``. What is missing there
is generated on the first deploy. Entries that a rotation adds: see `logins`.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from deploy.model import logins
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES, Logins
from deploy.model.private_files import locked
from deploy.model.providers import PasswordError
from deploy.model.remembered import Remembered

MIN_LENGTH: Final = 12
MIN_DISTINCT: Final = 6
_PLACEHOLDERS: Final = (
    "changethispassword",
    "changeme",
    "placeholder",
    "password",
    "passwort",
    "passwd",
    "postgresql",
    "postgres",
    "eventstore",
    "example",
    "default",
    "secret",
    "qwertz",
    "qwerty",
    "admin",
)
# As people disguise a word: pa$$w0rd.
_DISGUISES: Final = str.maketrans("013457@$!", "oieastasi")


class Passwords:
    """The passwords for one inventory. What is changed is read anew before: another process may have added to it."""

    def __init__(self, provider: Remembered, environment: Mapping[str, str], lock: Path) -> None:
        self.provider = provider
        self._environment = environment
        self._lock = lock

    def __repr__(self) -> str:
        return f"Passwords({self.where!r})"

    @property
    def where(self) -> str:
        """Where entries are kept, for people."""
        return self.provider.where

    def get(self, container: str, role: str) -> str | None:
        """The role's password, or None if there is none yet; never generates one, so that a dry run may ask."""
        given = self.given(role)
        return self._read().get(container, {}).get(role) if given is None else given

    def get_or_generate(self, container: str, role: str) -> str:
        """The role's password; a new one is kept before it is returned, so that it cannot be lost."""
        password = self.get(container, role)
        if password is not None:
            return password
        if not self.provider.stores:
            raise PasswordError(f'{container}: "secrets": "environment" generates no password; export {variable(role)}')
        with locked(self._lock):
            passwords = self._understood(self.provider.fresh())
            # Another run may have generated it since.
            password = passwords.setdefault(container, {}).setdefault(role, secrets.token_urlsafe(24))
            self._write(passwords)
        return password

    def logins(self, container: str) -> Logins:
        """Whom the application logs in as."""
        return self._logins(container, self._read().get(container, {}))

    def problems(self, container: str) -> list[str]:
        """What is wrong with the passwords that are there, or that it takes one from the environment."""
        found = self.logins(container)
        if not self.provider.stores and self.given(APPLICATION_ROLE) is None:
            return [f'{container}: "secrets": "environment", and {variable(APPLICATION_ROLE)} is not set; export it']
        passwords = ((role, self.get(container, role)) for role in found.known)
        return [text for role, password in passwords if password and (text := problem(password, role))]

    def prepare(self, container: str) -> None:
        """The idle role gets a password, and is the next one."""
        self._change(container, lambda entries: logins.prepared(entries, secrets.token_urlsafe(24)))

    def switch(self, container: str) -> None:
        """The next role is the current one."""
        self._change(container, logins.switched)

    def end(self, container: str) -> None:
        """The old role is let in no more."""
        self._change(container, logins.ending)

    def settle(self, container: str) -> None:
        """The old role's password is forgotten."""
        self._change(container, logins.settled)

    def _change(self, container: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        with locked(self._lock):
            passwords = self._understood(self.provider.fresh())
            self._write({**passwords, container: change(passwords[container])})

    def given(self, role: str) -> str | None:
        """What the environment says, which counts for every container."""
        name = variable(role)
        password = self._environment.get(name)
        if password == "":
            raise PasswordError(f"{name} is set, but empty; give it a password, or unset it to have one generated")
        return password

    def _logins(self, container: str, entries: Mapping[str, str]) -> Logins:
        try:
            found = logins.read(entries)
        except ValueError as error:
            raise PasswordError(f"{self.where}: {container}: {error}; restore it from your backup") from None
        given = [role for role in (APPLICATION_ROLE, *LOGIN_ROLES) if self.given(role) is not None]
        if given and found.rotated:
            raise PasswordError(
                f"{variable(given[0])} is set, and {container} logs in as {found.current} since its password was rotated; unset it"
            )
        return replace(found, known=(APPLICATION_ROLE,)) if APPLICATION_ROLE in given else found

    def _write(self, passwords: Mapping[str, Mapping[str, str]]) -> None:
        self.provider.write((json.dumps(passwords, indent=2, sort_keys=True) + "\n").encode())

    def _read(self) -> dict[str, dict[str, str]]:
        return self._understood(self.provider.read())

    def _understood(self, text: bytes | None) -> dict[str, dict[str, str]]:
        if text is None:
            return {}
        try:
            content = json.loads(text)
        except ValueError:
            raise PasswordError(f"{self.where}: not JSON; fix it, or restore it from your backup") from None
        if not _is_table(content):
            raise PasswordError(f'{self.where}: has to be {{"CONTAINER": {{"ROLE": "PASSWORD"}}}}; fix it')
        return content  # type: ignore[no-any-return]  # checked above


def variable(role: str) -> str:
    """The environment variable that gives the role's password."""
    return "EVENT_STORE_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", role.upper())


def problem(password: str, role: str) -> str | None:
    """What is wrong with a password that a person chose, and how to fix it; None if nothing is."""
    reason = _weakness(password, role)
    if reason is None:
        return None
    return (
        f"the password of {role} {reason}; generate one with `openssl rand -base64 24`, or take it out of "
        f"{variable(role)} and the passwords' file to have one generated"
    )


def _weakness(password: str, role: str) -> str | None:
    if not re.fullmatch(r"[ -~]*", password):
        return "has other than printable ASCII characters, which clients do not all prepare in the same way"
    if _is_placeholder(password, role):
        return "is a placeholder or a variant of the role's name"
    if len(password) < MIN_LENGTH:
        return f"has {len(password)} characters; {MIN_LENGTH} are the least"
    if len(set(password)) < MIN_DISTINCT:
        return f"has {len(set(password))} different characters; {MIN_DISTINCT} are the least"
    return None


def _is_placeholder(password: str, role: str) -> bool:
    """Whether less than four letters are left of it without well-known words and the parts of the role's name."""
    name = [part for part in re.split(r"[^a-z0-9]+", role.lower()) if len(part) >= 3]
    words = sorted({"".join(name), *name, *_PLACEHOLDERS} - {""}, key=len, reverse=True)
    lower = password.lower()
    for text in (lower, lower.rstrip("0123456789!$@._-").translate(_DISGUISES)):
        letters = re.sub(r"[^a-z]", "", text)
        rest = re.sub("|".join(map(re.escape, words)), "", letters)
        if rest != letters and len(rest) < 4:
            return True
    return False


def _is_table(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(roles, dict) and all(isinstance(password, str) for password in roles.values())
        for roles in content.values()
    )
