"""Documents come back as they were stored, whatever numbers are in them."""

import json
from collections import UserDict
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import set_json_dumps, set_json_loads

from event_store import ANY, Command, EventStore, NewEvent, errors

from ..sql.stores import Store
from .test_methods import Do, do

__all__ = ["do"]

#: Legal JSON, as another client writes it, and what it is in Python.
NUMBERS: dict[str, int | float | Decimal] = {
    "1": 1,
    "-1.5": -1.5,
    "1e300": 10**300,
    "1e5000": Decimal(10) ** 5000,
    "-" + "7" * 4301: Decimal("-" + "7" * 4301),
    "9" * 400 + ".5": Decimal("9" * 400 + ".5"),
    "-1.5e-400": Decimal("-1.5e-400"),
    "0.0": 0.0,
}


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:12])
def test_a_number_that_is_stored_can_be_read(do: Do, store: Store, text: str) -> None:
    aggregate = uuid4()
    query = "SELECT FROM event_store.append_event('Numbers', %s, 0, 'Counted', %s::jsonb)"
    with store.connect() as app:
        app.execute(query, [aggregate, f'{{"number": {text}}}'])
    (event,) = do("get_events", "Numbers", aggregate)
    number = event.data["number"]
    assert (type(number), number) == (type(NUMBERS[text]), NUMBERS[text])
    assert do("load_aggregate", "Numbers", aggregate).events == [event]


DECIMALS = [
    Decimal(text) for text in ("1.10", "0.1234567890123456789012345678901", "-0.00", "1E+3", "12345678901234567890.5")
]


def test_decimals_make_the_way_there_and_back(conninfo: str) -> None:
    aggregate, data = uuid4(), {"amounts": DECIMALS, "text": '"1.10"', "whole": 5}
    with EventStore(conninfo, decimals=True) as client:
        client.append_event("Decimals", aggregate, NewEvent("Paid", data), expected=ANY)
        client.append_events("Decimals", aggregate, [NewEvent("Paid", data)] * 2, expected=ANY)
        client.save_snapshot("Decimals", aggregate, 3, {"sum": DECIMALS[1]})
        events = client.get_events("Decimals", aggregate)
        snapshot = client.get_snapshot("Decimals", aggregate)
    assert [event.data for event in events] == [data] * 3
    assert str(events[0].data["amounts"][0]) == "1.10"
    assert snapshot is not None
    assert snapshot.data == {"sum": DECIMALS[1]}


def test_without_being_asked_for_decimals_the_client_reads_floats(client: EventStore) -> None:
    aggregate = uuid4()
    client.append_event("Decimals", aggregate, NewEvent("Paid", {"amount": Decimal("1.10")}), expected=ANY)
    amount = client.get_events("Decimals", aggregate)[0].data["amount"]
    assert (type(amount), amount) == (float, 1.1)


@pytest.mark.parametrize("odd", [Decimal("NaN"), Decimal("Infinity")], ids=repr)
def test_a_decimal_that_is_no_number_is_refused(client: EventStore, odd: Decimal) -> None:
    with pytest.raises(errors.MalformedArgumentError, match=r"^event_data\.amount is "):
        client.append_event("Decimals", uuid4(), NewEvent("Paid", {"amount": odd}), expected=ANY)


def test_any_mapping_is_written_like_a_dict(do: Do) -> None:
    aggregate = uuid4()
    data = MappingProxyType({"a": UserDict({"b": [MappingProxyType({})]}), "c": Decimal("1.10")})
    event = NewEvent("Mapped", data, MappingProxyType({"m": 1}))
    command = Command("Map", data=data)
    do("append_event", "Mappings", aggregate, event, expected=ANY, command=command)
    do("append_events", "Mappings", aggregate, [event, event], expected=ANY)
    do("save_snapshot", "Mappings", aggregate, 3, data)
    events = do("get_events", "Mappings", aggregate)
    stored = {"a": {"b": [{}]}, "c": 1.1}
    assert [(event.data, event.metadata) for event in events] == [(stored, {"m": 1})] * 3
    assert do("get_latest_snapshot", "Mappings", aggregate).data == stored


