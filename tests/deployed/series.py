"""Long series of like cases: `make test` runs the first of each kind, `make soak` all of them (docs/development.md)."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import pytest

Case = TypeVar("Case")


def first_of_each(cases: Sequence[Case], kind: Callable[[Case], Hashable]) -> tuple[list[Case], list[Case]]:
    """The first case of each kind, and all the others."""
    first = list({kind(case): case for case in reversed(cases)}.values())
    return [case for case in cases if case in first], [case for case in cases if case not in first]


def series(
    parameter: str, cases: Sequence[Case], *, kind: Callable[[Case], Hashable], name: Callable[[Case], str]
) -> pytest.MarkDecorator:
    """A test that `make soak` runs with each case, and `make test` with the first of each kind."""
    first, _ = first_of_each(cases, kind)
    return pytest.mark.parametrize(
        parameter,
        [pytest.param(case, id=name(case), marks=() if case in first else pytest.mark.soak) for case in cases],
    )
