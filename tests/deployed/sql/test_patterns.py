"""Patterns of JSON schemas: regular expressions of ECMA-262, and none that can take a matcher years."""

import time
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .appends import Connection, append_event, append_events, call, refused


@pytest.fixture
def event_type() -> str:
    """A type of this test's own."""
    return f"Type{uuid4().hex}"


def register(connection: Connection, event_type: str, json_schema: Any) -> None:
    call(connection, "register_event_type", event_type=event_type, schema_version=1, json_schema=Jsonb(json_schema))


def fits(connection: Connection, event_type: str, values: list[Any]) -> list[bool]:
    """Which of the values a payload may hold in x; all of them are sent in one list."""
    events = [{"event_type": event_type, "event_data": {"x": value}} for value in values]
    try:
        append_events(connection, uuid4(), events)
    except psycopg.Error as error:
        if error.sqlstate != "SE007":
            raise
        detail = error.diag.message_detail or ""
        broken = {int(line[7 : line.index("]")]) for line in detail.splitlines()}
        return [place not in broken for place in range(len(values))]
    return [True] * len(values)


#: A pattern, what it matches, and what it does not match, as ECMA-262 has it with the flag u.
PATTERNS: list[tuple[str, list[str], list[str]]] = [
    ("^a$", ["a"], ["a\n", "\na", "ab", ""]),
    (r"^\d+$", ["0123"], ["\u0663", "1\n", "\u00b2"]),
    (r"^\D$", ["\u0663", "x"], ["7"]),
    (r"^\w+$", ["aZ_9"], ["\u00e4", "\u03a9", "a\n", "-"]),
    (r"^\W$", ["\u00e4", "\u03a9", "-"], ["a", "_"]),
    (r"^\s$", [" ", "\t", "\u00a0", "\ufeff", "\u2028"], ["\x1c", "\x85", "x"]),
    (r"^\S$", ["\x85", "x"], ["\ufeff"]),
    (r"\bkey\b", ["a key", "\u00e4key\u00e4"], ["akey"]),
    (r"^\B$", [""], ["a"]),
    ("^.$", ["a", "\x85", "\U0001f600"], ["\n", "\r", "\u2028", "ab"]),
    (r"^\p{Lu}\p{Letter}*$", ["\u00c4rger", "\u03a9"], ["\u00e4rger", "1"]),
    (r"^[^\P{Nd}5]$", ["4", "\u0663"], ["5", "a"]),
    (r"^\p{General_Category=Currency_Symbol}\P{L}$", ["\u20ac1"], ["\u20aca", "a1"]),
    (r"^\cJ\x41\u00e4\u{1F600}\ud83d\ude00$", ["\nA\u00e4\U0001f600\U0001f600"], ["x"]),
    (r"^[\b\-\]a-c]$", ["\b", "-", "]", "b"], ["d", "\\"]),
    ("^[^]$", ["\n", "a"], [""]),
    ("a[]|b", ["b"], ["a"]),
    (r"^(?<q>['\"])x\k<q>$", ["'x'", '"x"'], ["'x\""]),
    (r"^(a)?\1$", ["aa", ""], ["a"]),
    (r"^(?=.*\d)(?!.*b)a.+(?<=1)(?<!01)$", ["a21", "a1"], ["ab1", "a01", "a2"]),
    ("^a{2,3}?b{2}c{1,}$", ["aabbc", "aaabbcc"], ["abbc", "aabc"]),
    (r"^\-\@\/\_x{y}$", ["-@/_x{y}"], ["x"]),
    ("^(one|two)-[a-z-]+$", ["one-a-b", "two-x"], ["three-x", "one-"]),
]


@pytest.mark.parametrize(("pattern", "matches", "others"), PATTERNS, ids=[pattern for pattern, _, _ in PATTERNS])
def test_patterns_are_those_of_ecma_262(
    app: Connection, event_type: str, pattern: str, matches: list[str], others: list[str]
) -> None:
    register(app, event_type, {"properties": {"x": {"pattern": pattern}}})
    assert fits(app, event_type, [*matches, *others]) == [True] * len(matches) + [False] * len(others)
    # As names of properties, between other such patterns with groups, with what they leave over refused.
    names = {
        "patternProperties": {r"^(?<q>un)\k<q>used$": {}, pattern: {}, r"^(?<q>un)(not)\1used$": {}},
        "additionalProperties": False,
    }
    register(app, f"{event_type}Names", {"properties": {"x": names}})
    values: list[Any] = [{value: 1} for value in [*matches, *others]]
    assert fits(app, f"{event_type}Names", values) == [True] * len(matches) + [False] * len(others)


