"""Event types: registered with JSON schemas, and what becomes of payloads that break them."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.schema import catalogue

from .appends import Connection, append_event, append_events, at_once, call, counted, refused, stored
from .feed import wait_until
from .stores import Store

ORDER = {
    "type": "object",
    "properties": {
        "quantity": {"type": "integer", "minimum": 1},
        "price": {"type": "number", "multipleOf": 0.01},
        "at": {"format": "date-time"},
        "legs": {"type": "array", "items": {"$ref": "#/$defs/leg"}},
    },
    "required": ["quantity"],
    "$defs": {
        "leg": {"type": "object", "required": ["symbol"], "additionalProperties": False, "properties": {"symbol": {}}}
    },
}


@pytest.fixture
def event_type() -> str:
    """A type of this test's own."""
    return f"Type{uuid4().hex}"


@pytest.fixture
def strict(store: Store) -> Iterator[None]:
    """The setting that refuses unknown types, for one test."""
    with store.connect("postgres") as admin:
        admin.execute("UPDATE event_store.settings SET unknown_event_types = 'refuse'")
        yield
        admin.execute("UPDATE event_store.settings SET unknown_event_types = 'allow'")


def register(connection: Connection, event_type: str, json_schema: Any, version: int = 1, **more: Any) -> bool:
    arguments = {"event_type": event_type, "schema_version": version, "json_schema": Jsonb(json_schema)}
    (row,) = call(connection, "register_event_type", **arguments | more)
    return bool(row["register_event_type"])


def set_validation(connection: Connection, event_type: str, validation: Any, version: int | None = None) -> int:
    (row,) = call(
        connection, "set_event_type_validation", event_type=event_type, validation=validation, schema_version=version
    )
    return int(row["set_event_type_validation"])


def append(connection: Connection, event_type: str, payload: Any, version: int = 1) -> dict[str, Any]:
    return append_event(connection, uuid4(), event_type=event_type, event_data=Jsonb(payload), schema_version=version)


def is_waiting(connection: Connection, other: Connection) -> bool:
    """Whether the other session waits for a third one."""
    return connection.execute("SELECT pg_blocking_pids(%s)", [other.info.backend_pid]).fetchone() != ([],)


def is_valid(connection: Connection, event_type: str, payload: Any) -> bool:
    try:
        append(connection, event_type, payload)
    except psycopg.Error as error:
        if error.sqlstate != "SE007":
            raise
        return False
    return True


def test_payloads_that_fit_are_appended(app: Connection, event_type: str) -> None:
    assert register(app, event_type, ORDER)
    append(
        app, event_type, {"quantity": 1, "price": 10.01, "at": "2024-02-29T10:00:00.123Z", "legs": [{"symbol": "A"}]}
    )
    append_events(app, uuid4(), [{"event_type": event_type, "event_data": {"quantity": n}} for n in range(1, 100)])


def test_a_payload_that_breaks_its_schema_is_refused_with_the_path(app: Connection, event_type: str) -> None:
    register(app, event_type, ORDER)
    with refused("SE007") as refusal:
        append(
            app, event_type, {"quantity": 0, "price": 10.015, "at": "2023-02-29T10:00:00Z", "legs": [{}, {"x y": 1}]}
        )
    assert refusal.message == f"the payload of {event_type} breaks its JSON schema"
    assert refusal.detail.splitlines() == [
        "$.at: '2023-02-29T10:00:00Z' is not a 'date-time'",
        "$.legs[0]: 'symbol' is a required property",
        "$.legs[1]: 'symbol' is a required property",
        "$.legs[1]: Additional properties are not allowed ('x y' was unexpected)",
        "$.price: 10.015 is not a multiple of 0.01",
        "$.quantity: 0 is less than the minimum of 1",
    ]
    aggregate, good = uuid4(), {"event_type": event_type, "event_data": {"quantity": 1}}
    with refused("SE007") as refusal:
        append_events(app, aggregate, [good, *counted(1), good, good | {"event_data": {}}, good])
    assert refusal.detail == "events[3]: $: 'quantity' is a required property"
    assert stored(app, aggregate) == []


def test_a_long_list_of_problems_is_cut_off(app: Connection, event_type: str) -> None:
    register(app, event_type, {"additionalProperties": {"type": "string"}})
    bad = {"event_type": event_type, "event_data": {f"key{n}": n for n in range(100)}}
    with refused("SE007") as refusal:
        append_events(app, uuid4(), [bad] * 100)
    assert len(refusal.detail.splitlines()) == 50
    with refused("SE007") as refusal:
        append(app, event_type, {"key": ["x" * 10_000]})
    assert len(refusal.detail) < 400


