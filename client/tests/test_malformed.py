"""What PostgreSQL or JSON does not take is named by its place."""

from collections import UserDict
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from event_store import malformed, queries
from event_store.events import NewEvent
from event_store.statements import ask

CIRCULAR: dict[str, Any] = {}
CIRCULAR["again"] = CIRCULAR


def said(parameters: dict[str, Any], refusal: Exception | None = None) -> str:
    error = malformed.in_parameters(parameters, refusal or ValueError())
    return error.message if error else ""


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("a\0b", "contains U+0000"),
        ("\ud83d", "contains the lone surrogate U+D83D"),
        (float("nan"), "is nan"),
        (float("-inf"), "is -inf"),
        (10**5000, "is an integer of more digits"),
        (Decimal("sNaN"), "is sNaN"),
        (Decimal("-Infinity"), "is -Infinity"),
        ({"c": {"\0": 1}}, "has the key"),
        ({"c": CIRCULAR}, "is nested more than 900 deep"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_value_is_named_with_its_place(value: Any, what: str) -> None:
    events = [NewEvent("Fine", {}), NewEvent("Odd", {"fine": ["x", 1.5], "a": {"b": [value]}})]
    message = said({"aggregate_type": "A", "events": Jsonb([event.document() for event in events])})
    assert message.startswith("events[1]: event_data.a.b[0]")
    assert what in message


def test_the_place_is_said_in_the_words_of_the_call() -> None:
    assert said({"event_data": Jsonb({"a b": "\0"})}).startswith("event_data['a b'] contains")
    assert said({"aggregate_type": "\0"}).startswith("aggregate_type contains")
    assert said({"event_types": ["A", "\0"]}).startswith("event_types[1] contains")
    appends = [{"events": []}, {"events": [{"metadata": {"x": "\0"}}]}]
    assert said({"appends": Jsonb(appends)}).startswith("appends[1].events[0]: metadata.x contains")


def test_what_an_application_has_taught_psycopg_is_no_reason() -> None:
    parameters = {"event_data": Jsonb({"at": datetime.now(UTC), "n": float("nan")})}
    assert said(parameters).startswith("event_data.n is nan")
    assert said(parameters, TypeError()).startswith("event_data.at is of the type datetime")
    assert said({"event_data": Jsonb({"at": datetime.now(UTC)})}) == ""


@pytest.mark.parametrize("time", [datetime(2026, 1, 1), date(2026, 1, 1)], ids=repr)
def test_a_time_without_a_zone_is_refused_wherever_one_is_passed(time: datetime) -> None:
    with pytest.raises(ValueError, match="from_time has no time zone"):
        queries.events("get_events_in_time_range", from_time=time, until_time=datetime.now(UTC))
    with pytest.raises(ValueError, match="at_time has no time zone"):
        ask("get_version_at", {"at_time": time})


@pytest.mark.parametrize("key", [uuid4(), (1, 2), Decimal(1), datetime.now(UTC)], ids=lambda key: type(key).__name__)
def test_a_key_that_is_no_text_is_named(key: Any) -> None:
    message = said({"event_data": Jsonb({"a": {7: 1, 2.5: 2, None: 3, False: 4, key: 5}})}, TypeError())
    assert message == f"event_data.a has the key {key!r}, which is of the type {type(key).__name__} and no text"


@pytest.mark.parametrize("number", [Decimal("1E+200000"), Decimal("-1E-20000"), Decimal("0E-20000")], ids=repr)
def test_a_number_of_too_many_digits_is_named(number: Decimal) -> None:
    refusal = errors.NumericValueOutOfRange()
    message = said({"event_data": Jsonb({"fine": [Decimal("1E+131071"), Decimal("1E-16383")], "a": number})}, refusal)
    assert message.startswith("event_data.a has more digits than PostgreSQL stores: 131,072 before the point")


def test_a_mapping_that_is_no_dict_is_the_reason_only_if_nothing_else_is() -> None:
    assert said({"event_data": Jsonb(MappingProxyType({"a": 1}))}, TypeError()).startswith(
        "event_data is of the type mappingproxy"
    )
    assert said({"event_data": Jsonb(UserDict({"a": {1}}))}, TypeError()).startswith("event_data.a is of the type set")


DEEP: list[Any] = []
for _ in range(920):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "refusal",
    [
        psycopg.OperationalError("the connection is lost"),
        psycopg.ProgrammingError("cannot adapt"),
        errors.AdminShutdown(),
        errors.DeadlockDetected(),
        errors.InsufficientPrivilege(),
        errors.UniqueViolation(),
        errors.DivisionByZero(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("odd", [float("nan"), Decimal("1E+400"), Decimal("1E+200000"), DEEP, {1}], ids=repr)
def test_what_is_refused_for_another_reason_is_not_malformed(refusal: psycopg.Error, odd: Any) -> None:
    assert said({"event_data": Jsonb({"a": odd})}, refusal) == ""


def test_a_text_is_the_reason_only_if_data_were_refused() -> None:
    parameters = {"event_data": Jsonb({"a": "\0"})}
    assert said(parameters, psycopg.OperationalError("the connection is lost")) == ""
    for refusal in (psycopg.DataError("NUL"), errors.UntranslatableCharacter(), errors.CharacterNotInRepertoire()):
        assert said(parameters, refusal).startswith("event_data.a contains U+0000")
