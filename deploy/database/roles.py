"""Operations for roles. Passwords reach the server as SCRAM verifiers, over standard input."""

import base64
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyinfra.api import operation
from pyinfra.context import host

from deploy.database import scram
from deploy.database.declared import PRIVILEGES, ROLES, attributes, members, with_reserved_connections
from deploy.database.facts import Catalogue, CatalogueFact, LoginsFact, fingerprint
from deploy.machine.differences import Commands, refuse, report, unanswered
from deploy.machine.look import look
from deploy.machine.pooler_console import clients_dropped
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES, Logins
from deploy.model.passwords import Passwords

_ATTRIBUTES: Final = ("SUPERUSER", "CREATEDB", "CREATEROLE", "INHERIT", "LOGIN", "REPLICATION", "BYPASSRLS")
_UNLIMITED: Final = -1
#: Of a membership, as GRANT makes it of a member that inherits, or not: a login role may run as the application's. Not before
#: 16 said of a grant.
_GRANTED: Final = {"admin_option": False, "set_option": True}
# These statements have verifiers in their text, which is logged if they fail, and by whatever the server has loaded for that.
# A setting of a library that is not loaded is only a name.
_UNLOGGED: Final = "".join(
    f"SET LOCAL {name} = {value};\n"
    for name, value in {
        "track_activities": "off",
        "log_statement": "'none'",
        "log_min_error_statement": "'panic'",
        "log_min_duration_statement": "-1",
        "log_min_duration_sample": "-1",
        "log_transaction_sample_rate": "0",
        "debug_print_parse": "off",
        "debug_print_rewritten": "off",
        "debug_print_plan": "off",
        "pgaudit.log": "'none'",
        "auto_explain.log_min_duration": "-1",
        "pg_stat_statements.track": "'none'",
    }.items()
)


@dataclass(frozen=True)
class Credentials:
    """Where the password of a container's role comes from; prints as nothing secret."""

    passwords: Passwords
    container: str

    @property
    def logins(self) -> Logins:
        """Whom the application logs in as."""
        return self.passwords.logins(self.container)

    def fits(self, role: str, stored: Mapping[str, Any]) -> bool:
        """Whether the stored verifier is that of the role's password; compared by fingerprint, so that none is printed."""
        password = self.passwords.get(self.container, role)
        if password is None or not stored.get("iterations"):
            return False
        salt = base64.b64decode(stored["salt"])
        text = scram.verifier(password, salt=salt, iterations=int(stored["iterations"]))
        return hmac.compare_digest(fingerprint(text), stored["fingerprint"])

    def verifier(self, role: str) -> str:
        """A new verifier; the password is generated if there is none yet."""
        return scram.verifier(self.passwords.get_or_generate(self.container, role))


def catalogue() -> Catalogue:
    """What the current machine's server has."""
    found: Catalogue = look(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))
    return found


@operation()
def have_roles(credentials: Credentials, application_connections: int, version: int, *, pooled: bool) -> Commands:
    """Have the roles with exactly their attributes, passwords, members and settings.

    ``application_connections``: how many the application may have at once, so that it cannot keep the others out.
    ``version``: PostgreSQL's, which decides how they are kept out besides.
    """
    present, logins = catalogue(), credentials.logins
    if present.silence:
        yield from unanswered("roles and databases", present.silence)
        return
    if unknown := [
        role
        for role in (APPLICATION_ROLE, *LOGIN_ROLES)
        if present.roles.get(role, {}).get("iterations") and role not in logins.known
    ]:
        yield refuse(
            f"role {unknown[0]} has a password, and none is known here: {credentials.passwords.where} has no entry for "
            f"{credentials.container}. Bring that file along, or give the password by the environment; "
            f"to set a new one, put it there"
        )
        return
    changes = list[tuple[Difference, str]]()
    for role, wanted in attributes(logins, pooled=pooled).items():
        limit = application_connections if role in logins.roles else _UNLIMITED
        changes += _attribute_changes(role, wanted, limit, present.roles.get(role))
    running = dict.fromkeys(members(logins), False)
    reserved = dict.fromkeys(with_reserved_connections(pooled=pooled, version=version), True)
    changes += _membership_changes(present, running | reserved)
    changes += _setting_changes(present, members(logins))
    dropped = False
    for role in attributes(logins, pooled=pooled):
        stored = present.roles.get(role, {})
        if role in logins.let_in:
            if not credentials.fits(role, stored):
                # Not so in a rotation: nobody has come by way of the pooler as the next one yet.
                dropping = pooled and bool(stored) and role != logins.next
                changes.append((Difference(f"role {role}", f"password differs{_DROPPED if dropping else ''}"), role))
                dropped = dropped or dropping
        elif stored.get("password"):
            changes.append((Difference(f"role {role}", "has a password"), f"ALTER ROLE {role} PASSWORD NULL;"))
    report(difference for difference, _ in changes)
    if changes:
        statements = dict.fromkeys(statement for _, statement in changes)
        yield psql(_UNLOGGED + "\n".join(_with_passwords(statements, credentials)))
    if dropped:
        yield clients_dropped()