def test_warn_appends_with_the_same_text_as_a_warning(app: Connection, event_type: str) -> None:
    notices: list[Any] = []
    # What a notice says is gone after its handler.
    app.add_notice_handler(
        lambda said: notices.append((said.severity, said.sqlstate, said.message_primary, said.message_detail))
    )
    register(app, event_type, ORDER, validation="warn")
    append(app, event_type, {"quantity": 1})
    assert notices == []
    append(app, event_type, {"quantity": "1"})
    assert notices == [
        (
            "WARNING",
            "SE007",
            f"the payload of {event_type} breaks its JSON schema",
            "$.quantity: '1' is not of type 'integer'",
        )
    ]


def test_off_keeps_the_schema_only(app: Connection, event_type: str) -> None:
    register(app, event_type, ORDER, validation="off", description="An order")
    append(app, event_type, {})
    (row,) = app.execute(
        "SELECT json_schema, validation, description FROM event_store.event_types WHERE event_type = %s", [event_type]
    ).fetchall()
    assert row == (ORDER, "off", "An order")


def test_each_schema_version_has_its_own_schema_and_validation(app: Connection, event_type: str) -> None:
    register(app, event_type, ORDER, 1)
    register(app, event_type, {"required": ["amount"]}, 2)
    append(app, event_type, {"quantity": 1}, 1)
    append(app, event_type, {"amount": 1}, 2)
    with refused("SE007"):
        append(app, event_type, {"quantity": 1}, 2)
    assert set_validation(app, event_type, "off", 2) == 1
    append(app, event_type, {"quantity": 1}, 2)
    assert set_validation(app, event_type, "enforce") == 1
    with refused("SE007"):
        append(app, event_type, {"quantity": 1}, 2)
    # Both versions in one list, each by its own.
    with refused("SE007") as refusal:
        append_events(
            app,
            uuid4(),
            [{"event_type": event_type, "event_data": {"amount": 1}, "schema_version": n} for n in (2, 1)],
        )
    assert refusal.detail == "events[1]: $: 'quantity' is a required property"


def test_the_place_of_an_event_is_that_of_the_call(app: Connection, event_type: str) -> None:
    """One event has none; of several lists, also of one, it says in which."""
    register(app, event_type, {"required": ["n"]})
    bad = {"event_type": event_type, "event_data": {}}
    missing = "$: 'n' is a required property"
    with refused("SE007") as refusal:
        append(app, event_type, {})
    assert refusal.detail == missing
    with refused("SE007") as refusal:
        append_events(app, uuid4(), [bad])
    assert refusal.detail == f"events[0]: {missing}"
    other = {"aggregate_type": "Counter", "aggregate_id": str(uuid4()), "events": counted(1)}
    wrong = {"aggregate_type": "Counter", "aggregate_id": str(uuid4()), "events": [*counted(1), bad]}
    for appends, place in ([other, wrong], "appends[1].events[1]"), ([wrong], "appends[0].events[1]"):
        with refused("SE007") as refusal:
            call(app, "append_to_aggregates", appends=appends)
        assert refusal.detail == f"{place}: {missing}"


def test_unknown_types_are_allowed_by_default(app: Connection, event_type: str) -> None:
    append(app, event_type, {"anything": [1]})


@pytest.mark.usefixtures("strict")
def test_unknown_types_are_refused_where_the_setting_says_so(app: Connection, event_type: str) -> None:
    with refused("SE006") as refusal:
        append(app, event_type, {})
    assert refusal.message == f"unknown event type: {event_type} with schema version 1"
    assert refusal.detail == "known schema versions: none"
    register(app, event_type, {}, 1, validation="off")
    register(app, event_type, {}, 3)
    append(app, event_type, {})
    known = {"event_type": event_type, "event_data": {}}
    with refused("SE006") as refusal:
        append_events(app, uuid4(), [known, known | {"schema_version": 3}, known | {"schema_version": 2}])
    assert refusal.message == f"unknown event type: {event_type} with schema version 2"
    assert refusal.detail == "events[2]; known schema versions: 1, 3"


