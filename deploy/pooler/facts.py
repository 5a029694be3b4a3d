"""The pooler in a container: what its console says, and by what it looks up who a client is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyinfra.api import FactBase

from deploy.machine.pooler_console import console
from deploy.machine.psql import fact_query, silence
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE
from deploy.model.logins import LOGIN_ROLES
from deploy.model.pooling import POOLER_FOLDER, POOLER_ROLE

#: Whose copies the pooler has.
_FILES: Final = ("server.key", "server.crt")
_SHOWN: Final = ("CONFIG", "DATABASES", "POOLS", "SERVERS")


@dataclass(frozen=True)
class Pooler:
    """A running pooler; empty if it does not answer."""

    config: list[dict[str, str]] = field(default_factory=list)
    databases: list[dict[str, str]] = field(default_factory=list)
    pools: list[dict[str, str]] = field(default_factory=list)
    servers: list[dict[str, str]] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    """Its copies of the server's files that are not the server's any more."""

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return bool(self.config)


class PoolerFact(FactBase[Pooler]):
    """See `Pooler`."""

    @staticmethod
    def default() -> Pooler:
        """None."""
        return Pooler()

    def command(self, tls: str) -> str:
        """Each table behind a line with its name; ``tls``: the folder of the server's files."""
        shows = "; ".join(f"echo '! {what}'; {console(f'SHOW {what}')}" for what in _SHOWN)
        compared = "; ".join(f"cmp -s {tls}/{name} {POOLER_FOLDER}/{name} || echo '? {tls}/{name}'" for name in _FILES)
        return f"[ ! -d {POOLER_FOLDER} ] || {{ {{ {shows}; }} 2>/dev/null; {compared}; }}"

    def process(self, output: list[str]) -> Pooler:
        """See `command`."""
        tables: dict[str, list[list[str]]] = {what: [] for what in _SHOWN}
        stale, rows = [], list[list[str]]()
        for line in output:
            if line.startswith("! "):
                rows = tables[line.removeprefix("! ")]
            elif line.startswith("? "):
                stale.append(line.removeprefix("? "))
            else:
                rows.append(line.split("|"))
        read = {
            what: [dict(zip(rows[0], row, strict=False)) for row in rows[1:]] for what, rows in tables.items() if rows
        }
        config, databases, pools, servers = (read.get(what, []) for what in _SHOWN)
        return Pooler(config, databases, pools, servers, stale)


@dataclass(frozen=True)
class Lookup:
    """The schema with the function that says by which verifier a client comes in."""

    silence: str | None = "PostgreSQL is not installed there"
    """Why the server does not answer, for people."""
    role: bool = False
    """Whether the pooler's role is there."""
    owner: str = ""
    """Who owns the schema; empty if there is none."""
    there: Mapping[str, Any] = field(default_factory=dict)
    """What is to be as declared."""
    outdated: list[int] = field(default_factory=list)
    """The pids of the application's sessions from inside, which are the pooler's, that are older than the schema."""


class LookupFact(FactBase[Lookup]):
    """See `Lookup`."""

    @staticmethod
    def default() -> Lookup:
        """A blank machine."""
        return Lookup()

    def command(self, schema: str) -> str:
        """One object of JSON."""
        roles = ", ".join(f"'{role}'" for role in (APPLICATION_ROLE, *LOGIN_ROLES))
        return fact_query(
            f"""
            \\set changed_at -infinity
            SELECT to_regclass('deployment.reference') IS NOT NULL AS has_ledger \\gset
            \\if :has_ledger
                SELECT coalesce(greatest((SELECT max(applied_at) FROM deployment.migrations),
                                         (SELECT max(built_at) FROM deployment.reference)), '-infinity') AS changed_at \\gset
            \\endif
            SELECT json_build_object(
                'role', EXISTS (SELECT FROM pg_roles WHERE rolname = '{POOLER_ROLE}'),
                'owner', coalesce((SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = '{schema}'), ''),
                'outdated', (SELECT coalesce(json_agg(pid), '[]') FROM pg_stat_activity
                    WHERE client_addr IS NULL AND usename IN ({roles}) AND backend_start < :'changed_at'::timestamptz),
                'there', json_build_object(
                    'privileges', (SELECT nspacl::text[] FROM pg_namespace WHERE nspname = '{schema}'),
                    'functions', (SELECT coalesce(json_agg(json_build_array(
                            p.oid::regprocedure::text, pg_get_function_result(p.oid), p.prosrc, p.prosecdef,
                            p.proconfig, p.proowner::regrole::text, p.proacl::text[]) ORDER BY p.oid), '[]')
                        FROM pg_proc p WHERE p.pronamespace = to_regnamespace('{schema}'))))
            """,
            database=DATABASE,
        )

    def process(self, output: list[str]) -> Lookup:
        """One JSON object, or a word that says why not."""
        if why := silence(output):
            return Lookup(silence=why)
        return Lookup(silence=None, **json.loads("".join(output)))
