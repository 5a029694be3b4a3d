"""Roles and databases of a running server. No password and no verifier is ever selected."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyinfra.api import FactBase

from deploy.machine.pooler_console import CLIENTS, clients
from deploy.machine.psql import Queries, fact_query, silence
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES

#: Drawn for each run. Without it a fingerprint, which may be printed, is of no use to who wants to guess a password.
_KEY: Final = secrets.token_hex(16)


def fingerprint(verifier: str) -> str:
    """What `CatalogueFact` says of a role that has this verifier."""
    return hashlib.sha256(f"{_KEY}{verifier}".encode()).hexdigest()


@dataclass(frozen=True)
class Catalogue:
    """The parts of the cluster-wide catalogues that are managed."""

    silence: str | None = None
    """Why the server does not answer, for people; nothing is known about the rest then."""
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Role → attributes, whether it has a password, and salt, iterations and `fingerprint` of its verifier."""
    memberships: list[tuple[str, str, Mapping[str, bool]]] = field(default_factory=list)
    """(role, member, options) where either is one of the roles."""
    settings: list[tuple[str, str]] = field(default_factory=list)
    """What ALTER ROLE … SET and ALTER DATABASE … SET left behind: the statement that undoes it, and name=value."""
    databases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Database → owner, connection limit, encoding, locale, privileges."""


class CatalogueFact(FactBase[Catalogue]):
    """See `Catalogue`."""

    @staticmethod
    def default() -> Catalogue:
        """A blank machine."""
        return Catalogue()

    def command(self, roles: list[str], databases: list[str]) -> str:
        """By itself."""
        return fact_query(self.sql(roles, databases))

    def together(self, roles: list[str], databases: list[str]) -> Queries:  # noqa: ARG002  of any roles
        """See `Queries`."""
        return Queries("postgres")

    @staticmethod
    def sql(roles: list[str], databases: list[str]) -> str:
        """One query for all of it. Of a verifier nothing that tells anything about the password."""
        names = ", ".join(f"'{role}'" for role in roles)
        wanted = ", ".join(f"'{database}'" for database in databases)
        return f"""
            SELECT json_build_object(
                'roles', (SELECT coalesce(json_object_agg(rolname, json_build_object(
                    'SUPERUSER', rolsuper, 'INHERIT', rolinherit, 'CREATEROLE', rolcreaterole, 'CREATEDB', rolcreatedb,
                    'LOGIN', rolcanlogin, 'REPLICATION', rolreplication, 'BYPASSRLS', rolbypassrls,
                    'connection_limit', rolconnlimit, 'valid_until', rolvaliduntil, 'password', rolpassword IS NOT NULL,
                    'salt', split_part(split_part(rolpassword, ':', 2), '$', 1),
                    'iterations', nullif(split_part(split_part(rolpassword, ':', 1), '$', 2), ''),
                    'fingerprint', encode(sha256(convert_to('{_KEY}' || rolpassword, 'UTF8')), 'hex'))), '{{}}')
                    FROM pg_authid WHERE rolname IN ({names})),
                'memberships', (SELECT coalesce(json_agg(json_build_array(quote_ident(r.rolname), quote_ident(m.rolname),
                        to_jsonb(a) - '{{oid,roleid,member,grantor}}'::text[])), '[]')
                    FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
                    WHERE r.rolname IN ({names}) OR m.rolname IN ({names})),
                'settings', (SELECT coalesce(json_agg(json_build_array(concat_ws(' ',
                        CASE WHEN setrole <> 0 THEN 'ALTER ROLE ' || quote_ident(rolname)
                             WHEN setdatabase = 0 THEN 'ALTER ROLE ALL' END, CASE WHEN setrole = 0 THEN 'ALTER' ELSE 'IN' END
                            || ' DATABASE ' || quote_ident(datname),
                        format('RESET %s', split_part(setting, '=', 1))), setting)), '[]')
                    FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting
                    LEFT JOIN pg_roles r ON r.oid = setrole LEFT JOIN pg_database d ON d.oid = setdatabase
                    WHERE rolname IN ({names}, 'postgres') OR datname IN ({wanted}) OR (setrole = 0 AND setdatabase = 0)),
                'databases', (SELECT json_object_agg(datname, json_build_object(
                    'owner', pg_get_userbyid(datdba), 'connection_limit', datconnlimit,
                    'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
                    'allow_connections', datallowconn, 'template', datistemplate,
                    'privileges', (SELECT coalesce(json_agg(format('%s=%s', coalesce(nullif(grantee, 0)::regrole::text,
                        'public'), privilege_type) ORDER BY 1), '[]')
                        FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
                        WHERE grantee <> datdba)))
                    FROM pg_database WHERE datname IN ({wanted})))
        """

    def process(self, output: list[str]) -> Catalogue:
        """One JSON object, or a word that says why not."""
        if why := silence(output):
            return Catalogue(silence=why)
        values: dict[str, Any] = json.loads("".join(output))
        for name in ("memberships", "settings"):
            values[name] = [tuple(row) for row in values[name]]
        return Catalogue(**values)


@dataclass(frozen=True)
class Session:
    """Connections of a client that logged in as one role."""

    role: str
    application: str
    address: str | None
    """None: from inside the container."""
    connections: int
    since: str
    """When the first of them was opened."""
    pooled: bool = False
    """It is connected to the pooler, and may have no session of the server at the moment."""

    def __str__(self) -> str:
        name = self.application or "a client without application_name"
        where = f"{self.address} by way of the pooler" if self.pooled else self.address or "inside the container"
        return f"{self.connections} of {name}, {where}, since {self.since}"


@dataclass(frozen=True)
class LoggedIn:
    """Who is logged in as one of the application's roles."""

    silence: str | None = "PostgreSQL is not installed there"
    """Why the server does not answer, for people."""
    lets_in: bool = False
    """Whether its access rules are about the login roles as well."""
    sessions: list[Session] = field(default_factory=list)


