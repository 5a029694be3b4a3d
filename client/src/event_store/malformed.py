"""Where a text or a document has something that PostgreSQL cannot store, or JSON cannot say.

The driver and the server say what they do not take, but not where it is. So whoever has been refused looks here; an append that
succeeds costs nothing more.
"""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from psycopg.types.json import Json, Jsonb

from event_store.errors import MalformedArgumentError

_OF_TYPE: Final = "is of the type"
#: Deeper documents are not written, and circular ones are deeper than anything.
DEEPEST: Final = 900
_HINT: Final = (
    "Payloads are made of objects with texts as keys, lists, texts without U+0000 and lone surrogates, finite numbers, booleans "
    "and None."
)


def in_parameters(parameters: Mapping[str, Any], refusal: Exception) -> MalformedArgumentError | None:
    """The error that names the place, if the parameters of a statement that was refused have such a place."""
    found = [pair for name, value in parameters.items() for pair in _problems(name, value)]
    # An application can have taught psycopg further types: they are the reason only if it has not.
    if not isinstance(refusal, TypeError):
        found = [(place, problem) for place, problem in found if not problem.startswith(_OF_TYPE)]
    return MalformedArgumentError(" ".join(found[0]), hint=_HINT) if found else None


def _problems(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What is wrong in a parameter, and where."""
    document = isinstance(value, Json | Jsonb)
    stack: list[tuple[str, Any, int]] = [(name, value.obj if document else value, 0)]
    while stack:
        place, one, depth = stack.pop()
        if depth > DEEPEST:
            yield _shown(place[:200]) + "…", f"is nested more than {DEEPEST} deep"
            return
        if isinstance(one, str):
            yield from ((_shown(place), problem) for problem in _problems_of_text(one))
        elif isinstance(one, Mapping):
            for key in one:
                if isinstance(key, str):
                    yield from (
                        (_shown(place), f"has the key {key!r}, which {what}") for what in _problems_of_text(key)
                    )
            inner = [(f"{place}{_step(key)}", item, depth + 1) for key, item in one.items()]
            stack += reversed(inner)
        elif isinstance(one, list | tuple):
            stack += reversed([(f"{place}[{number}]", item, depth + 1) for number, item in enumerate(one)])
        elif isinstance(one, float | Decimal) and not math.isfinite(one):
            yield _shown(place), f"is {one}, which JSON does not have"
        elif isinstance(one, int) and _is_too_long(one):
            yield _shown(place), "is an integer of more digits than Python writes (sys.get_int_max_str_digits)"
        elif document and not isinstance(one, int | float | Decimal | None):
            yield _shown(place), f"{_OF_TYPE} {type(one).__name__}, which JSON does not have"


def _problems_of_text(text: str) -> Iterator[str]:
    if "\0" in text:
        yield "contains U+0000, which PostgreSQL cannot store"
    if surrogate := re.search("[\ud800-\udfff]", text):
        yield f"contains the lone surrogate U+{ord(surrogate[0]):X}, which is no character"


def _is_too_long(number: int) -> bool:
    try:
        str(number)
    except ValueError:
        return True
    return False


def _step(key: Any) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _shown(place: str) -> str:
    """The place as a reader of an append sees it: which event, then where in it."""
    return re.sub(r"^((?:appends\[\d+\]\.)?events\[\d+\])\.", r"\1: ", place)
