"""What the driver or the server does not take is one error, which says where it is; from both halves of the client."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from event_store import ANY, Append, Command, NewEvent, Origin, errors

from .test_methods import Do, do

__all__ = ["do"]

ODD = [
    "a\0b",
    "\ud83d",
    float("nan"),
    float("inf"),
    10**5000,
    {"k\0": 1},
    {1, 2},
    {uuid4(): 1},
    {(1, 2): 1},
    {Decimal(1): 1},
    Decimal("sNaN"),
    Decimal("1E+200000"),
    Decimal("1E-20000"),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_an_append_says_which_event_and_where(do: Do, odd: Any) -> None:
    fine, wrong = NewEvent("Fine", {}), NewEvent("Odd", {"a": {"b": [odd]}})
    with pytest.raises(errors.MalformedArgumentError, match=r"^event_data\.a\.b\[0\]") as refused:
        do("append_event", "Odd", uuid4(), wrong, expected=ANY)
    assert refused.value.hint
    with pytest.raises(errors.MalformedArgumentError, match=r"^events\[1\]: event_data\.a\.b\[0\]"):
        do("append_events", "Odd", uuid4(), [fine, wrong], expected=ANY)
    with pytest.raises(errors.MalformedArgumentError, match=r"^appends\[1\]\.events\[0\]: event_data\.a\.b\[0\]"):
        do("append_to_aggregates", [Append("Odd", uuid4(), [fine], ANY), Append("Odd", uuid4(), [wrong], ANY)])


@pytest.mark.parametrize("odd", ["a\0b", "\ud83d"], ids=repr)
def test_so_does_every_other_argument(do: Do, odd: str) -> None:
    event, aggregate = NewEvent("Odd", {}), uuid4()
    cases: list[tuple[str, str, list[Any], dict[str, Any]]] = [
        ("aggregate_type", "append_event", [odd, aggregate, event], {"expected": ANY}),
        ("event_type", "append_event", ["Odd", aggregate, NewEvent(odd, {})], {"expected": ANY}),
        (
            r"events\[0\]: event_type",
            "append_events",
            ["Odd", aggregate, [NewEvent(odd, {}), event]],
            {"expected": ANY},
        ),
        ("metadata.x", "append_event", ["Odd", aggregate, NewEvent("Odd", {}, {"x": odd})], {"expected": ANY}),
        ("actor", "append_event", ["Odd", aggregate, event], {"expected": ANY, "origin": Origin(odd)}),
        (
            "command_data.x",
            "append_event",
            ["Odd", aggregate, event],
            {"expected": ANY, "command": Command("Odd", data={"x": odd})},
        ),
        ("snapshot_data.x", "save_snapshot", ["Odd", aggregate, 1, {"x": odd}], {}),
        ("data.x", "protect", [uuid4(), {"x": odd}], {}),
        ("email", "find_user", [odd], {}),
        (r"event_types\[0\]", "read_feed", [], {"event_types": [odd]}),
        ("subscription_name", "create_subscription", [odd], {}),
    ]
    for place, method, arguments, options in cases:
        with pytest.raises(errors.MalformedArgumentError, match=f"^{place} contains"):
            do(method, *arguments, **options)


def test_a_time_without_a_zone_is_refused(do: Do) -> None:
    naive = datetime(2026, 1, 1)
    for method, arguments, options in (
        ("get_version_at", ["A", uuid4(), naive], {}),
        ("load_aggregate", ["A", uuid4()], {"at_time": naive}),
        ("get_events_by_type", ["A"], {"from_time": naive}),
        ("get_events_in_time_range", [naive, naive], {}),
    ):
        with pytest.raises(ValueError, match="no time zone"):
            do(method, *arguments, **options)
