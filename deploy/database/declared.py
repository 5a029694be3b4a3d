"""The roles, their memberships, and who may connect to which database, as declared."""

from collections.abc import Mapping
from typing import Final

from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, OWNER_ROLE, WORKER_ROLE
from deploy.model.logins import LOGIN_ROLES, Logins
from deploy.model.pooling import POOLER_ROLE
from deploy.model.room import reserves

#: Roles that may be asked about; of a store whose password was never rotated, the login roles are not there, and
#: without a pooler its role is not.
ROLES: Final = (OWNER_ROLE, APPLICATION_ROLE, WORKER_ROLE, POOLER_ROLE, *LOGIN_ROLES)
#: Database → privileges other than the owner's. Nobody may connect anywhere by default. TEMPORARY is for REFRESH
#: MATERIALIZED VIEW CONCURRENTLY, which puts the new rows into a temporary table first.
PRIVILEGES: Final[Mapping[str, list[str]]] = {
    DATABASE: [f"{OWNER_ROLE}=CREATE", f"{OWNER_ROLE}=TEMPORARY", f"{WORKER_ROLE}=CONNECT"],
    "postgres": [],
    "template1": [],
}
#: PostgreSQL's own, whose members may take what `reserved_connections` keeps.
_RESERVED: Final = "pg_use_reserved_connections"


def attributes(logins: Logins, *, pooled: bool) -> dict[str, dict[str, bool]]:
    """Role → its attributes; what is not said here is not granted. ``pooled``: whether there is a pooler, which has a role."""
    of_application = {
        role: {"LOGIN": role in logins.let_in, "INHERIT": role == APPLICATION_ROLE} for role in logins.roles
    }
    inside = {role: {"LOGIN": True, "INHERIT": True} for role in (WORKER_ROLE, *([POOLER_ROLE] if pooled else []))}
    return {OWNER_ROLE: {"INHERIT": True}} | inside | of_application


def members(logins: Logins) -> list[tuple[str, str]]:
    """(role, member) of those that log in for the application."""
    return [(APPLICATION_ROLE, role) for role in logins.roles if role != APPLICATION_ROLE]


def with_reserved_connections(*, pooled: bool, version: int) -> list[tuple[str, str]]:
    """(role, member) of those that get in when the application has all its connections: no other is a member of anything.

    The pooler looks up by one who a client is, whatever connections there are besides.
    """
    inside = (WORKER_ROLE, *([POOLER_ROLE] if pooled else []))
    return [(_RESERVED, role) for role in inside] if reserves(version) else []


def privileges(logins: Logins, *, pooled: bool) -> dict[str, list[str]]:
    """Database → privileges. A login role connects before it runs as the application's."""
    connect = [f"{member}=CONNECT" for _, member in members(logins)] + [f"{POOLER_ROLE}=CONNECT"] * pooled
    return {database: [*there, *(connect if database == DATABASE else [])] for database, there in PRIVILEGES.items()}
