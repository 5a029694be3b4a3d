"""Operations for databases as a whole."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyinfra.api import operation

from deploy.database.declared import privileges
from deploy.database.facts import Catalogue
from deploy.database.roles import Credentials, catalogue
from deploy.machine.differences import Commands, refuse, report, unanswered
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE

_UNLIMITED: Final = -1
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


@operation()
def have_database(credentials: Credentials, *, pooled: bool) -> Commands:
    """Have the database with its owner, encoding, locale, connection limit and privileges, and no way into others."""
    there = catalogue()
    if there.silence:
        yield from unanswered("roles and databases", there.silence)
        return
    present = there.databases.get(DATABASE)
    if wrong := [
        f"{key} is {present[key]}, not {value}" for key, value in _FIXED.items() if present and present[key] != value
    ]:
        yield refuse(f"database {DATABASE}: {'; '.join(wrong)}; this takes a dump and a restore into a new database")
        return
    changes = [*_attribute_changes(present), *_privilege_changes(there, privileges(credentials.logins, pooled=pooled))]
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


def _privilege_changes(present: Catalogue, declared: Mapping[str, list[str]]) -> Iterator[tuple[Difference, str]]:
    """(difference, statement) for each privilege on a database that is missing, or there and not declared."""
    for database, wanted in declared.items():
        there = present.databases.get(database, {}).get("privileges", _DEFAULT_PRIVILEGES)
        for privilege in sorted(set(there) ^ set(wanted)):
            role, _, word = privilege.partition("=")
            if privilege in wanted:
                grant = f"GRANT {word} ON DATABASE {database} TO {role};"
                yield Difference(f"database {database}", f"{role} lacks {word}"), grant
            else:
                revoke = f"REVOKE {word} ON DATABASE {database} FROM {role} CASCADE;"
                yield Difference(f"database {database}", f"{role} has {word}"), revoke
