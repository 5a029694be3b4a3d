"""Whom the application logs in as: the role itself, and once its password was rotated one of two login roles that run as it.

A rotation goes through these states. Each is one replacement of the stored entries, so a killed run leaves one of them.

1. settled: one role has a password.
2. prepared: the idle role has one as well, and is ``next``. Clients still get the current one.
3. overlap: clients get the new one; the old one is still let in.
4. ending: the server lets the old one in no more, and nobody new can come. Then its entry is removed: settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.model.event_stores import APPLICATION_ROLE

#: Members of the application's role that run as it, so that every object has one owner, whoever made it.
LOGIN_ROLES: Final = (f"{APPLICATION_ROLE}_a", f"{APPLICATION_ROLE}_b")
#: Entries of a container beside those of its roles; each names a role.
_CURRENT, _NEXT, _ENDING = "login", "next", "ending"
NAMES: Final = (_CURRENT, _NEXT, _ENDING)


@dataclass(frozen=True)
class Logins:
    """How far the rotation of one container is."""

    current: str = APPLICATION_ROLE
    """Whom clients log in as."""
    next: str | None = None
    """Who has a password and is not handed out yet."""
    ending: str | None = None
    """Who has a password and is let in no more."""
    known: tuple[str, ...] = ()
    """All who have one."""

    @property
    def rotated(self) -> bool:
        """Whether there are login roles."""
        return self.current != APPLICATION_ROLE or self.next is not None

    @property
    def let_in(self) -> tuple[str, ...]:
        """Who may log in: before the first deploy nobody has a password yet."""
        return tuple({self.current: None, **dict.fromkeys(role for role in self.known if role != self.ending)})

    @property
    def old(self) -> str | None:
        """Whom clients should not log in as any more, while that one still has a password."""
        return next((role for role in self.known if role not in (self.current, self.next)), None)

    @property
    def idle(self) -> str:
        """Who is to be the next one."""
        return LOGIN_ROLES[1] if self.current == LOGIN_ROLES[0] else LOGIN_ROLES[0]

    @property
    def roles(self) -> tuple[str, ...]:
        """Those that the application has on its server."""
        return (APPLICATION_ROLE, *LOGIN_ROLES) if self.rotated else (APPLICATION_ROLE,)


def read(entries: Mapping[str, str]) -> Logins:
    """What the entries of a container say. Raises `ValueError` if they name a role without a password, or none of ours."""
    known = tuple(role for role in (APPLICATION_ROLE, *LOGIN_ROLES) if role in entries)
    for name in NAMES:
        if (role := entries.get(name)) is not None and role not in known:
            raise ValueError(f'"{name}" names {role}, which has no password there')
    return Logins(entries.get(_CURRENT, APPLICATION_ROLE), entries.get(_NEXT), entries.get(_ENDING), known)


def prepared(entries: Mapping[str, str], password: str) -> dict[str, str]:
    """The idle role has a password."""
    idle = read(entries).idle
    return {**entries, idle: password, _NEXT: idle}


def switched(entries: Mapping[str, str]) -> dict[str, str]:
    """Clients get the next one."""
    return {**{name: value for name, value in entries.items() if name != _NEXT}, _CURRENT: entries[_NEXT]}


def ending(entries: Mapping[str, str]) -> dict[str, str]:
    """The old one is let in no more."""
    old = read(entries).old
    return {**entries, **({_ENDING: old} if old else {})}


def settled(entries: Mapping[str, str]) -> dict[str, str]:
    """The old one has no password."""
    return {name: value for name, value in entries.items() if name not in (_ENDING, entries.get(_ENDING))}