def test_registering_again_is_harmless(app: Connection, event_type: str) -> None:
    assert register(app, event_type, ORDER, description="An order")
    assert not register(app, event_type, ORDER)
    assert register(app, event_type, ORDER, validation="warn")
    assert register(app, event_type, ORDER | {"title": "x"}, validation="warn")
    (row,) = app.execute(
        "SELECT description, validation, updated_at > created_at FROM event_store.event_types WHERE event_type = %s",
        [event_type],
    ).fetchall()
    assert row == ("An order", "warn", True)


def test_a_schema_by_which_events_are_stored_stays(app: Connection, event_type: str) -> None:
    register(app, event_type, ORDER)
    append(app, event_type, {"quantity": 1})
    assert not register(app, event_type, ORDER)
    assert register(app, event_type, ORDER, validation="warn")
    with refused("SE008") as refusal:
        register(app, event_type, ORDER | {"required": []})
    assert refusal.message == f"the JSON schema of {event_type} with schema version 1 cannot be replaced"
    assert refusal.hint == "Register the new schema with another schema version: 2 is free."
    assert register(app, event_type, ORDER | {"required": []}, 2)


def test_a_schema_is_not_replaced_while_an_event_is_validated_by_it(
    store: Store, app: Connection, event_type: str
) -> None:
    register(app, event_type, ORDER)
    with store.connect(autocommit=False) as appending, store.connect() as deploying:
        append(appending, event_type, {"quantity": 1})
        deploying.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            register(deploying, event_type, {})
        appending.commit()
        with refused("SE008"):
            register(deploying, event_type, {})


def append_to_several(connection: Connection, aggregate: UUID) -> None:
    several = [
        {"aggregate_type": "Counter", "aggregate_id": str(one), "events": counted(1)} for one in (uuid4(), aggregate)
    ]
    call(connection, "append_to_aggregates", appends=several)


@pytest.mark.parametrize(
    "append_late",
    [append_event, lambda connection, aggregate: append_events(connection, aggregate, counted(1)), append_to_several],
    ids=["one event", "a list", "several aggregates"],
)
@pytest.mark.parametrize(
    ("put_in_force", "sqlstate"),
    [
        (lambda admin: register(admin, "Counted", {"required": ["quantity"]}), "SE007"),
        (lambda admin: admin.execute("UPDATE event_store.settings SET unknown_event_types = 'refuse'"), "SE006"),
    ],
    ids=["a schema", "the refusal of unknown types"],
)
def test_what_is_put_in_force_while_an_append_waits_for_its_turn_holds_for_it(
    empty_store: Store,
    put_in_force: Callable[[Connection], Any],
    sqlstate: str,
    append_late: Callable[[Connection, UUID], Any],
) -> None:
    admin = empty_store.connect("postgres")
    with ThreadPoolExecutor(1) as pool, empty_store.connect() as second, empty_store.connect(autocommit=False) as first:
        # From its second append on, a session takes the shortest way.
        append_event(second, uuid4())
        # Of another type: a change of this one would wait for an append of it.
        append_event(first, aggregate := uuid4(), event_type="Opened")
        waiting = pool.submit(append_late, second, aggregate)
        wait_until(lambda: is_waiting(admin, second))
        put_in_force(admin)
        first.commit()
        with refused(sqlstate):
            waiting.result()
    assert len(stored(admin, aggregate)) == 1


def test_a_new_schema_holds_in_sessions_that_know_the_old_one(store: Store, app: Connection, event_type: str) -> None:
    register(app, event_type, {"required": ["a"]})
    with store.connect() as other:
        with refused("SE007"):
            append(other, event_type, {"b": 1})
        register(app, event_type, {"required": ["b"]})
        append(other, event_type, {"b": 1})


