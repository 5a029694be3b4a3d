import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.eventsourcing import ids
from event_store.eventsourcing.states import SortedJSONTranscoder, to_data, to_state

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary())
def test_any_state_comes_back_byte_by_byte(state: bytes) -> None:
    assert to_state(*to_data(state)) == state


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
def test_any_json_comes_back_byte_by_byte(tree: dict[str, Any]) -> None:
    state = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    data, form = to_data(state)
    assert to_state(data, form) == state


@pytest.mark.parametrize(
    ("state", "form"),
    [
        (b'{"a":1,"bb":[1.5,null],"\xc3\xa4":"x"}', "json"),
        (b"{}", "json"),
        (b'{"bb":1,"a":2}', "text"),  # jsonb puts shorter keys first
        (b'{"a": 1}', "text"),
        (b'{"a":1e+16}', "text"),  # numeric has no exponent
        (b'{"a":-0.0}', "text"),
        (b'{"a":NaN}', "text"),
        (b'{"a":"\\u0000"}', "text"),
        (b'{"a":1,"a":1}', "text"),
        (b"[1]", "text"),
        (b"state1", "text"),
        (b"a\x00b", "base64"),
        (b"\xff", "base64"),
    ],
)
def test_only_what_jsonb_gives_back_unchanged_is_stored_as_json(state: bytes, form: str) -> None:
    assert to_data(state)[1] == form


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers() | st.text(max_size=3)))
def test_what_the_transcoder_makes_is_stored_as_json(tree: dict[str, Any]) -> None:
    if "_type_" in tree or "\\u0000" in json.dumps(tree):
        return
    state = SortedJSONTranscoder().encode(tree)
    assert to_data(state) == (tree, "json")
    assert SortedJSONTranscoder().decode(state) == tree


@given(st.text(min_size=1), st.integers(0, ids.LAST), st.integers(0, ids.LAST))
def test_event_ids_are_in_the_order_of_the_notification_ids(application: str, one: int, other: int) -> None:
    first, second = ids.event_id(application, one), ids.event_id(application, other)
    assert (first.bytes < second.bytes) == (one < other)
    assert ids.notification_id(first) == one
    assert (first.version, first.variant) == (8, UUID(int=1 << 63).variant)


def test_each_application_has_ids_of_its_own() -> None:
    assert ids.event_id("A", 1) != ids.event_id("B", 1)


@pytest.mark.parametrize("notification_id", [-1, ids.LAST + 1])
def test_what_does_not_fit_into_an_event_id_is_refused(notification_id: int) -> None:
    with pytest.raises(ValueError, match="notification ids are"):
        ids.event_id("A", notification_id)


def test_an_originator_that_is_a_uuid_is_that_aggregate() -> None:
    originator = UUID("6f1c2a4e-0000-4000-8000-000000000001")
    assert ids.aggregate_id(originator) == originator
    assert ids.aggregate_id(str(originator)) == ids.aggregate_id(str(originator)) != originator
