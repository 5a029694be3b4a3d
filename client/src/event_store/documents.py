"""JSON documents between Python and jsonb: each number that PostgreSQL stores can be read, and decimals are written exactly.

jsonb keeps numbers as they were written, with up to 131,072 digits before the point. Python's own reading refuses integers of more
than 4,300 digits, makes infinity of what no float can hold, and rounds what it can. An application that has taught psycopg to read
or write JSON in a way of its own keeps that.
"""

import json
import math
import re
import secrets
from collections.abc import Mapping
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

from event_store.errors import UnreadableEventError, UnreadableSnapshotError
from event_store.events import Cursor

_JSONB: Final = psycopg.adapters.types["jsonb"].oid


def read_exactly(adapters: AdaptersMap, *, decimals: bool) -> None:
    """Read jsonb this way, unless the application has a way of its own."""
    present = adapters.get_loader(_JSONB, Format.TEXT)
    # Only looking tells: psycopg's `set_json_loads` leaves the class as it is.
    sample = present(_JSONB).load(b'{"number": 1.5}') if present else None
    if type(sample) is dict and type(sample["number"]) is float:
        adapters.register_loader(_JSONB, _Exact if decimals else _Readable)


def write_further_types(adapters: AdaptersMap) -> bool:
    """Write decimals and any Mapping from now on; False = that is so already, or the application has a way of its own."""
    if adapters.get_dumper(Jsonb, PyFormat.TEXT) is not JsonbDumper:
        return False
    adapters.register_dumper(Jsonb, _Dumper)
    return True


def unreadable(adapters: AdaptersMap, result: PGresult | None) -> UnreadableEventError | UnreadableSnapshotError | None:
    """The first event or snapshot of a result whose documents cannot be read, if that is what has gone wrong."""
    loader = adapters.get_loader(_JSONB, Format.TEXT)
    if result is None or loader is None:
        return None
    load = loader(_JSONB).load
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    events = 0
    for row in range(result.ntuples):
        values = {name: result.get_value(row, column) for column, name in enumerate(names)}
        try:
            for column, value in enumerate(values.values()):
                if value is not None and result.ftype(column) == _JSONB:
                    load(value)
        except Exception as error:
            texts = {name: bytes(value).decode() for name, value in values.items() if value is not None}
            return _error_about(texts, events, repr(error))
        events += values.get("event_type") is not None
    return None


def _error_about(
    row: Mapping[str, str], before: int, reason: str
) -> UnreadableEventError | UnreadableSnapshotError | None:
    """The error that names what is in a row without NULLs; None if it is neither an event nor a snapshot."""
    if {"event_id", "transaction_id", "global_position"} <= {*row}:
        cursor = Cursor(int(row["transaction_id"]), int(row["global_position"]))
        aggregate = row["aggregate_type"], UUID(row["aggregate_id"])
        return UnreadableEventError(UUID(row["event_id"]), cursor, aggregate, before, reason)
    # Among the events of an aggregate, a snapshot has their columns.
    versions = (
        row.get("aggregate_version", row.get("event_version")),
        row.get("snapshot_version", row.get("schema_version")),
    )
    if {"aggregate_type", "aggregate_id"} <= {*row} and None not in versions:
        aggregate_version, snapshot_version = (int(version or 0) for version in versions)
        aggregate = row["aggregate_type"], UUID(row["aggregate_id"])
        return UnreadableSnapshotError(aggregate, aggregate_version, snapshot_version, reason)
    return None


def _integer(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def _number(text: str) -> float | Decimal:
    number = float(text)
    if not math.isfinite(number):
        return Decimal(text)
    # Too small for a float, or really 0.
    return number or Decimal(text) or number


class _Readable(Loader):
    """int and float, and Decimal for what does not fit."""

    decoder: json.JSONDecoder = json.JSONDecoder(parse_int=_integer, parse_float=_number)

    def load(self, data: Buffer) -> Any:
        return self.decoder.decode(bytes(data).decode())


class _Exact(_Readable):
    """int, and Decimal for what has a point."""

    decoder = json.JSONDecoder(parse_int=_integer, parse_float=Decimal)


class _Dumper(JsonbDumper):
    """What psycopg writes, decimals, and any Mapping."""

    def dump(self, obj: Any) -> Buffer | None:
        try:
            return super().dump(obj)
        except TypeError:
            return _with_further_types(obj.obj)


def _with_further_types(document: Any) -> bytes:
    # The json module writes no number but its own. So each decimal goes in as a text that no other text can be, and its
    # quotation marks are taken away.
    mark = secrets.token_hex(16)
    text = json.dumps(document, default=partial(_written, mark))
    return re.sub(f'"{mark}([^"]*)"', r"\1", text).encode()


def _written(mark: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, Decimal):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    if not value.is_finite():
        raise ValueError(f"{value} is not JSON compliant")
    return f"{mark}{value}"
