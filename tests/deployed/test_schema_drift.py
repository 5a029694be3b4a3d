"""Drift of the database's content, every kind of it, on both versions of PostgreSQL at once.

`make test` has the first case of each kind, `make soak` all of them.
"""

import itertools
import math
from collections import Counter

import pytest

from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .deployment import Deployment, differences, inside, sql
from .drift_cases import NOT_MANAGED, NOT_REPAIRABLE, REPAIRABLE, DriftCase
from .series import first_of_each, series

BOTH = (TRIXIE, BOOKWORM)
#: Changes at once. What takes other objects along is alone, for there would be nothing left for the others to change.
AT_ONCE = 8


def _groups(all_cases: list[DriftCase]) -> list[list[DriftCase]]:
    """The list has like beside like, and a group has cases from all over it."""
    alone = [case for case in all_cases if "CASCADE" in case.sql or case.name == "many at once"]
    others = [case for case in all_cases if case not in alone]
    groups = math.ceil(len(others) / AT_ONCE)
    return [[case] for case in alone] + [others[number::groups] for number in range(groups)]


FIRST, MORE = first_of_each(REPAIRABLE, lambda case: (case.kind, "CASCADE" in case.sql))


@pytest.mark.parametrize(
    "cases",
    [*_groups(FIRST), *(pytest.param(cases, marks=pytest.mark.soak) for cases in _groups(MORE))],
    ids=lambda cases: " + ".join(case.name for case in cases),
)
def test_is_shown_and_repaired(deployed: Deployment, cases: list[DriftCase]) -> None:
    for name, case in itertools.product(BOTH, cases):
        sql(name, case.sql)
    status, report = deployed.drift()
    assert status == 2, report
    for name in BOTH:
        # The worker may be in trouble as well, with what it calls gone.
        line = next(line for line in report.splitlines() if line.startswith(f"@lxc/{name}: "))
        assert "Schema | Converge schema of the event store" in line
    kinds = Counter(case.kind for case in cases)
    shown = {kind: sum(line.startswith(kind) for line in differences(report)) for kind in kinds}
    assert all(shown[kind] >= count * len(BOTH) for kind, count in kinds.items()), report
    assert deployed.apply()
    deployed.assert_as_declared()


@series("case", NOT_REPAIRABLE, kind=lambda case: case.kind, name=lambda case: case.name)
def test_what_would_lose_data_is_reported_and_not_touched(deployed: Deployment, case: DriftCase) -> None:
    """In a copy of the database's place: the change is undone by hand at the end, as the message asks."""
    sql(TRIXIE, "DROP INDEX event_store.idx_events_type")
    inside(TRIXIE, "systemctl stop 'event-store@*'")  # a template is nobody else's
    sql(TRIXIE, "CREATE DATABASE kept TEMPLATE stock_analysis_event_store OWNER stock_analysis_user", "postgres")
    try:
        sql(TRIXIE, case.sql)
        before = sql(TRIXIE, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class")
        status, report = deployed.drift()
        assert status == 1, report
        assert case.kind in report
        done = deployed.pyinfra("-y", check=False)
        assert done.returncode != 0
        assert case.kind in done.stderr
        assert sql(TRIXIE, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class") == before
    finally:
        sql(TRIXIE, "DROP DATABASE stock_analysis_event_store WITH (FORCE)", "postgres")
        sql(TRIXIE, "ALTER DATABASE kept RENAME TO stock_analysis_event_store", "postgres")
        deployed.apply()
    deployed.assert_as_declared()


@pytest.mark.parametrize("case", NOT_MANAGED, ids=lambda case: case.name)
def test_what_belongs_to_others_is_left_alone(deployed: Deployment, case: DriftCase) -> None:
    sql(TRIXIE, case.sql)
    try:
        deployed.assert_as_declared()
    finally:
        sql(TRIXIE, "DROP SCHEMA IF EXISTS app CASCADE; DROP TABLE IF EXISTS public.t")