@pytest.mark.parametrize(
    ("json_schema", "detail"),
    [
        ([], "$: it is not a JSON object"),
        (True, "$: it is not a JSON object"),
        ({"type": "strnig"}, "$.type: 'strnig' is not valid under any of the given schemas"),
        ({"properties": {"a b": {"minLength": -1}}}, '$.properties["a b"].minLength: -1 is less than the minimum of 0'),
        (
            {"properties": {"a": {"pattern": "("}}},
            "$.properties.a.pattern: '(' is not a 'regex': a ) is missing at character 2",
        ),
        ({"patternProperties": {"(": {}}}, "$.patternProperties: '(' is not a 'regex': a ) is missing at character 2"),
        (
            {"items": {"$ref": "https://example.com/x.json"}},
            """$.items["$ref"]: 'https://example.com/x.json' refers to something outside the schema: put what it names into $defs""",
        ),
        (
            {"$ref": "file:///etc/passwd"},
            """$["$ref"]: 'file:///etc/passwd' refers to something outside the schema: put what it names into $defs""",
        ),
        (
            {"$dynamicRef": "other.json#x"},
            """$["$dynamicRef"]: 'other.json#x' refers to something outside the schema: put what it names into $defs""",
        ),
        ({"$ref": "#/$defs/missing"}, """$["$ref"]: '#/$defs/missing' leads nowhere"""),
        ({"$defs": {"a": {"$id": "https://example.com/"}}}, '$["$defs"].a["$id"]: $id is understood at the top only'),
        ({"$ref": "#"}, "$: it is nested too deeply"),
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused_with_the_path(
    app: Connection, event_type: str, json_schema: Any, detail: str
) -> None:
    with refused("SE008") as refusal:
        register(app, event_type, json_schema)
    assert refusal.message == f"the JSON schema of {event_type} with schema version 1 is refused"
    assert refusal.detail == detail


def test_an_unknown_draft_is_refused(app: Connection, event_type: str) -> None:
    with refused("SE008") as refusal:
        register(app, event_type, {"$schema": "https://example.com/my-draft"})
    assert refusal.detail.startswith(
        '$["$schema"]: it is not a known draft: https://json-schema.org/draft/2020-12/schema, '
    )


@pytest.mark.parametrize(
    ("draft", "json_schema", "values"),
    [
        ("https://json-schema.org/draft/2020-12/schema", {"prefixItems": [{"type": "string"}]}, (["a", 1], [1])),
        ("https://json-schema.org/draft/2019-09/schema", {"items": [{"type": "string"}]}, (["a", 1], [1])),
        (
            "http://json-schema.org/draft-07/schema#",
            {"$ref": "#/definitions/a", "definitions": {"a": {"const": 1}}},
            (1, 2),
        ),
        ("http://json-schema.org/draft-06/schema#", {"exclusiveMinimum": 1}, (2, 1)),
        ("http://json-schema.org/draft-04/schema#", {"minimum": 1, "exclusiveMinimum": True}, (2, 1)),
        ("http://json-schema.org/draft-03/schema#", {"disallow": ["string"]}, (1, "1")),
    ],
)
def test_the_draft_that_a_schema_names_is_used(
    app: Connection, event_type: str, draft: str, json_schema: Any, values: tuple[Any, Any]
) -> None:
    good, bad = values
    definitions = {"definitions": json_schema["definitions"]} if "definitions" in json_schema else {}
    register(app, event_type, {"$schema": draft, "properties": {"x": json_schema}} | definitions)
    assert is_valid(app, event_type, {"x": good})
    assert not is_valid(app, event_type, {"x": bad})


def test_references_inside_the_schema(app: Connection, event_type: str) -> None:
    tree = {
        "$id": "https://example.com/tree",
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"children": {"items": {"$ref": "#node"}}, "value": {"$ref": "#v"}},
                "$anchor": "node",
            },
            "value": {"$anchor": "v", "type": "integer"},
        },
        # A property of that name, and a value, are no references.
        "properties": {"$ref": {"type": "string"}, "const": {"const": {"$ref": "https://example.com/"}}},
    }
    register(app, event_type, tree)
    assert is_valid(app, event_type, {"children": [{"value": 1}, {"children": [{"value": 2}]}], "$ref": "x"})
    with refused("SE007") as refusal:
        append(app, event_type, {"children": [{"value": 1}, {"children": [{"value": "2"}]}]})
    assert refusal.detail == "$.children[1].children[0].value: '2' is not of type 'integer'"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", ["2023-02-29", "20240229", "2024-2-9", "2024-02-29T00:00:00Z"]),
        ("time", "23:59:59.123456789+02:00", ["24:00:00Z", "10:00:00", "10:00Z", "10:00:001Z"]),
        ("date-time", "2024-02-29t10:00:00z", ["2024-02-29 10:00:00Z", "2024-02-30T10:00:00Z", "2024-02-29T10:00:00"]),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", ["123e4567", "x23e4567-e89b-12d3-a456-426614174000"]),
        ("email", "a@example.com", ["example.com"]),
        ("ipv4", "192.0.2.1", ["192.0.2.256", "x"]),
        ("ipv6", "2001:db8::1", ["192.0.2.1", "::g"]),
        ("regex", "^a+$", ["("]),
    ],
)
def test_formats(app: Connection, event_type: str, name: str, good: str, bad: list[str]) -> None:
    register(app, event_type, {"properties": {"x": {"format": name}}})
    assert is_valid(app, event_type, {"x": good})
    assert is_valid(app, event_type, {"x": 5})
    for value in bad:
        assert not is_valid(app, event_type, {"x": value}), value


