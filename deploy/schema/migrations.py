"""The migrations of this checkout: read, checked, and put together as the scripts that apply them.

A migration is a folder ``NNNN_name`` with ``up.sql`` and ``down.sql``. Each is applied in one transaction together with
its ledger row, so a killed run leaves either both or neither; and under an advisory lock that is taken before the
ledger is looked at, so of two runs at once the second finds the row and does nothing.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.machine.psql import LOCK_TIMEOUT

#: Who owns everything inside the database. No login role is a member.
OWNER: Final = "event_store_owner"

#: One advisory lock for all that changes the schema (the bytes of "schema").
LOCK: Final = int.from_bytes(b"schema")

_FOLDER: Final = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)")
_TRANSACTION: Final = re.compile(
    r"^\s*(BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK)\b[^;\n]*;", re.IGNORECASE | re.MULTILINE
)


class MigrationError(ValueError):
    """The migrations of the checkout, or those of the checkout and the ledger, do not fit together."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    folder: str
    up: str
    down: str

    @property
    def sha256(self) -> str:
        """What the ledger remembers of ``up.sql``."""
        return hashlib.sha256(self.up.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.version:04d}_{self.name}"


@dataclass(frozen=True)
class Applied:
    """A row of the ledger."""

    version: int
    name: str
    sha256: str


def load(folder: Path) -> tuple[Migration, ...]:
    """The migrations in ``folder`` by version; `MigrationError` if they are not numbered 1, 2, 3, … or lack a file."""
    migrations = tuple(_load(path) for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise MigrationError(
                f"{migration.folder} stands where version {expected:04d} should: "
                "versions count up from 0001, each once and without a gap"
            )
    return migrations


def _load(path: Path) -> Migration:
    match = _FOLDER.fullmatch(path.name)
    if match is None:
        raise MigrationError(f"{path} is not named like 0001_event_store")
    up, down = (_read(path / name) for name in ("up.sql", "down.sql"))
    return Migration(int(match["version"]), match["name"], str(path), up, down)


def _read(path: Path) -> str:
    if not path.is_file():
        raise MigrationError(f"{path} is missing: every migration has an up.sql and a down.sql")
    sql = path.read_text(encoding="utf-8")
    if match := _TRANSACTION.search(sql):
        raise MigrationError(
            f"{path} contains {match[0].strip()!r}: a migration is applied in one transaction with its ledger row, "
            "it does not begin or end one itself"
        )
    return sql


def pending(migrations: Sequence[Migration], ledger: Sequence[Applied]) -> tuple[Migration, ...]:
    """The migrations that the ledger lacks; `MigrationError` if what was applied is not what the checkout has."""
    known = {migration.version: migration for migration in migrations}
    for applied in ledger:
        migration = known.get(applied.version)
        if migration is None:
            raise MigrationError(
                f"version {applied.version:04d}_{applied.name} was applied, but this checkout does not know it: "
                "a newer checkout deployed it. Deploy from that one, or take the version back from there (make rollback)"
            )
        if migration.sha256 != applied.sha256:
            raise MigrationError(
                f"version {migration} was applied, and {migration.folder}/up.sql has been edited since "
                f"(applied {applied.sha256[:12]}, now {migration.sha256[:12]}). Bring the file back as it was "
                "(git log shows it) and put the change into a new migration"
            )
    applied_versions = {applied.version for applied in ledger}
    return tuple(migration for migration in migrations if migration.version not in applied_versions)


def target(text: object, known: Sequence[Migration]) -> int:
    """The version that ``--data to=TEXT`` means: a number or a whole name; 0 = before the first one."""
    names = ", ".join(["0000", *map(str, known)])
    match = re.fullmatch(r"(?P<version>\d{1,4})(?P<name>_[a-z0-9_]+)?", "" if text is None else str(text))
    if match is None:
        raise MigrationError(f"say how far to go back with --data to=NNNN, one of {names}")
    version = int(match["version"])
    if (match["name"] and f"{version:04d}{match['name']}" not in names.split(", ")) or version > len(known):
        raise MigrationError(f"to={text} is no migration of this checkout; there are {names}")
    return version


def _locked(ledger_sql: str) -> str:
    # A second run may well wait longer for the first one's migration than a migration for its tables. Not for ever: anybody
    # who is connected can take an advisory lock.
    return f"""SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '1min';
DO $$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); END $$;
{ledger_sql}
"""


def up_script(migration: Migration, ledger_sql: str) -> str:
    """Applies ``migration`` unless the ledger has it by now. For `psql` in a single transaction."""
    # Nothing in here comes from outside the repository: `load` admits names of a-z, 0-9 and _ only.
    return f"""{_locked(ledger_sql)}
SELECT NOT EXISTS (SELECT FROM deployment.migrations WHERE version = {migration.version}) AS pending \\gset
\\if :pending
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
SET LOCAL ROLE {OWNER};
{migration.up}
SET LOCAL ROLE NONE;
INSERT INTO deployment.migrations (version, name, sha256)
VALUES ({migration.version}, '{migration.name}', '{migration.sha256}');
\\endif
"""


def down_script(migration: Migration, ledger_sql: str, guard: str) -> str:
    """Takes ``migration`` back; refuses unless it is the last one applied. For `psql` in a single transaction.

    ``guard`` is SQL that ends the transaction if rows would be lost. The references of schemas with this migration go
    as well: what is taken back would read as lost.
    """
    return f"""{_locked(ledger_sql)}
DO $$ BEGIN
    IF (SELECT max(version) FROM deployment.migrations) IS DISTINCT FROM {migration.version} THEN
        RAISE EXCEPTION '{migration} is not the last migration applied';
    END IF;
END $$;
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
{guard}
SET LOCAL ROLE {OWNER};
{migration.down}
SET LOCAL ROLE NONE;
DELETE FROM deployment.reference
 WHERE built_at >= (SELECT applied_at FROM deployment.migrations WHERE version = {migration.version});
DELETE FROM deployment.migrations WHERE version = {migration.version};
"""
