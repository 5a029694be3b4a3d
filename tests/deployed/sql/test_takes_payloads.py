"""What is taken at a glance is never what the look at each field would refuse: the rules are written down twice."""

import json
from typing import Any, Final

import pytest
from psycopg.types.json import Jsonb

from .projecting import Connection

#: For each type of field: what is in order.
GOOD: Final[dict[str, Any]] = {
    "text": "x",
    "uuid": "6f1c2a4e-0000-4000-8000-0000000000c1",
    "timestamptz": "2024-05-01T10:00:00Z",
    "date": "2024-05-01",
    "numeric": "10.5",
    "preferences": {"theme": "dark"},
    "keys": ["theme"],
}
_TEXTS: Final = [
    *(
        "",
        " ",
        "x",
        "x" * 300,
        "x" * 400,
        "buy",
        "Buy",
        "call",
        "10",
        "-1",
        ".5",
        "5.",
        "+5",
        "1e5",
        "1e200000",
        " 1",
        "NaN",
    ),
    *(
        "Infinity",
        "0x10",
        "1_000",
        "now",
        "infinity",
        "today",
        "2024-05-01",
        "2024-5-1",
        "2024-02-30",
        "20240501",
        "-2024-05-01",
    ),
    *("2024-05-01 BC", "2024-05-01T10:00:00Z", "2024-05-01 10:00", "2024-05-01T", "2024-05-01T25:00:00Z"),
    *("0001-01-01T00:00:00+02:00", "0001-01-02T00:00:00Z", "9999-12-31T23:59:59-05:00", "9999-12-30T23:59:59Z"),
    *(
        "6f1c2a4e-0000-4000-8000-0000000000c1",
        "{6f1c2a4e000040008000-0000000000c1}",
        "6f1c2a4e00004000800000000000-00c1",
    ),
]
ODD: Final[list[Any]] = [
    *_TEXTS,
    *(
        None,
        True,
        0,
        -1,
        10.5,
        1e300,
        20240501,
        [],
        ["theme"],
        [1],
        [None],
        [["a"]],
        {},
        {"a": 1},
        {"k" * 256: 1},
        {"": None},
    ),
]
_CHECK: Final = """
    CREATE FUNCTION pg_temp.is_taken(aggregate_type text, event_type text, data jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM projections.check_payload(aggregate_type, event_type, data);
        RETURN true;
    EXCEPTION WHEN SQLSTATE 'SE007' THEN
        RETURN false;
    END $$"""


@pytest.fixture
def payloads(admin: Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Good payloads of each type of event, and each of them with one field that is odd, or missing."""
    fields: dict[tuple[str, str], dict[str, Any]] = {}
    query = "SELECT aggregate_type, event_type, name, type, allowed FROM projections.payload_fields()"
    for aggregate, event, name, kind, allowed in admin.execute(query):
        fields.setdefault((aggregate, event), {})[name] = allowed[0] if allowed else GOOD[kind]
    made = list[tuple[str, str, dict[str, Any]]]()
    for (aggregate, event), good in fields.items():
        made.append((aggregate, event, good))
        for name in good:
            made += [(aggregate, event, good | {name: odd}) for odd in ODD]
            # A payload with none of the fields is none of the read model's business.
            made += [(aggregate, event, {key: good[key] for key in good if key != name})] if len(good) > 1 else []
    return made


def test_nothing_is_taken_at_a_glance_that_is_refused_field_by_field(
    admin: Connection, payloads: list[tuple[str, str, dict[str, Any]]]
) -> None:
    admin.execute("SET timezone = 'UTC'; SET datestyle = 'ISO'")
    admin.execute(_CHECK)
    glances = 0
    for aggregate, event, data in payloads:
        events = Jsonb([{"event_type": event, "event_data": data}])
        row = admin.execute(
            "SELECT projections.takes_payloads(%s, %s), pg_temp.is_taken(%s, %s, %s)",
            [aggregate, events, aggregate, event, Jsonb(data)],
        ).fetchone()
        assert row is not None
        at_a_glance, is_taken = row
        assert is_taken or not at_a_glance, (event, json.dumps(data)[:300])
        glances += is_taken and at_a_glance
    assert glances > len(payloads) / 4