def test_names_of_properties_that_any_of_the_patterns_matches_are_not_additional(
    app: Connection, event_type: str
) -> None:
    """Each pattern counts its groups by itself; the empty one matches every name."""
    names: dict[str, Any] = {"patternProperties": {r"^(a)\1$": {}, r"^(bb)\1$": {}}}
    register(app, event_type, {"properties": {"x": {**names, "additionalProperties": False}}})
    assert fits(app, event_type, [{"aa": 1}, {"bbbb": 1}, {"bb": 1}]) == [True, True, False]
    register(app, f"{event_type}Values", {"properties": {"x": {**names, "additionalProperties": {"type": "string"}}}})
    assert fits(app, f"{event_type}Values", [{"bbbb": 1}, {"bb": 1}, {"bb": "1"}]) == [True, False, True]
    register(app, f"{event_type}Left", {"properties": {"x": {**names, "unevaluatedProperties": False}}})
    assert fits(app, f"{event_type}Left", [{"bbbb": 1}, {"bb": 1}]) == [True, False]
    empty = {"patternProperties": {"": {}}, "additionalProperties": False}
    register(app, f"{event_type}Empty", {"properties": {"x": empty}})
    assert fits(app, f"{event_type}Empty", [{"b": 1}]) == [True]


def test_the_message_has_the_pattern_as_it_was_registered(app: Connection, event_type: str) -> None:
    register(app, event_type, {"properties": {"x": {"pattern": r"^\d$"}}})
    with refused("SE007") as refusal:
        append_event(app, uuid4(), event_type=event_type, event_data={"x": "1\n"})
    assert refusal.detail == r"$.x: '1\n' does not match '^\\d$'"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\Z", r"ECMA-262 has no \Z at character 2"),
        (r"\Aa", r"ECMA-262 has no \A at character 2"),
        (r"[\Z]", r"ECMA-262 has no \Z in brackets at character 3"),
        ("(?i)a", "this kind of group is not known at character 3"),
        ("(?P<x>a)", "this kind of group is not known at character 3"),
        ("(?#x)", "this kind of group is not known at character 3"),
        ("(", "a ) is missing at character 2"),
        ("a)", "there is a ) too many at character 2"),
        ("[a", "a ] is missing at character 3"),
        ("[b-a]", "a range is out of order at character 5"),
        ("a**", "there is nothing to repeat at character 3"),
        ("a{3,2}", "the numbers of a repetition are out of order or too big at character 7"),
        (r"\2(a)", "there is no such group at character 3"),
        (r"\p{Script=Greek}", r"\p{Script=Greek} is not a general category, like \p{L} or \p{Lu}"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
        ("\\", "ECMA-262 has no \\ at character 2"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(
    app: Connection, event_type: str, pattern: str, reason: str
) -> None:
    for json_schema, place in (
        ({"pattern": pattern}, "$.pattern"),
        ({"patternProperties": {pattern: {}}}, "$.patternProperties"),
    ):
        with refused("SE008") as refusal:
            register(app, event_type, json_schema)
        assert refusal.detail.startswith(f"{place}: ")
        assert refusal.detail.endswith(f"is not a 'regex': {reason}")


ENDLESS = [
    # Repetitions that have an end, of parts of no fixed length.
    "^([A-Za-z]+ ?){1,10}$",
    "^(a?){60}a{60}$",
    r"^(\w+\s?){1,20}$",
    "^([a-z]+ ?){1,50}$",
    "^(a{1,10}){1,10}$",
    "^([a-z]{1,400}){1,3}$",
    "^(a|ab|b){20}$",
    # Loops that share a text, one after the other.
    "^" + 6 * "[a-z]*" + "$",
    "^(?:[a-z]*){6}$",
    r"^\w*\d*\w*\w*\d*\w*$",
    "^.*a.*b.*c.*d.*$",
    "(?=^[a-z]*[a-z]*[a-z]*[a-z]*$)b",
    "^" + 4 * "[a-z]{1,100}" + "$",
    # Ways that part and meet again.
    "^" + 30 * "a?" + "a{30}$",
    "^" + 30 * "a?b?" + "$",
    "^" + 30 * "(a|a)" + "$",
    "^(a|a){30}$",
    # Repetitions that have no end.
    "^(a+)+$",
    "(a*)*b",
    "^(a|a)*$",
    "^(a|ab|b)*$",
    r"^(\w+\s?)*$",
    "^(.*,)*$",
    "^(a{2,3})*$",
    "(a{1,100}){1,100}",
    "(?=(a+)+$)b",
    "^(?:a?b?a?)*$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*@x$",
]
QUICK = [
    r"^(\d{3}[- ]?){2}\d{4}$",
    r"^[\w.+-]+@[\w-]+\.[\w.-]+$",
    "^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,63}$",
    "^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
    r"^[A-Z]{2}\d{2}([A-Z0-9]{3,5}){2,7}$",
    r"^(?=.*[A-Z])(?=.*\d).{8,64}$",
    r'^"([^"\\]|\\.)*"$',
    "^(foo|bar|baz)*$",
    r"^(\d{16},?)*$",
    "^[a-z]{1,63}([.][a-z]{1,63}){0,10}$",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$",
    "^[a-z]{1,50000}$",
    "^[a-z]{300}$",
    "^([a-z]{100},){3}$",
    r"^[^\s@]+@[^\s@]+\.[^\s@]+$",
    r"^\d{1,3}(,\d{3})*(\.\d{1,2})?$",
    r"^\s*\S+(\s+\S+)*\s*$",
    "^.*foo.*bar.*$",
    r"^\d{1,4}\d{1,4}\d{1,4}\d{1,4}$",
    r"^\d?\d?\d?\d$",
    "^(AED|AFN|ALL|USD|USN)-(AED|AFN|ALL|USD|USN)-(AED|AFN|ALL|USD|USN)$",
    r"^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$",
    r"^\p{L}+([ '-]\p{L}+){0,9}$",
    r"^(\+\d{1,3}[- ]?)?\(?\d{3}\)?[- ]?\d{3}[- ]?\d{4}$",
    r"^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$",
    "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_can_take_years_is_refused(app: Connection, event_type: str, pattern: str) -> None:
    for json_schema, place in (
        ({"items": {"pattern": pattern}}, "$.items.pattern: "),
        ({"patternProperties": {pattern: {}}}, "$.patternProperties["),
    ):
        with refused("SE008") as refusal:
            register(app, event_type, json_schema)
        assert refusal.detail.startswith(place)
        assert "can take years" in refusal.detail


@pytest.mark.parametrize("pattern", QUICK)
def test_a_pattern_that_goes_one_way_is_taken(app: Connection, event_type: str, pattern: str) -> None:
    begun = time.monotonic()
    register(app, event_type, {"properties": {"x": {"pattern": pattern}}})
    fits(app, event_type, ["a" * 10_000, "1" * 10_000, "a-" * 5_000])
    assert time.monotonic() - begun < 30


def test_what_only_looks_like_a_pattern_is_let_alone(app: Connection, event_type: str) -> None:
    """A property of that name, and values."""
    register(app, event_type, {"properties": {"pattern": {"const": "(a+)+"}}, "default": {"pattern": "("}})
    append_event(app, uuid4(), event_type=event_type, event_data={"pattern": "(a+)+"})


def test_a_schema_from_before_is_read_as_it_was(app: Connection, admin: Connection, event_type: str) -> None:
    admin.execute(
        "INSERT INTO event_store.event_types (event_type, schema_version, json_schema, validation)"
        " VALUES (%s, 1, %s, 'enforce')",
        [event_type, Jsonb({"properties": {"x": {"pattern": r"\Aa\Z"}}})],
    )
    assert fits(app, event_type, ["a", "ab"]) == [True, False]


FORMATS: dict[str, tuple[list[str], list[str]]] = {
    "email": (
        ["ann@example.org", "a.b+c_d@x-y.example", '"a b"@example.org', "a@[127.0.0.1]", "a@[IPv6:::1]", "~@localhost"],
        ["ann@example.org\n", "ann", "@x", "a@", ".a@x", "a..b@x", "a b@x", "a@x_y", "a@\u0663.org", "\u00e4@x.org",
         "a@[127.0.0.300]", "a@-x.org", "a@b@c"],
    ),
    "uuid": (
        ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
        ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d16380\n",
         "\u0662eb8aa08-aa98-11ea-b4aa-73b441d16380"],
    ),
    "regex": (["^a$", r"\p{Lu}"], [r"\Z", "("]),
    "date": (["2025-02-28"], ["2025-02-28\n", "\u0662025-02-28"]),
    "ipv4": (["10.0.0.1"], ["10.0.0.1\n", "10.0.0.\u0661"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_of_ascii_and_end_where_the_text_ends(app: Connection, event_type: str, name: str) -> None:
    good, bad = FORMATS[name]
    register(app, event_type, {"properties": {"x": {"format": name}}})
    assert fits(app, event_type, [*good, *bad]) == [True] * len(good) + [False] * len(bad)


def test_a_schema_that_was_encoded_twice_is_recognised(app: Connection, event_type: str) -> None:
    with refused("SE008") as refusal:
        register(app, event_type, '{"type": "object"}')
    assert refusal.detail == "$: it is not a JSON object but a string: encoded twice?"
