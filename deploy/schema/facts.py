"""What the database holds, next to what this checkout describes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from pyinfra.api.facts import FactBase

from deploy.machine.psql import DATABASE_ABSENT, fact_query, silence
from deploy.machine.records import Difference
from deploy.schema import catalogue
from deploy.schema.migrations import Applied


class Answer(Enum):
    """Who answered, when the database was asked."""

    NOBODY = "no container, or no PostgreSQL in it"
    SERVER_SILENT = "the server is not running, or lets nobody in"
    DATABASE_ABSENT = "there is no such database"
    DATABASE = "the database"

    @property
    def explanation(self) -> str:
        """For who cannot go on without an answer."""
        return {
            Answer.NOBODY: "the container is not running, or there is no PostgreSQL in it",
            Answer.DATABASE_ABSENT: "there is no database",
        }.get(self, "the database answered")


@dataclass(frozen=True)
class Deviation:
    """One object of the catalogue that is not as the files make it."""

    kind: str
    identity: str
    word: str
    """``missing``, ``extra`` or ``changed``."""
    repairable: bool
    present: str | None = None
    expected: str | None = None

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """One row of ``sql/catalogue/drift.sql``."""
        return cls(row["kind"], row["identity"], row["difference"], row["repairable"], row["present"], row["expected"])

    @property
    def difference(self) -> Difference:
        """For a report."""
        word = self.word
        # An owner or a type fits behind the line, the source of a function does not.
        words = (self.present, self.expected)
        if word == "changed" and all(word is not None and len(word) <= 40 and "\n" not in word for word in words):
            word = f"{word} ({self.present or 'nothing'}, should be {self.expected or 'nothing'})"
        return Difference(f"{self.kind} {self.identity}", word)


@dataclass(frozen=True)
class State:
    """The schema of one database. ``drift`` is None if there is no reference to compare with, or an outdated one."""

    answer: Answer
    silence: str = ""
    """Why nobody answered, for people."""
    has_store: bool = False
    ledger: tuple[Applied, ...] = ()
    drift: tuple[Deviation, ...] | None = None
    settings: Mapping[str, Any] | None = None
    """The row of ``event_store.settings``; None if there is no such table, or no row in it."""
    references: tuple[int, ...] = ()
    """The versions whose whole catalogue is stored, so that a rollback to them brings back everything."""
    rebase_due: bool = False
    """The store was restored from another cluster: its feed has to be rebased."""


def parse(output: list[str]) -> State:
    """The output of ``sql/catalogue/state.sql``, or of `fact_query` in its place."""
    lines = [line for line in output if line]
    if why := silence(lines):
        absent = lines[0] == DATABASE_ABSENT
        return State(Answer.DATABASE_ABSENT) if absent else State(Answer.SERVER_SILENT, silence=why)
    found: dict[str, Any] = {}
    for line in lines:
        found.update(json.loads(line))
    drift = found.get("drift")
    return State(
        Answer.DATABASE,
        has_store=found["has_store"],
        ledger=tuple(Applied(**row) for row in found.get("ledger", [])),
        drift=None if drift is None else tuple(Deviation.from_row(row) for row in drift),
        settings=found.get("settings"),
        references=tuple(found.get("references", [])),
        rebase_due=bool(found.get("rebase_due")),
    )


class SchemaState(FactBase[State]):
    """The ledger of the migrations, the drift of the catalogue and the store's settings, in one psql call."""

    def command(self, database: str) -> str:
        return fact_query(catalogue.load().state, database=database)

    def process(self, output: list[str]) -> State:
        return parse(output)

    @staticmethod
    def default() -> State:
        return State(Answer.NOBODY)
