"""Decisions across aggregates as the tests make them: read by a query, append if nothing has come since."""

from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from .appends import Connection, Row, call

Query = list[dict[str, list[str]]]


def tagged(event_type: str, *tags: str, **data: Any) -> Row:
    """An event for a list."""
    return {"event_type": event_type, "event_data": data} | ({"tags": list(tags)} if tags else {})


def item(*types: str, tags: list[str] | None = None) -> dict[str, list[str]]:
    """An item of a query."""
    return ({"types": list(types)} if types else {}) | ({"tags": tags} if tags else {})


def by_tags(*tags: str) -> Query:
    """A query of one item."""
    return [item(tags=list(tags))]


def by_types(*types: str) -> Query:
    """A query of one item, without tags."""
    return [item(*types)]


def read(connection: Connection, query: Query, **more: Any) -> tuple[str, list[Row]]:
    """The marker and the events."""
    mark, *events = call(connection, "read_events", query=Jsonb(query), **more)
    assert mark["event_id"] is None
    assert all(event["marker"] is None for event in events)
    return mark["marker"], events


def decide(connection: Connection, query: Query, marker: str | None, *events: Row, **more: Any) -> list[Row]:
    """Append the events, each to a new aggregate, if nothing stands against it."""
    appends = [{"aggregate_type": "Fact", "aggregate_id": str(uuid4()), "events": [event]} for event in events]
    return call(connection, "append_if", appends=Jsonb(appends), query=Jsonb(query), marker=marker, **more)


def state(connection: Connection, *events: Row, aggregate_id: UUID | None = None) -> None:
    """Append the events in any case."""
    call(
        connection,
        "append_events",
        aggregate_type="Fact",
        aggregate_id=aggregate_id or uuid4(),
        expected_version=None,
        events=Jsonb(list(events)),
    )


def types_in_the_feed(connection: Connection, tag: str) -> list[str]:
    """The types of the events with a tag, in the order of the feed."""
    rows = connection.execute(
        "SELECT event_type FROM event_store.events WHERE tags @> %s ORDER BY transaction_id, global_position", [[tag]]
    )
    return [row[0] for row in rows]
