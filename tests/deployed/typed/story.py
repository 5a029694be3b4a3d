"""An application with the types that `event-store types` has written: appends, and reads what it has appended."""

import os
from typing import Any, cast

import psycopg
from event_store_types import StoreEvent
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

AGGREGATE = os.environ["STORY_AGGREGATE"]


def append(connection: psycopg.Connection[Any], expected: int, event: StoreEvent) -> None:
    connection.execute(
        "SELECT * FROM event_store.append_event('Typed', %s, %s, %s, %s, schema_version => %s)",
        [AGGREGATE, expected, event["event_type"], Jsonb(event["event_data"]), event["schema_version"]],
    )


def told(version: int, event: StoreEvent) -> str:
    if event["event_type"] == "TypedOpened":
        return f"{version}: {event['event_data']['symbol']} for {event['event_data']['price']:.2f}"
    if event["event_type"] == "TypedClosed":
        return f"{version}: closed, {event['event_data'].get('reason', 'no reason')}"
    return "another one"


with psycopg.connect(os.environ["STORY_DSN"], autocommit=True) as connection:
    append(
        connection,
        0,
        {
            "event_type": "TypedOpened",
            "schema_version": 1,
            "event_data": {"symbol": "AAPL", "price": 2.5, "option": "put"},
        },
    )
    append(connection, 1, {"event_type": "TypedClosed", "schema_version": 2, "event_data": {}})
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute("SELECT * FROM event_store.get_events('Typed', %s)", [AGGREGATE]):
            print(told(row["event_version"], cast("StoreEvent", row)))
