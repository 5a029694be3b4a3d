"""JSON documents between Python and jsonb: every number that PostgreSQL stores can be read, and decimals are written exactly.

jsonb keeps numbers as they were written, with up to 131,072 digits before the point. Python's own reading refuses integers of more
than 4,300 digits, makes infinity of what no float can hold, and rounds what it can. An application that has taught psycopg to read
or write JSON in a way of its own keeps that.
"""

import json
import math
import re
import secrets
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader, PyFormat
from psycopg.pq import Format
from psycopg.pq.abc import PGresult
from psycopg.types.json import Jsonb, JsonbDumper

from event_store.errors import UnreadableEventError
from event_store.events import Cursor

_JSONB: Final = psycopg.adapters.types["jsonb"].oid


def read_exactly(adapters: AdaptersMap, *, decimals: bool) -> None:
    """Read jsonb this way, unless the application has a way of its own."""
    present = adapters.get_loader(_JSONB, Format.TEXT)
    # Only looking tells: psycopg's `set_json_loads` leaves the class as it is.
    sample = present(_JSONB).load(b'{"number": 1.5}') if present else None
    if type(sample) is dict and type(sample["number"]) is float:
        adapters.register_loader(_JSONB, _Exact if decimals else _Readable)


def write_decimals(adapters: AdaptersMap) -> bool:
    """Write decimals from now on; False = that is so already, or the application has a way of its own."""
    if adapters.get_dumper(Jsonb, PyFormat.TEXT) is not JsonbDumper:
        return False
    adapters.register_dumper(Jsonb, _Dumper)
    return True


def unreadable_event(adapters: AdaptersMap, result: PGresult | None) -> UnreadableEventError | None:
    """The first event of a result whose documents cannot be read, if that is what has gone wrong."""
    loader = adapters.get_loader(_JSONB, Format.TEXT)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)] if result else []
    if result is None or loader is None or not {"event_id", "transaction_id", "global_position"} <= {*names}:
        return None
    load = loader(_JSONB).load
    for row in range(result.ntuples):
        try:
            for column in range(result.nfields):
                value = result.get_value(row, column)
                if value is not None and result.ftype(column) == _JSONB:
                    load(value)
        except Exception as error:
            texts = {name: (result.get_value(row, column) or b"").decode() for column, name in enumerate(names)}
            return UnreadableEventError(
                UUID(texts["event_id"]),
                Cursor(int(texts["transaction_id"]), int(texts["global_position"])),
                (texts["aggregate_type"], UUID(texts["aggregate_id"])),
                row,
                repr(error),
            )
    return None


def _integer(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def _number(text: str) -> float | Decimal:
    number = float(text)
    return number if math.isfinite(number) else Decimal(text)


class _Readable(Loader):
    """int and float, and Decimal for what does not fit."""

    decoder: json.JSONDecoder = json.JSONDecoder(parse_int=_integer, parse_float=_number)

    def load(self, data: Buffer) -> Any:
        return self.decoder.decode(bytes(data).decode())


class _Exact(_Readable):
    """int, and Decimal for what has a point."""

    decoder = json.JSONDecoder(parse_int=_integer, parse_float=Decimal)


class _Dumper(JsonbDumper):
    """What psycopg writes, and decimals."""

    def dump(self, obj: Any) -> Buffer | None:
        try:
            return super().dump(obj)
        except TypeError:
            return _with_decimals(obj.obj)


def _with_decimals(document: Any) -> bytes:
    # The json module writes no number but its own. So each decimal goes in as a text that no other text can be, and its
    # quotation marks are taken away.
    mark = secrets.token_hex(16)
    text = json.dumps(document, default=partial(_marked, mark))
    return re.sub(f'"{mark}([^"]*)"', r"\1", text).encode()


def _marked(mark: str, value: Any) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    if not value.is_finite():
        raise ValueError(f"{value} is not JSON compliant")
    return f"{mark}{value}"
