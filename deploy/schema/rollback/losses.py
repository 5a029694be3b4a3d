"""What taking a migration back would lose: said by its ``down.sql``, asked of the database, refused if it matters.

Comments at the top of a ``down.sql`` say it, one line for each table that goes, or loses columns or rows::

    -- keeps event_store.events                           not taken back as long as there are such rows
    -- loses event_store.seals                            only if whoever takes it back names the table
    -- loses event_store.commands WHERE content_hash IS NOT NULL
    -- rebuilds projections.positions                     comes back from the events, or from the inventory
    -- loses nothing
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from deploy.schema.migrations import Migration, MigrationError

_LINE: Final = re.compile(
    r"^-- (?P<verb>keeps|loses|rebuilds) (?P<table>\w+\.\w+)(?: WHERE (?P<rows>.+))?$", re.MULTILINE
)
_NOTHING: Final = re.compile(r"^-- loses nothing$", re.MULTILINE)
#: Rows are counted up to here: whether there are more changes nothing.
_MANY: Final = 1000


@dataclass(frozen=True)
class Loss:
    """Rows of a table that go when a migration is taken back."""

    migration: str
    verb: Literal["keeps", "loses", "rebuilds"]
    table: str
    rows: str = "true"
    """Which of them, as an SQL condition."""

    @property
    def query(self) -> str:
        """One JSON object with how many there are, up to `_MANY` and one more; no row if there are none."""
        text = json.dumps(self.__dict__).replace("'", "''")
        return (
            f"SELECT jsonb_set('{text}', '{{found}}', to_jsonb(count(*))) FROM "
            f"(SELECT FROM {self.table} WHERE {self.rows} LIMIT {_MANY + 1}) AS rows HAVING count(*) > 0;"
        )


@dataclass(frozen=True)
class Found:
    """A loss with the number of rows that there are."""

    loss: Loss
    count: int

    @property
    def rows(self) -> str:
        """Which rows they are."""
        return self.loss.table + ("" if self.loss.rows == "true" else f" WHERE {self.loss.rows}")

    @property
    def number(self) -> str:
        """How many there are, up to `_MANY`."""
        return f"more than {_MANY:,} rows" if self.count > _MANY else f"{self.count} row(s)"

    def __str__(self) -> str:
        return f"{self.rows}: {self.number}"

    @classmethod
    def parse(cls, line: str) -> "Found":
        """From the output of `Loss.query`."""
        values = json.loads(line)
        return cls(Loss(**{name: values[name] for name in Loss.__dataclass_fields__}), values["found"])


def losses(migration: Migration) -> tuple[Loss, ...]:
    """What ``down.sql`` says; `MigrationError` if it says nothing at all."""
    found = tuple(
        Loss(str(migration), match["verb"], match["table"], match["rows"] or "true")  # type: ignore[arg-type]
        for match in _LINE.finditer(migration.down)
    )
    if not found and not _NOTHING.search(migration.down):
        raise MigrationError(
            f"{migration.folder}/down.sql does not say what it loses: a line `-- keeps TABLE`, `-- loses TABLE` or "
            "`-- rebuilds TABLE` for each table, or `-- loses nothing`"
        )
    return found


def refusals(found: Iterable[Found], given_up: Sequence[str]) -> list[str]:
    """Why the migrations must not be taken back, given the tables that the operator has named."""
    reasons = []
    for one in found:
        if one.loss.verb == "keeps":
            reasons.append(f"{one.loss.migration} cannot be taken back with {one}")
        elif one.loss.verb == "loses" and one.loss.table not in given_up:
            reasons.append(f"{one.loss.migration} would lose {one}; to give them up, add --data lose={one.loss.table}")
    return reasons


def guard(migration: Migration, given_up: Sequence[str]) -> str:
    """SQL that ends the transaction if rows would be lost, and keeps new ones out until it is over."""
    statements = []
    for loss in losses(migration):
        if loss.verb == "rebuilds" or (loss.verb == "loses" and loss.table in given_up):
            continue
        statements.append(f"LOCK TABLE {loss.table} IN ACCESS EXCLUSIVE MODE;")
        statements.append(f"""DO $guard$ BEGIN
    IF EXISTS (SELECT FROM {loss.table} WHERE {loss.rows}) THEN
        RAISE EXCEPTION '{migration} is not taken back: rows of {loss.table} would be lost';
    END IF;
END $guard$;""")
    return "\n".join(statements)
