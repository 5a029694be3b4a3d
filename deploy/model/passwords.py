"""Where the passwords of the database roles come from.

Either an environment variable, ``EVENT_STORE_PASSWORD_<ROLE IN UPPER CASE>``, for every container of the inventory, or
the git-ignored file ``.secrets/<inventory name>.json`` on the operator's machine, one password for each container:
``{container: {role: password}}``. What is missing there is generated on the first deploy.
"""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.model.private_files import locked, open_to_others, replace

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


class PasswordError(ValueError):
    """The passwords' file or variable cannot be used as it is; the message says how to fix it, never a password."""


class Passwords:
    """The passwords for one inventory. Reads the file at each call: another process may have added to it."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self._environment = environment

    def __repr__(self) -> str:
        return f"Passwords({str(self.path)!r})"

    def get(self, container: str, role: str) -> str | None:
        """The role's password, or None if there is none yet; never generates one, so that a dry run may ask."""
        given = self._given(role)
        return self._read().get(container, {}).get(role) if given is None else given

    def get_or_generate(self, container: str, role: str) -> str:
        """The role's password; a new one is on the disk before it is returned, so that it cannot be lost."""
        password = self.get(container, role)
        if password is not None:
            return password
        with locked(self.path):
            passwords = self._read()
            # Another run may have generated it since.
            password = passwords.setdefault(container, {}).setdefault(role, secrets.token_urlsafe(24))
            replace(self.path, (json.dumps(passwords, indent=2, sort_keys=True) + "\n").encode())
        return password

    def _given(self, role: str) -> str | None:
        name = variable(role)
        password = self._environment.get(name)
        if password == "":
            raise PasswordError(f"{name} is set, but empty; give it a password, or unset it to have one generated")
        return password

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            _refuse_readable(self.path.parent, "0700")
            _refuse_readable(self.path, "0600")
            content = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            if isinstance(error, PasswordError):
                raise
            raise PasswordError(f"{self.path}: not JSON; fix it, or restore it from your backup") from None
        if not _is_table(content):
            raise PasswordError(f'{self.path}: has to be {{"CONTAINER": {{"ROLE": "PASSWORD"}}}}; fix it')
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


def _refuse_readable(path: Path, mode: str) -> None:
    if said := open_to_others(path, mode):
        raise PasswordError(f"{said}, and change the passwords if others have had access")


def _is_table(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(roles, dict) and all(isinstance(password, str) for password in roles.values())
        for roles in content.values()
    )
