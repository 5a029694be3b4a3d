"""The schema that this checkout describes, and the scripts that compare a database with it and repair it.

The files in ``sql/repeatable`` are never run in the live database. They are run, after the migrations, in a scratch
database; the catalogue that comes out is the *reference*, and only what differs from it is changed. So an object that
is right is neither locked nor recreated, and a dropped index, a disabled trigger or an extra grant is found like an
edited function. The reference is stored with a key over all these files and the server's version, and built again only
when the key changes.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from deploy.machine.psql import LOCK_TIMEOUT
from deploy.schema import migrations
from deploy.schema.migrations import Migration

ROOT: Final = Path(__file__).parents[2] / "sql"

_EARLIER_KEY: Final = """(SELECT k.reference_key FROM deployment.reference k
     WHERE k.built_at >= (SELECT max(m.applied_at) FROM deployment.migrations m) AND k.reference_key LIKE /* comparable keys */
     ORDER BY k.built_at DESC LIMIT 1)"""
#: In the order in which they build on each other.
_REPEATABLE: Final = ("functions", "views", "triggers", "policies", "grants")


@dataclass(frozen=True)
class Schema:
    """Everything in the folder ``sql/``, as scripts."""

    migrations: tuple[Migration, ...]
    ledger: str
    digest: str
    #: Makes all of it in an empty database, as the superuser in one transaction.
    build: str
    #: Every difference between the database and the reference of this checkout, as one query.
    drift: str
    state: str
    reference: str
    repair: str
    #: Brings the catalogue to the newest reference that was built since the last migration of the ledger, if there is one.
    repair_earlier: str


@cache
def load(root: Path = ROOT) -> Schema:
    """Read the folder once for all hosts; `MigrationError` if its migrations are not in order."""
    steps = migrations.load(root / "migrations")
    repeatables = [path for folder in _REPEATABLE for path in sorted((root / "repeatable" / folder).rglob("*.sql"))]
    digest = _digest(root)
    parts = {
        "digest": digest,
        "lock": str(migrations.LOCK),
        "lock_timeout": LOCK_TIMEOUT,
        "ledger.sql": (root / "ledger.sql").read_text(),
    }
    # Each migration runs as the owner, whatever role the one before it ended in.
    sources = [f"{step.up}\nSET LOCAL ROLE {migrations.OWNER};" for step in steps]
    parts["build"] = "\n".join(
        [
            parts["ledger.sql"],
            f"SET LOCAL ROLE {migrations.OWNER};",
            *sources,
            *(path.read_text() for path in repeatables),
        ]
    )
    # References are comparable if they were built on the same server and describe objects in the same way.
    suffix = hashlib.sha256((root / "catalogue" / "snapshot.sql").read_bytes()).hexdigest()[:16]
    parts["comparable keys"] = f"'%:' || current_setting('server_version_num') || ':{suffix}'"
    parts["reference key"] = f"'{digest}:' || current_setting('server_version_num') || ':{suffix}'"
    for name in ("leftovers.sql", "snapshot.sql", "drift.sql", "state.sql", "reference.sql", "repair.sql"):
        parts[name] = _include((root / "catalogue" / name).read_text(), parts)
    earlier = parts | {"reference key": _include(_EARLIER_KEY, parts)}
    for name in ("drift.sql", "repair.sql"):
        earlier[name] = _include((root / "catalogue" / name).read_text(), earlier)
    return Schema(
        steps,
        parts["ledger.sql"],
        digest,
        parts["build"],
        parts["drift.sql"],
        parts["state.sql"],
        parts["reference.sql"],
        parts["repair.sql"],
        f"""SELECT {earlier["reference key"]} IS NOT NULL AS is_known \\gset
\\if :is_known
{earlier["repair.sql"]}
\\endif
""",
    )


def _include(text: str, parts: dict[str, str]) -> str:
    """``text`` with each ``/* name */`` replaced by that part."""
    for name, part in parts.items():
        text = text.replace(f"/* {name} */", part)
    return text


def _digest(root: Path) -> str:
    """A hash over the names and contents of all files that have a say in the reference."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.sql")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