_DROPPED: Final = "; KILL and RESUME of the pooler drop its clients, which connect again"


def _attribute_changes(
    role: str, attributes: Mapping[str, bool], limit: int, present: Mapping[str, Any] | None
) -> Iterator[tuple[Difference, str]]:
    """(difference, statement); statements that are the same stand for one."""
    wanted = {name: attributes.get(name, False) for name in _ATTRIBUTES}
    words = " ".join(name if on else f"NO{name}" for name, on in wanted.items())
    alter = f"ALTER ROLE {role} {words} CONNECTION LIMIT {limit} VALID UNTIL 'infinity';"
    if present is None:
        yield Difference(f"role {role}", "missing"), f"CREATE ROLE {role};\n{alter}"
        return
    right = {**{name: (value,) for name, value in wanted.items()}, "connection_limit": (limit,)}
    for name, values in {**right, "valid_until": (None, "infinity")}.items():
        if present[name] not in values:
            yield Difference(f"role {role}", f"{name} is {present[name]}"), alter


def _membership_changes(present: Catalogue, wanted: Mapping[tuple[str, str], bool]) -> Iterator[tuple[Difference, str]]:
    """(difference, statement): none but these; (role, member) → whether the member inherits."""
    lacking = dict(wanted)
    for role, member, options in present.memberships:
        granted = _GRANTED | {"inherit_option": lacking.get((role, member))}
        if (role, member) in lacking and all(granted[name] == value for name, value in options.items()):
            del lacking[role, member]
        else:
            yield Difference(f"role {member}", f"is a member of {role}"), f"REVOKE {role} FROM {member} CASCADE;"
    for role, member in lacking:
        yield Difference(f"role {member}", f"is not a member of {role}"), f"GRANT {role} TO {member};"


def _setting_changes(present: Catalogue, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[Difference, str]]:
    """(difference, statement): none but that login roles run as the application's."""
    lacking = {(f"ALTER ROLE {member} RESET role", f"role={role}"): member for role, member in wanted}
    for statement, setting in present.settings:
        if (statement, setting) in lacking:
            del lacking[statement, setting]
            continue
        altered, _, name = statement.partition(" RESET ")
        yield Difference(altered, f"has a setting of its own for {name}"), f"{statement};"
    for (_, setting), member in lacking.items():
        role = setting.removeprefix("role=")
        yield Difference(f"role {member}", f"does not run as {role}"), f"ALTER ROLE {member} SET role = {role};"


def _with_passwords(statements: Iterable[str], credentials: Credentials) -> Iterator[str]:
    """Bare role names stand for their passwords, so that none is generated while a plan is made."""
    for statement in statements:
        if statement not in ROLES:
            yield statement
        elif host.state.is_executing:
            yield f"ALTER ROLE {statement} PASSWORD '{credentials.verifier(statement)}';"


@operation()
def end_sessions(role: str) -> Commands:
    """End the sessions of a role that is let in no more."""
    sessions = [session for session in look(LoginsFact).sessions if session.role == role]
    report(Difference(f"role {role}", f"is connected: {session}") for session in sessions)
    if sessions:
        yield psql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'")
