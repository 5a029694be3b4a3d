"""Operations for roles and for databases as a whole. Passwords reach the server as SCRAM verifiers, over standard input."""

import base64
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyinfra.api import operation
from pyinfra.context import host

from deploy.database import scram
from deploy.database.facts import Catalogue, CatalogueFact, fingerprint
from deploy.machine.differences import Commands, refuse, report, unanswered
from deploy.machine.look import look
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, OWNER_ROLE, WORKER_ROLE
from deploy.model.passwords import Passwords

#: Role → its attributes; what is not said here is not granted.
ROLES: Final[Mapping[str, Mapping[str, bool]]] = {
    OWNER_ROLE: {"LOGIN": False, "INHERIT": True},
    APPLICATION_ROLE: {"LOGIN": True, "INHERIT": True},
    WORKER_ROLE: {"LOGIN": True, "INHERIT": True},
}
#: The roles that log in with a password; none of the others has one.
WITH_PASSWORD: Final = (APPLICATION_ROLE,)
_UNLIMITED: Final = -1
_ATTRIBUTES: Final = ("SUPERUSER", "CREATEDB", "CREATEROLE", "INHERIT", "LOGIN", "REPLICATION", "BYPASSRLS")
#: Database → privileges other than the owner's. Nobody may connect anywhere by default. TEMPORARY is for REFRESH
#: MATERIALIZED VIEW CONCURRENTLY, which puts the new rows into a temporary table first.
PRIVILEGES: Final = {
    DATABASE: [f"{OWNER_ROLE}=CREATE", f"{OWNER_ROLE}=TEMPORARY", f"{WORKER_ROLE}=CONNECT"],
    "postgres": [],
    "template1": [],
}
#: What only a new database can have otherwise.
_FIXED: Final = {"encoding": "UTF8", "collate": "en_US.UTF-8", "ctype": "en_US.UTF-8"}
_CHANGEABLE: Final = (
    ("owner", APPLICATION_ROLE, f"OWNER TO {APPLICATION_ROLE}"),
    ("connection_limit", _UNLIMITED, f"CONNECTION LIMIT {_UNLIMITED}"),  # the application's role has a limit
    ("allow_connections", True, "ALLOW_CONNECTIONS true"),
    ("template", False, "IS_TEMPLATE false"),
)
#: What a new database has.
_DEFAULT_PRIVILEGES: Final = ["public=CONNECT", "public=TEMPORARY"]
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


def _catalogue() -> Catalogue:
    catalogue: Catalogue = look(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))
    return catalogue


@dataclass(frozen=True)
class Credentials:
    """Where the password of a container's role comes from; prints as nothing secret."""

    passwords: Passwords
    container: str

    def known(self, role: str) -> bool:
        """Whether there is a password for the role on the operator's side."""
        return self.passwords.get(self.container, role) is not None

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