@pytest.mark.parametrize(
    ("json_schema", "good", "bad"),
    [
        ({"type": "integer"}, ["1", "1.0", "-0", "1e3", "1e400", "1" + "0" * 5000], ["1.5", "1e-3", "true", '"1"']),
        ({"type": "number"}, ["1.5", "1e400", "0.1e-400"], ["false"]),
        ({"multipleOf": 0.01}, ["0.07", "19.99", "4.35", "1e400", "1" + "0" * 20000 + ".01"], ["0.001", "19.995"]),
        ({"multipleOf": 0.1}, ["0.3", "1.1", "-7.7"], ["0.35"]),
        ({"maximum": 0.3}, ["0.3"], ["0.30000000000000001"]),
        ({"exclusiveMinimum": 9007199254740992}, ["9007199254740993"], ["9007199254740992"]),
        ({"enum": [1, 0.1]}, ["1.0", "0.10"], ["true", "0.1000000000000000055511151231257827"]),
        ({"uniqueItems": True}, ["[1, true, 1.5]"], ["[1, 1.0]", "[0.5, 0.50]"]),
    ],
    ids=str,
)
def test_numbers_are_compared_exactly(
    app: Connection, event_type: str, json_schema: Any, good: list[str], bad: list[str]
) -> None:
    register(app, event_type, {"properties": {"x": json_schema}})

    def accepted(text: str) -> bool:
        # As text: the client's own numbers would have lost the digits.
        try:
            app.execute(
                "SELECT event_store.append_event('T', %s, NULL, %s, %s::jsonb)",
                [uuid4(), event_type, f'{{"x": {text}}}'],
            )
        except psycopg.Error as error:
            if error.sqlstate != "SE007" or "Decimal" in (error.diag.message_detail or ""):
                raise
            return False
        return True

    for text in good:
        assert accepted(text), text[:30]
    for text in bad:
        assert not accepted(text), text[:30]


def endless(admin: Connection, event_type: str) -> None:
    """A schema from before such patterns were refused."""
    json_schema = Jsonb({"properties": {"x": {"pattern": "^(a+)+$"}}})
    admin.execute(
        "INSERT INTO event_store.event_types (event_type, schema_version, json_schema, validation)"
        " VALUES (%s, 1, %s, 'enforce')",
        [event_type, json_schema],
    )


def test_a_pattern_that_takes_for_ever_ends_with_an_error_of_its_own(
    app: Connection, admin: Connection, event_type: str
) -> None:
    endless(admin, event_type)
    with refused("SE017") as refusal:
        append(app, event_type, {"x": "a" * 60 + "!"})
    assert refusal.message == f"payloads of {event_type} could not be checked against their JSON schema"
    assert refusal.detail == "checking takes too long"
    append(app, event_type, {"x": "a"})


