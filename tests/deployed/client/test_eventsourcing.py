"""The adapter for the library `eventsourcing`: the library's own test cases, and what they do not ask."""

import unittest
from collections.abc import Iterator
from typing import Any
from unittest import TestCase
from uuid import uuid4

import pytest
from eventsourcing.utils import Environment

from event_store.eventsourcing import Factory

from . import eventsourcing_cases


def each_test(*cases: type[TestCase]) -> list[Any]:
    """All tests of the library's classes."""
    names = unittest.defaultTestLoader.getTestCaseNames
    return [pytest.param(case, name, id=f"{case.__name__}-{name}") for case in cases for name in names(case)]


@pytest.fixture
def factory(conninfo: str) -> Iterator[Factory]:
    """Recorders of an application that nobody else uses."""
    with Factory(Environment(f"App{uuid4().hex[:8]}", {"EVENT_STORE_CONNINFO": conninfo})) as factory:
        yield factory


@pytest.mark.parametrize(("case", "name"), each_test(*eventsourcing_cases.RECORDER_CASES))
def test_recorder_as_the_library_tests_it(factory: Factory, case: type[TestCase], name: str) -> None:
    eventsourcing_cases.FACTORY[:] = [factory]
    case(name).debug()


@pytest.mark.parametrize(("case", "name"), each_test(*eventsourcing_cases.APPLICATION_CASES))
def test_application_as_the_library_tests_it(
    empty_conninfo: str, monkeypatch: pytest.MonkeyPatch, case: type[TestCase], name: str
) -> None:
    monkeypatch.setenv("PERSISTENCE_MODULE", "event_store.eventsourcing")
    monkeypatch.setenv("EVENT_STORE_CONNINFO", empty_conninfo)
    with Factory(Environment("", {"EVENT_STORE_CONNINFO": empty_conninfo})) as factory:
        eventsourcing_cases.FACTORY[:] = [factory]
        case(name).debug()