class LoginsFact(FactBase[LoggedIn]):
    """See `LoggedIn`."""

    @staticmethod
    def default() -> LoggedIn:
        """A blank machine."""
        return LoggedIn()

    def command(self) -> str:
        """By name of whoever logged in, not of the role that runs now; then the pooler's clients, as its console prints them."""
        names = ", ".join(f"'{role}'" for role in (APPLICATION_ROLE, *LOGIN_ROLES))
        asked = fact_query(f"""
            SELECT json_build_object(
                'lets_in', EXISTS (SELECT FROM pg_hba_file_rules WHERE '+{APPLICATION_ROLE}' = ANY (user_name)),
                'sessions', (SELECT coalesce(json_agg(client), '[]') FROM (
                    SELECT usename AS role, application_name AS application, host(client_addr) AS address,
                           count(*) AS connections, to_char(min(backend_start), 'YYYY-MM-DD HH24:MI:SS OF') AS since
                    FROM pg_stat_activity WHERE usename IN ({names}) GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2) AS client))
        """)
        return f"{asked}; {clients()}"

    def process(self, output: list[str]) -> LoggedIn:
        """One JSON object, or a word that says why not; then a table, whose first line names its columns."""
        if why := silence(output):
            return LoggedIn(silence=why)
        end = output.index(CLIENTS) if CLIENTS in output else len(output)
        told, table = output[:end], output[end + 1 :]
        values: dict[str, Any] = json.loads("".join(told))
        sessions = [Session(**session) for session in values["sessions"]]
        columns, *rows = [line.split("|") for line in table] or [[]]
        return LoggedIn(
            None, values["lets_in"], [*_pooled([dict(zip(columns, row, strict=False)) for row in rows]), *sessions]
        )


def _pooled(rows: list[dict[str, str]]) -> list[Session]:
    """Clients of the pooler."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row["user"] in (APPLICATION_ROLE, *LOGIN_ROLES):
            key = row["user"], row.get("application_name", ""), row["addr"]
            found.setdefault(key, []).append(row["connect_time"])
    return [Session(*key, len(since), min(since), pooled=True) for key, since in found.items()]