def test_a_check_can_be_cancelled(app: Connection, admin: Connection, event_type: str) -> None:
    endless(admin, event_type)
    app.execute("SET statement_timeout = '1s'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        append(app, event_type, {"x": "a" * 60 + "!"})
    append(app, event_type, {"x": "a"})


def test_the_size_decides_what_is_checked_and_not_the_time(app: Connection, event_type: str) -> None:
    register(app, event_type, {"properties": {"x": {"items": {"type": "number", "minimum": 0}}}})
    append(app, event_type, {"x": [1] * 180_000})
    notes = [{"event_type": event_type, "event_data": {"note": "x" * 10_000}} for _ in range(1_000)]
    append_events(app, uuid4(), notes)
    with refused("SE017") as refusal:
        append_events(app, uuid4(), notes * 2)
    assert refusal.detail == "they have 20024000 characters in all, and at most 16777216 are checked"
    set_validation(app, event_type, "warn")
    append_events(app, uuid4(), notes * 2)


def test_deep_nesting_is_refused_and_the_session_goes_on(app: Connection, event_type: str) -> None:
    register(app, event_type, {"properties": {"x": {"items": {"$ref": "#/properties/x"}}}})
    deep = "[" * 3000 + "]" * 3000
    with refused("SE007") as refusal:
        app.execute(
            "SELECT event_store.append_event('T', %s, NULL, %s, %s::jsonb)", [uuid4(), event_type, f'{{"x": {deep}}}']
        )
    assert refusal.detail == "$: it is nested too deeply"
    append(app, event_type, {"x": [[]]})
    with refused("SE008") as refusal:
        register(app, f"{event_type}Deep", json.loads('{"not": ' * 900 + "{}" + "}" * 900))
    assert refusal.detail == "$: it is nested too deeply"


@pytest.mark.parametrize(
    "arguments",
    [
        {"event_type": ""},
        {"event_type": None},
        {"event_type": "x" * 256},
        {"schema_version": 0},
        {"schema_version": None},
        {"json_schema": None},
        {"validation": "sometimes"},
        {"validation": None},
    ],
    ids=str,
)
def test_malformed_arguments_are_refused(app: Connection, arguments: dict[str, Any]) -> None:
    with refused("SE002") as refusal:
        call(app, "register_event_type", **{"event_type": "T", "schema_version": 1, "json_schema": {}} | arguments)
    assert refusal.message.startswith("malformed: ")


def test_setting_the_validation(app: Connection, admin: Connection, event_type: str) -> None:
    with refused("SE006") as refusal:
        set_validation(app, event_type, "off")
    assert refusal.message == f"unknown event type: {event_type}"
    register(app, event_type, ORDER)
    assert set_validation(app, event_type, "enforce") == 0
    with refused("SE006") as refusal:
        set_validation(app, event_type, "off", 2)
    assert refusal.message == f"unknown event type: {event_type} with schema version 2"
    for wrong in ("sometimes", None):
        with refused("SE002"):
            set_validation(app, event_type, wrong)
    # One that was stored before schemas were checked.
    admin.execute(
        "INSERT INTO event_store.event_types (event_type, schema_version, json_schema) VALUES (%s, 2, %s)",
        [event_type, Jsonb({"type": 5})],
    )
    append(app, event_type, {}, 2)
    with refused("SE008"):
        set_validation(app, event_type, "enforce")
    assert set_validation(app, event_type, "off") == 1


def test_registered_by_many_sessions_at_once(store: Store, event_type: str) -> None:
    results = at_once(store, 8, lambda connection, _: register(connection, event_type, ORDER))
    assert sorted(results) == [False] * 7 + [True]


@pytest.mark.parametrize(
    "change",
    [
        lambda connection, event_type: register(connection, event_type, {}),
        lambda connection, event_type: set_validation(connection, event_type, "enforce"),
    ],
    ids=["register", "set_validation"],
)
def test_several_types_in_a_transaction_and_one_of_them_in_another_never_deadlock(
    store: Store, app: Connection, event_type: str, change: Callable[[Connection, str], Any]
) -> None:
    one, two, other = (f"{event_type}{number}" for number in range(3))
    register(app, one, {}, validation="off")
    register(app, two, {}, validation="off")
    register(app, other, ORDER)
    with ThreadPoolExecutor(1) as pool, store.connect() as second, store.connect(autocommit=False) as first:
        change(first, one)
        waiting = pool.submit(change, second, two)
        wait_until(lambda: is_waiting(app, second))
        # Whoever appends waits for the own type only.
        app.execute("SET lock_timeout = '200ms'")
        append(app, other, {"quantity": 1})
        assert change(first, two)
        first.commit()
        assert not waiting.result()


def test_the_language_is_the_superusers_alone(app: Connection, admin: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("DO LANGUAGE plpython3u 'pass'")
    (owner,) = admin.execute(
        "SELECT proowner::regrole::text, proconfig FROM pg_proc WHERE proname = 'json_schema_problems'"
    ).fetchall()
    assert owner == ("postgres", ["search_path=pg_catalog, pg_temp"])


def test_types_that_were_validated_before_the_settings_knew_of_it_are_noted(
    empty_store: Store, event_type: str
) -> None:
    step = next(one for one in catalogue.load().migrations if one.name == "validated_event_types")
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    admin.execute("SET ROLE event_store_owner")
    admin.execute(step.down)
    register(app, event_type, ORDER)
    admin.execute(step.up)
    with refused("SE007"):
        append(app, event_type, {})
