"""One JSON Schema of all that applications need types for: events, rows, functions. Generators turn it into languages."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

Schema = dict[str, Any]

TITLE: Final = "EventStoreTypes"
EVENT: Final = "StoreEvent"
_DEFINITIONS: Final = "$defs"
#: Keywords of JSON Schema whose keys are no keywords, and those whose values are no schemas.
_NAMED: Final = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
_VALUES: Final = {"enum", "const", "default", "examples"}
#: PostgreSQL's type → what drivers make of it. ``tsType`` is node-postgres, ``customTypePath`` psycopg; each generator reads its own.
_TYPES: Final[Mapping[str, Schema]] = {
    "bool": {"type": "boolean"},
    "int2": {"type": "integer"},
    "int4": {"type": "integer"},
    "int8": {"type": "integer", "tsType": "string"},
    "float8": {"type": "number"},
    "numeric": {"type": "string", "customTypePath": "decimal.Decimal"},
    "text": {"type": "string"},
    "varchar": {"type": "string"},
    "name": {"type": "string"},
    "xid8": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid", "customTypePath": "uuid.UUID"},
    "timestamptz": {"type": "string", "tsType": "Date", "customTypePath": "datetime.datetime"},
    "date": {"type": "string", "tsType": "Date", "customTypePath": "datetime.date"},
    "interval": {"type": "string", "tsType": "unknown", "customTypePath": "datetime.timedelta"},
    "bytea": {"type": "string", "tsType": "Buffer", "customTypePath": "builtins.bytes"},
    "void": {"type": "null"},
}


def document(catalogue: Mapping[str, Any]) -> Schema:
    """What `sql/catalogue/types.sql` has found, as one schema whose definitions are the types."""
    rows = {(row["schema"], row["name"]): f"{pascal(row['name'])}Row" for row in catalogue["rows"]}
    # Both schemas have a table `projections` or so: each is named with its schema then.
    twice = {name for name in rows.values() if [*rows.values()].count(name) > 1}
    rows = {key: f"{pascal(key[0])}{name}" if name in twice else name for key, name in rows.items()}
    # Events come last: what their schemas define must not take a name that is another's.
    definitions: dict[str, Schema] = {EVENT: {}}
    for row in catalogue["rows"]:
        name = rows[row["schema"], row["name"]]
        columns = {c["name"]: _type(c["type"], rows, nullable=c["nullable"]) for c in row["columns"]}
        definitions[name] = _object(name, columns)
    for function in catalogue["functions"]:
        _add_function(function, rows, definitions)
    definitions[EVENT] = {
        "title": EVENT,
        "description": "Each event type in each schema version.",
        "oneOf": [_add_event(one, definitions) for one in catalogue["event_types"]],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": TITLE,
        "type": "object",
        _DEFINITIONS: definitions,
    }


def pascal(name: str) -> str:
    """A name as one of a type: portfolio_positions → PortfolioPositions."""
    words = re.findall(r"[A-Za-z0-9]+", name) or ["Unnamed"]
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return joined if joined[0].isalpha() else f"Type{joined}"


def _add_event(one: Mapping[str, Any], definitions: dict[str, Schema]) -> Schema:
    name = _free(f"{pascal(one['event_type'])}V{one['schema_version']}", definitions)
    definitions[f"{name}Data"] = _payload(f"{name}Data", one, definitions)
    definitions[name] = _object(
        name,
        {
            "event_type": {"const": one["event_type"]},
            "schema_version": {"const": one["schema_version"]},
            "event_data": {"$ref": f"#/{_DEFINITIONS}/{name}Data"},
        },
    )
    return {"$ref": f"#/{_DEFINITIONS}/{name}"}


def _add_function(function: Mapping[str, Any], rows: Mapping[Any, str], definitions: dict[str, Schema]) -> None:
    name = _free(pascal(function["name"]), definitions, "Arguments")
    given = [a for a in function["arguments"] if a["mode"] in "ib"]
    # Any argument may be NULL: what a function makes of it is its own affair.
    arguments = {a["name"]: _type(a["type"], rows, nullable=True) for a in given}
    required = [a["name"] for a in given[: function["required"]]]
    definitions[f"{name}Arguments"] = _object(f"{name}Arguments", arguments, required)
    results = [a for a in function["arguments"] if a["mode"] in "obt"]
    if results:
        columns = {a["name"]: _type(a["type"], rows, nullable=True) for a in results}
        definitions[f"{name}Result"] = _object(f"{name}Result", columns)
    else:
        definitions[f"{name}Result"] = {"title": f"{name}Result", **_type(function["returns"], rows, nullable=False)}


def _free(name: str, definitions: Mapping[str, Schema], ending: str = "") -> str:
    """The name, or with a number behind it if another one has it: functions with several signatures, `a b` and `a_b`."""
    number, found = 1, name
    while f"{found}{ending}" in definitions:
        number += 1
        found = f"{name}_{number}"
    return found


def _object(title: str, properties: Mapping[str, Schema], required: Iterable[str] | None = None) -> Schema:
    names = list(properties if required is None else required)
    return {"title": title, "type": "object", "properties": dict(properties), "required": names}


def _payload(title: str, registered: Mapping[str, Any], definitions: dict[str, Schema]) -> Schema:
    """The registered schema under its name here; what it refers to inside of itself is further down now.

    What several schemas define alike under one name becomes one type.
    """
    schema = registered["json_schema"]
    if not isinstance(schema, dict):
        return {"title": title}
    kept = {key: value for key, value in schema.items() if key not in {"$schema", "$id", "id"}}
    places = {"#": f"#/{_DEFINITIONS}/{title}"}
    for name, part in dict(kept.get(_DEFINITIONS, {})).items():
        shared = pascal(name)
        alike = (
            {**_moved(part, {}), "title": shared} if isinstance(part, dict) and "$ref" not in json.dumps(part) else None
        )
        if alike and definitions.setdefault(shared, alike) == alike:
            places[f"#/{_DEFINITIONS}/{name}"] = f"#/{_DEFINITIONS}/{shared}"
            kept[_DEFINITIONS] = {key: value for key, value in kept[_DEFINITIONS].items() if key != name}
    described = {"description": registered["description"]} if registered["description"] else {}
    return {**described, **_moved(kept, places), "title": title}


def _place(reference: str, places: Mapping[str, str]) -> str:
    """Where something is now that was at ``reference``."""
    if reference in places:
        return places[reference]
    return places["#"] + reference[1:] if reference.startswith("#") and "#" in places else reference


def _moved(part: Any, to: Mapping[str, str], *, is_named: bool = False) -> Any:
    """A schema, or a part of one, at its new place. ``is_named``: its keys are names that somebody has chosen."""
    if isinstance(part, list):
        return [_moved(one, to) for one in part]
    if not isinstance(part, dict):
        return part
    found = {}
    for key, value in part.items():
        if is_named:
            found[key] = _moved(value, to)
        elif key == "$ref" and isinstance(value, str):
            found[key] = _place(value, to)
        elif key in _VALUES:
            found[key] = value
        # Titles would become names of types, and could be those of others.
        elif key != "title":
            found[key] = _moved(value, to, is_named=key in _NAMED)
    return found


def _type(found: Mapping[str, Any], rows: Mapping[Any, str], *, nullable: bool) -> Schema:
    row = rows.get((found["row_schema"], found["row_name"]))
    one: Schema = {"$ref": f"#/{_DEFINITIONS}/{row}"} if row else dict(_TYPES.get(found["name"], {}))
    if found["is_array"]:
        one = {"type": "array", "items": one}
    if not nullable or not one:
        return one
    return {"anyOf": [one, {"type": "null"}]}
