"""The one schema that the generators of types are given."""

from typing import Any

from deploy.types.document import document, pascal

TEXT = {"name": "text", "is_array": False, "row_schema": None, "row_name": None}
ROW = {"name": "events", "is_array": True, "row_schema": "event_store", "row_name": "events"}


def registered(name: str, version: int, schema: Any) -> dict[str, Any]:
    return {"event_type": name, "schema_version": version, "json_schema": schema, "description": None}


def argument(name: str, mode: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "mode": mode, "type": kind}


def made(**found: Any) -> dict[str, Any]:
    definitions = document({"event_types": [], "rows": [], "functions": [], **found})["$defs"]
    assert isinstance(definitions, dict)
    return definitions


def test_a_name_is_one_in_every_language() -> None:
    names = ["portfolio_positions", "PositionOpened", "order.placed-v2", "2fast", "Größe", "—"]
    assert [pascal(name) for name in names] == [
        "PortfolioPositions", "PositionOpened", "OrderPlacedV2", "Type2fast", "GrE", "Unnamed",
    ]  # fmt: skip


def test_an_event_is_told_apart_by_its_type_and_has_the_payload_of_its_version() -> None:
    found = made(event_types=[registered("Opened", 1, {"type": "object"}), registered("Opened", 2, {"type": "object"})])
    assert found["StoreEvent"]["oneOf"] == [{"$ref": "#/$defs/OpenedV1"}, {"$ref": "#/$defs/OpenedV2"}]
    event = found["OpenedV2"]["properties"]
    assert (event["event_type"], event["schema_version"]) == ({"const": "Opened"}, {"const": 2})
    assert event["event_data"] == {"$ref": "#/$defs/OpenedV2Data"}
    assert found["OpenedV2"]["required"] == ["event_type", "schema_version", "event_data"]


def test_what_a_schema_refers_to_in_itself_is_found_where_it_is_now() -> None:
    schema = {
        "$id": "https://example.org/opened",
        "title": "Something",
        "properties": {"price": {"$ref": "#/$defs/StoreEvent"}, "next": {"$ref": "#"}, "$ref": {"type": "string"}},
        "$defs": {"StoreEvent": {"title": "Money", "type": "number"}},
    }
    found = made(event_types=[registered("Opened", 1, schema)])["OpenedV1Data"]
    assert found["properties"]["price"] == {"$ref": "#/$defs/OpenedV1Data/$defs/StoreEvent"}
    assert found["properties"]["next"] == {"$ref": "#/$defs/OpenedV1Data"}
    assert found["properties"]["$ref"] == {"type": "string"}
    assert (found["title"], found["$defs"], "$id" in found) == (
        "OpenedV1Data",
        {"StoreEvent": {"type": "number"}},
        False,
    )


def test_what_several_schemas_define_alike_is_one_type() -> None:
    def with_money(kind: str) -> dict[str, Any]:
        return {"properties": {"price": {"$ref": "#/$defs/money"}}, "$defs": {"money": {"type": kind}}}

    kinds = {"Opened": "number", "Closed": "number", "Other": "string"}
    found = made(event_types=[registered(name, 1, with_money(kind)) for name, kind in kinds.items()])
    assert found["Money"] == {"title": "Money", "type": "number"}
    prices = [found[f"{name}V1Data"]["properties"]["price"]["$ref"] for name in kinds]
    assert prices == ["#/$defs/Money", "#/$defs/Money", "#/$defs/OtherV1Data/$defs/money"]
    assert found["OtherV1Data"]["$defs"] == {"money": {"type": "string"}}


def test_a_field_may_be_called_title() -> None:
    schema = {"properties": {"title": {"type": "string"}}, "enum": [{"title": "a"}]}
    found = made(event_types=[registered("Named", 1, schema)])["NamedV1Data"]
    assert found["properties"] == {"title": {"type": "string"}}
    assert found["enum"] == [{"title": "a"}]


def test_names_that_become_the_same_get_a_number() -> None:
    found = made(event_types=[registered("a b", 1, {}), registered("a_b", 1, {})])
    assert {"ABV1", "ABV1_2", "ABV1_2Data"} <= found.keys()


def test_functions_with_defaults_results_and_rows() -> None:
    function = {
        "schema": "event_store",
        "name": "read_feed",
        "is_set": True,
        "required": 1,
        "returns": TEXT,
        "arguments": [argument("after", "i", TEXT), argument("most", "i", TEXT), argument("rows", "o", ROW)],
    }
    rows = [{"schema": "event_store", "name": "events", "columns": [{"name": "n", "type": TEXT, "nullable": False}]}]
    found = made(functions=[function, function | {"arguments": []}], rows=rows)
    assert found["ReadFeedArguments"]["required"] == ["after"]
    assert found["ReadFeedResult"]["properties"]["rows"]["anyOf"][0] == {
        "type": "array", "items": {"$ref": "#/$defs/EventsRow"},
    }  # fmt: skip
    assert found["ReadFeed_2Result"] == {"title": "ReadFeed_2Result", "type": "string"}
    assert found["EventsRow"]["properties"] == {"n": {"type": "string"}}