@operation()
def have_roles(credentials: Credentials, application_connections: int) -> Commands:
    """Have the roles with exactly their attributes and passwords, members of nothing and without members.

    ``application_connections``: how many the application may have at once, so that it cannot keep the others out.
    """
    catalogue = _catalogue()
    if catalogue.silence:
        yield from unanswered("roles and databases", catalogue.silence)
        return
    statements, differences = list[str](), list[Difference]()
    for role, attributes in ROLES.items():
        present = catalogue.roles.get(role)
        if role in WITH_PASSWORD and present and present["iterations"] and not credentials.known(role):
            yield refuse(
                f"role {role} has a password, and none is known here: {credentials.passwords.path} has no entry for "
                f"{credentials.container}. Bring that file along, or give the password by the environment; "
                f"to set a new one, put it there"
            )
            return
        if present is None:
            differences.append(Difference(f"role {role}", "missing"))
            statements.append(f"CREATE ROLE {role};")
        wanted = {name: attributes.get(name, False) for name in _ATTRIBUTES}
        wrong = [name for name in _ATTRIBUTES if present and present[name] != wanted[name]]
        limit = application_connections if role == APPLICATION_ROLE else _UNLIMITED
        limits = {"connection_limit": (limit,), "valid_until": (None, "infinity")}
        wrong += [name for name, right in limits.items() if present and present[name] not in right]
        if wrong or present is None:
            differences += [Difference(f"role {role}", f"{name} is {present[name]}") for name in wrong if present]
            words = " ".join(name if on else f"NO{name}" for name, on in wanted.items())
            statements.append(f"ALTER ROLE {role} {words} CONNECTION LIMIT {limit} VALID UNTIL 'infinity';")
        if role in WITH_PASSWORD and not credentials.fits(role, present or {}):
            differences.append(Difference(f"role {role}", "password differs"))
            statements.append(role)
        elif role not in WITH_PASSWORD and present and present["password"]:
            differences.append(Difference(f"role {role}", "has a password"))
            statements.append(f"ALTER ROLE {role} PASSWORD NULL;")
    for role, member in catalogue.memberships:
        differences.append(Difference(f"role {member}", f"is a member of {role}"))
        statements.append(f"REVOKE {role} FROM {member} CASCADE;")
    for statement in catalogue.settings:
        altered, _, setting = statement.partition(" RESET ")
        differences.append(Difference(altered, f"has a setting of its own for {setting}"))
    statements += [f"{statement};" for statement in catalogue.settings]
    report(differences)
    if statements:
        yield psql(_UNLOGGED + "\n".join(_with_passwords(statements, credentials)))


def _with_passwords(statements: list[str], credentials: Credentials) -> Iterator[str]:
    """Bare role names stand for their passwords, so that none is generated while a plan is made."""
    for statement in statements:
        if statement in ROLES and host.state.is_executing:
            yield f"ALTER ROLE {statement} PASSWORD '{credentials.verifier(statement)}';"
        elif statement not in ROLES:
            yield statement


@operation()
def have_database() -> Commands:
    """Have the database with its owner, encoding, locale, connection limit and privileges, and no way into others."""
    catalogue = _catalogue()
    if catalogue.silence:
        yield from unanswered("roles and databases", catalogue.silence)
        return
    present = catalogue.databases.get(DATABASE)
    if wrong := [
        f"{key} is {present[key]}, not {value}" for key, value in _FIXED.items() if present and present[key] != value
    ]:
        yield refuse(f"database {DATABASE}: {'; '.join(wrong)}; this takes a dump and a restore into a new database")
        return
    changes = [*_attribute_changes(present), *_privilege_changes(catalogue)]
    report([] if present else [Difference(f"database {DATABASE}", "missing")])
    report(difference for difference, _ in changes)
    if present is None:
        # CREATE DATABASE runs in no transaction; the rest is one, and a run in between heals what is missing.
        yield psql(
            f"CREATE DATABASE {DATABASE} OWNER {APPLICATION_ROLE} TEMPLATE template0 ENCODING 'UTF8' "
            "LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8'",
            single_transaction=False,
        )
    if changes:
        yield psql("\n".join(statement for _, statement in changes))


def _attribute_changes(present: Mapping[str, Any] | None) -> Iterator[tuple[Difference, str]]:
    """(difference, statement) for each attribute of the database that is not as declared."""
    for key, value, change in _CHANGEABLE:
        if present is not None and present[key] != value:
            yield (
                Difference(f"database {DATABASE}", f"{key} is {present[key]}, not {value}"),
                f"ALTER DATABASE {DATABASE} {change};",
            )


def _privilege_changes(catalogue: Catalogue) -> Iterator[tuple[Difference, str]]:
    """(difference, statement) for each privilege on a database that is missing, or there and not declared."""
    for database, wanted in PRIVILEGES.items():
        there = catalogue.databases.get(database, {}).get("privileges", _DEFAULT_PRIVILEGES)
        for privilege in sorted(set(there) ^ set(wanted)):
            role, _, word = privilege.partition("=")
            if privilege in wanted:
                grant = f"GRANT {word} ON DATABASE {database} TO {role};"
                yield Difference(f"database {database}", f"{role} lacks {word}"), grant
            else:
                revoke = f"REVOKE {word} ON DATABASE {database} FROM {role} CASCADE;"
                yield Difference(f"database {database}", f"{role} has {word}"), revoke
