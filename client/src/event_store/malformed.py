"""Where a text or a document has something that PostgreSQL cannot store, or JSON cannot say.

The driver and the server say what they do not take, but not where it is. So whoever has been refused looks here; an append that
succeeds costs nothing more.
"""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import psycopg
from psycopg.types.json import Json, Jsonb

from event_store.errors import MalformedArgumentError

Kind = Literal["text", "number", "digits", "depth", "type"]

#: Deeper documents are not written, and circular ones are deeper than anything.
DEEPEST: Final = 900
#: Digits of a number that PostgreSQL stores, before the point and after it.
_BEFORE_POINT, _AFTER_POINT = 131_072, 16_383
#: What can have led to the server's refusal, by its SQLSTATE. Others of class 22 are about texts.
_REFUSED_BY_SERVER: Final[Mapping[str, set[Kind]]] = {
    "22P02": {"text", "number"},
    "22003": {"digits"},
    "54001": {"depth"},
}
_HINT: Final = (
    "Payloads are made of objects with texts as keys, lists, texts without U+0000 and lone surrogates, finite numbers, booleans "
    "and None."
)


class Problem(NamedTuple):
    """What is wrong in a parameter, and where."""

    kind: Kind
    place: str
    what: str


def in_parameters(parameters: Mapping[str, Any], refusal: Exception) -> MalformedArgumentError | None:
    """The error that names the place, if the parameters of a statement that was refused have a place that explains it."""
    kinds = _explaining(refusal)
    if not kinds:
        return None
    found = [one for name, value in parameters.items() for one in _problems(name, value) if one.kind in kinds]
    return MalformedArgumentError(f"{found[0].place} {found[0].what}", hint=_HINT) if found else None


def _explaining(refusal: Exception) -> set[Kind]:
    """The kinds of problems that can have led to a refusal. An application may have taught psycopg to write what others cannot."""
    if isinstance(refusal, psycopg.Error):
        if refusal.sqlstate is None:
            return {"text"} if isinstance(refusal, psycopg.DataError) else set()
        return _REFUSED_BY_SERVER.get(refusal.sqlstate, {"text"} if refusal.sqlstate.startswith("22") else set())
    return (
        {"text", "number", "digits", "depth", "type"} if isinstance(refusal, TypeError) else {"text", "number", "depth"}
    )


def _problems(name: str, value: Any) -> Iterator[Problem]:
    document = isinstance(value, Json | Jsonb)
    stack: list[tuple[str, Any, int]] = [(name, value.obj if document else value, 0)]
    mappings: list[Problem] = []
    while stack:
        place, one, depth = stack.pop()
        shown = _shown(place)
        if depth > DEEPEST:
            yield Problem("depth", _shown(place[:200]) + "…", f"is nested more than {DEEPEST} deep")
            break
        if isinstance(one, str):
            yield from (Problem("text", shown, what) for what in _problems_of_text(one))
        elif isinstance(one, Mapping):
            for key in one:
                yield from (Problem(kind, shown, f"has the key {key!r}, which {what}") for kind, what in _of_key(key))
            stack += reversed([(f"{place}{_step(key)}", item, depth + 1) for key, item in one.items()])
            if not isinstance(one, dict):
                mappings.append(Problem("type", shown, _of_type(one)))
        elif isinstance(one, list | tuple):
            stack += reversed([(f"{place}[{number}]", item, depth + 1) for number, item in enumerate(one)])
        elif isinstance(one, int | float | Decimal):
            yield from (Problem(kind, shown, what) for kind, what in _problems_of_number(one))
        elif document and one is not None:
            yield Problem("type", shown, _of_type(one))
    # The client writes them like any dict. They are the reason only if nothing else is: the application writes JSON in its own way.
    yield from mappings


def _of_type(one: Any) -> str:
    return f"is of the type {type(one).__name__}, which JSON does not have"


def _of_key(key: Any) -> Iterator[tuple[Kind, str]]:
    if isinstance(key, str):
        yield from (("text", what) for what in _problems_of_text(key))
    elif not isinstance(key, int | float | None):
        yield "type", f"is of the type {type(key).__name__} and no text"


def _problems_of_number(number: float | Decimal) -> Iterator[tuple[Kind, str]]:
    more_digits = (
        f"has more digits than PostgreSQL stores: {_BEFORE_POINT:,} before the point, {_AFTER_POINT:,} after it"
    )
    if isinstance(number, int):
        try:
            digits = len(str(abs(number)))
        except ValueError:
            yield "number", "is an integer of more digits than Python writes (sys.get_int_max_str_digits)"
        else:
            if digits > _BEFORE_POINT:
                yield "digits", more_digits
    elif not (math.isfinite(number) if isinstance(number, float) else number.is_finite()):
        yield "number", f"is {number}, which JSON does not have"
    elif isinstance(number, Decimal):
        exponent = number.as_tuple().exponent
        if (number and number.adjusted() >= _BEFORE_POINT) or (isinstance(exponent, int) and -exponent > _AFTER_POINT):
            yield "digits", more_digits


def _problems_of_text(text: str) -> Iterator[str]:
    if "\0" in text:
        yield "contains U+0000, which PostgreSQL cannot store"
    if surrogate := re.search("[\ud800-\udfff]", text):
        yield f"contains the lone surrogate U+{ord(surrogate[0]):X}, which is no character"


def _step(key: Any) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _shown(place: str) -> str:
    """The place as a reader of an append sees it: which event, then where in it."""
    return re.sub(r"^((?:appends\[\d+\]\.)?events\[\d+\])\.", r"\1: ", place)
