"""An event's state, which the library hands over as bytes, as ``event_data``, and back to exactly the same bytes.

What PostgreSQL's jsonb would give back unchanged is stored as it is: open to SQL, to projections and to the JSON schemas of
event types. Other text is stored as a string, and what is no text (ciphers, compressors) as base64, both under "state".
"""

import base64
import json
from typing import Any, Literal

from eventsourcing.persistence import JSONTranscoder

Form = Literal["json", "text", "base64"]


class SortedJSONTranscoder(JSONTranscoder):
    """JSON with the keys of objects in jsonb's order, so that it is stored as JSON.

    The price: the items of a dict inside an event come back in that order, not in the one they were put in.
    """

    def encode(self, obj: Any) -> bytes:
        """The object as JSON text."""
        return _dump(_sorted(json.loads(super().encode(obj))))


def to_data(state: bytes) -> tuple[dict[str, Any], Form]:
    """``event_data`` for a state, and the form it is in."""
    try:
        tree = json.loads(state, parse_float=_plain, parse_constant=_refused)
        if isinstance(tree, dict) and b"\\u0000" not in state and _dump(_sorted(tree)) == state:
            return tree, "json"
    except (ValueError, RecursionError):
        pass  # not JSON, or not as jsonb would give it back
    try:
        text = state.decode()
    except UnicodeDecodeError:
        text = "\0"
    # jsonb takes no NUL.
    if "\0" not in text:
        return {"state": text}, "text"
    return {"state": base64.b64encode(state).decode()}, "base64"


def to_state(data: dict[str, Any], form: Form) -> bytes:
    """The state in ``event_data``."""
    if form == "json":
        return _dump(data)
    if form == "text":
        return str(data["state"]).encode()
    return base64.b64decode(data["state"])


def _dump(tree: Any) -> bytes:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def _sorted(tree: Any) -> Any:
    if isinstance(tree, dict):
        keys = sorted(tree, key=lambda key: (len(key.encode()), key.encode()))
        return {key: _sorted(tree[key]) for key in keys}
    if isinstance(tree, list):
        return [_sorted(item) for item in tree]
    return tree


def _plain(literal: str) -> float:
    # numeric writes no exponent and knows no negative zero.
    number = float(literal)
    if "e" in repr(number) or (number == 0 and literal.startswith("-")):
        raise ValueError(literal)
    return number


def _refused(literal: str) -> float:
    raise ValueError(literal)
