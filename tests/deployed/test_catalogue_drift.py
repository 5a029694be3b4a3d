"""Every change by hand to the schema is reported; what costs no rows is undone by one apply, the rest ends in a report.

The fixture ``database`` is a copy of the deployed database (CREATE DATABASE … TEMPLATE), made anew for each test.
"""

from typing import Any, Protocol

import pytest
from drift_cases import NOT_MANAGED, NOT_REPAIRABLE, REPAIRABLE, DriftCase


class Database(Protocol):
    def superuser_sql(self, sql: str) -> str:
        """Runs ``sql`` as the superuser; raises where it fails."""

    def drift(self) -> list[dict[str, Any]]:
        """The rows of the drift query that are not implied by another."""

    def apply(self) -> bool:
        """Runs the repair; whether it went through."""


def _name(case: DriftCase) -> str:
    return case.name


def test_a_deployed_schema_does_not_differ(database: Database) -> None:
    assert database.drift() == []


@pytest.mark.parametrize("case", REPAIRABLE, ids=_name)
def test_drift_is_reported_and_one_apply_undoes_it(database: Database, case: DriftCase) -> None:
    database.superuser_sql(case.sql)
    assert case.kind in {difference["kind"] for difference in database.drift()}
    assert database.apply()
    assert database.drift() == []


@pytest.mark.parametrize("case", NOT_REPAIRABLE, ids=_name)
def test_where_rows_are_at_stake_nothing_is_touched(database: Database, case: DriftCase) -> None:
    database.superuser_sql(case.sql + "; DROP INDEX IF EXISTS event_store.idx_events_created_at")
    before = database.drift()
    assert case.kind in {difference["kind"] for difference in before if not difference["repairable"]}
    assert not database.apply()
    assert database.drift() == before


@pytest.mark.parametrize("case", NOT_MANAGED, ids=_name)
def test_the_application_s_own_objects_are_left_alone(database: Database, case: DriftCase) -> None:
    database.superuser_sql(case.sql)
    assert database.drift() == []
    assert database.apply()