def test_a_snapshot_that_cannot_be_read_is_named(do: Do, store: Store) -> None:
    aggregate = uuid4()
    do("append_events", "Deep", aggregate, [NewEvent("Fine", {})] * 3, expected=ANY)
    deep = '{"deep": ' + "[" * 3000 + "]" * 3000 + "}"
    with store.connect() as app:
        app.execute("SELECT event_store.save_snapshot('Deep', %s, 2, %s::jsonb, 5)", [aggregate, deep])
    for method, arguments in (("load_aggregate", []), ("get_latest_snapshot", []), ("get_snapshot_at", [3])):
        with pytest.raises(errors.UnreadableSnapshotError, match="at version 2, layout 5, cannot be read") as caught:
            do(method, "Deep", aggregate, *arguments)
        error = caught.value
        assert (error.aggregate_type, error.aggregate_id) == ("Deep", aggregate)
        assert (error.aggregate_version, error.snapshot_version) == (2, 5)
    assert len(do("get_events", "Deep", aggregate)) == 3
    assert do("save_snapshot", "Deep", aggregate, 3, {}, snapshot_version=6)
    assert do("load_aggregate", "Deep", aggregate).version == 3


def test_events_before_one_that_cannot_be_read_do_not_count_the_snapshot(do: Do, store: Store) -> None:
    aggregate = uuid4()
    do("append_events", "Deep", aggregate, [NewEvent("Fine", {})] * 3, expected=ANY)
    do("save_snapshot", "Deep", aggregate, 2, {})
    deep = '{"deep": ' + "[" * 3000 + "]" * 3000 + "}"
    with store.connect() as app:
        app.execute("SELECT FROM event_store.append_event('Deep', %s, 3, 'Deep', %s::jsonb)", [aggregate, deep])
    with pytest.raises(errors.UnreadableEventError) as caught:
        do("load_aggregate", "Deep", aggregate)
    assert caught.value.before == 1


@pytest.mark.parametrize("number", [Decimal("1E+400"), float("nan"), None], ids=repr)
def test_what_was_taken_is_taken_again_after_a_lost_connection(
    conninfo: str, store: Store, number: Decimal | float | None
) -> None:
    data: dict[str, Any] = {"n": number}
    if number is None:
        deep: list[Any] = []
        for _ in range(920):
            deep = [deep]
        data = {"n": deep}

    def dumps(document: Any) -> str:
        return json.dumps(document).replace("NaN", "null")

    def configure(connection: "psycopg.Connection[Any]") -> None:
        if isinstance(number, float):
            set_json_dumps(dumps, connection)

    with EventStore(conninfo, max_size=1, configure=configure) as client:
        aggregate = uuid4()
        client.append_event("Taken", aggregate, NewEvent("Taken", data), expected=ANY)
        with client.session() as session:
            lost = session.connection.info.backend_pid
        store.connect("postgres").execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
        assert client.append_event("Taken", aggregate, NewEvent("Taken", data), expected=1).event_version == 2


def as_text(value: Any) -> str:
    return str(value)


@pytest.mark.parametrize("context", [True, False], ids=["of connections", "of all"])
def test_the_applications_own_way_to_read_and_write_json_stays(conninfo: str, context: bool) -> None:
    loads: Callable[[str | bytes], Any] = partial(json.loads, parse_float=as_text)
    dumps: Callable[[Any], str] = partial(json.dumps, default=as_text)

    def configure(connection: "psycopg.Connection[Any] | None") -> None:
        set_json_loads(loads, connection)
        set_json_dumps(dumps, connection)

    aggregate = uuid4()
    try:
        if not context:
            configure(None)
        with EventStore(conninfo, configure=configure if context else None) as client:
            client.append_event("Own", aggregate, NewEvent("Paid", {"a": 1.5, "b": Decimal("2.5")}), expected=ANY)
            assert client.get_events("Own", aggregate)[0].data == {"a": "1.5", "b": "2.5"}
    finally:
        set_json_loads(json.loads)
        set_json_dumps(json.dumps)
