"""The recorder of decisions that span aggregates (dynamic consistency boundaries, `eventsourcing.dcb`)."""

import secrets
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
    DCBSubscription,
)
from eventsourcing.dcb.popo import SimpleDCBReadResponse
from eventsourcing.persistence import IntegrityError, ProgrammingError
from psycopg.rows import dict_row, scalar_row

from event_store.client import Session
from event_store.events import NOT_THERE, NewEvent
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import Datastore
from event_store.eventsourcing.log import NEXT, Log
from event_store.eventsourcing.states import to_data, to_state
from event_store.eventsourcing.subscription import EventStoreDCBSubscription
from event_store.statements import Statement, only

# An event and the head are of one snapshot, so that nothing is passed over between the two.
_READ: Final = """
    SELECT head.event_id AS head, m.*
      FROM (SELECT (SELECT e.event_id FROM event_store.events e WHERE e.event_id BETWEEN %(lowest)s AND %(last)s
                     ORDER BY e.event_id DESC LIMIT 1) AS event_id) head
      LEFT JOIN LATERAL (
           SELECT e.event_id, e.event_type, e.event_data, e.metadata -> 'eventsourcing' ->> 'state' AS form, e.tags
             FROM event_store.events e
            WHERE e.event_id BETWEEN %(first)s AND %(last)s {matching}
            ORDER BY e.event_id
            LIMIT %(limit)s) m ON true
     ORDER BY m.event_id"""

_STANDS_AGAINST: Final = """
    SELECT EXISTS (SELECT FROM event_store.events e WHERE e.event_id BETWEEN %(first)s AND %(last)s {matching})"""


class EventStoreDCBRecorder(DCBRecorder):
    """Events with tags. Positions count the events of the application from 1, like notification ids: see `log`.

    Appends of one application wait for each other. The store's own `append_if` has markers instead of positions, and lets
    decisions on different tags run side by side.
    """

    def __init__(self, datastore: Datastore, application: str) -> None:
        self.datastore, self.application, self._log = datastore, application, Log(datastore, application)

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The matching events after a position. The head is the last position there is; with a limit that of the last event."""
        matching, parameters = _matching(query)
        parameters |= self._after(after) | {"lowest": ids.event_id(self.application, 0), "limit": limit}
        rows = self.datastore.run(Statement(_READ.format(matching=matching).encode(), parameters, dict_row, list))
        events = [_sequenced(row) for row in rows if row["event_id"]]
        if after and (not events or events[0].position != after + 1):
            self._log.check_place(after)
        last = events[-1].position if events else None
        head = ids.notification_id(rows[0]["head"]) if rows and rows[0]["head"] else None
        return SimpleDCBReadResponse(iter(events), head if limit is None else last)

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append all or none; `IntegrityError` if an event matches the condition. Returns the last one's position.

        `LostNotificationsError` if the condition's position is of a lost history: what was read up to it may never have been.
        """
        if not events:
            raise ProgrammingError("there is no event to append")
        # In the first event, so that an attempt can tell whether one before it, which lost the answer, was committed.
        token, aggregate_id, tried = secrets.token_hex(8), uuid4(), list[int]()

        def insert(session: Session, may_be_done: bool) -> int:
            self._log.lock(session)
            start = next((one for one in tried if may_be_done and self._log.token_of(session, one) == token), None)
            if start is None:
                if condition and condition.after:
                    self._log.check_place(condition.after, session)
                if condition and self._stands_against(session, condition):
                    raise IntegrityError(condition)
                between = ids.between(self.application, 0, ids.LAST)
                last_id, first_id = session.run(Statement(NEXT.encode(), between, dict_row, only)).values()
                start = max((ids.notification_id(last_id) if last_id else 0) + 1, first_id or 0)
                tried.append(start)
                new = [self._new(event, start + place, token) for place, event in enumerate(events)]
                session.append_events(self.application, aggregate_id, new, expected=NOT_THERE)
            return start + len(events) - 1

        return self.datastore.repeat(insert)

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> DCBSubscription["EventStoreDCBRecorder"]:
        """The matching events after a position, and those to come."""
        return EventStoreDCBSubscription(recorder=self, query=query, after=after)

    def _stands_against(self, session: Session, condition: DCBAppendCondition) -> bool:
        matching, parameters = _matching(condition.fail_if_events_match)
        query = _STANDS_AGAINST.format(matching=matching).encode()
        found: bool = session.run(Statement(query, parameters | self._after(condition.after), scalar_row, only))
        return found

    def _after(self, position: int | None) -> dict[str, UUID]:
        return ids.between(self.application, min((position or 0) + 1, ids.LAST), ids.LAST)

    def _new(self, event: DCBEvent, position: int, token: str) -> NewEvent:
        data, form = to_data(event.data)
        metadata = {"eventsourcing": {"state": form, "insert": token}}
        return NewEvent(
            event.type, data, metadata, event_id=ids.event_id(self.application, position), tags=list(event.tags)
        )


def _matching(query: DCBQuery | None) -> tuple[str, dict[str, Any]]:
    """The query as a condition on the events ``e``, with its parameters. By way of the tags, if each item has some."""
    items = query.items if query else []
    if not items:
        return "", {}
    parameters: dict[str, Any] = {}
    conditions = []
    for place, item in enumerate(items):
        parts = []
        if item.types:
            parameters[f"types{place}"] = list(item.types)
            parts.append(f"e.event_type = ANY (%(types{place})s::varchar[])")
        if item.tags:
            parameters[f"tags{place}"] = list(item.tags)
            parts.append(f"e.tags @> %(tags{place})s::text[]")
        conditions.append(" AND ".join(parts) or "true")
    matching = f"AND (({') OR ('.join(conditions)}))"
    if all(item.tags for item in items):
        parameters["first_tags"] = [item.tags[0] for item in items]
        matching += """
            AND (e.transaction_id, e.global_position) IN (
                SELECT t.transaction_id, t.global_position FROM event_store.event_tags t
                 WHERE t.tag = ANY (%(first_tags)s::text[]))"""
    return matching, parameters


def _sequenced(row: dict[str, Any]) -> DCBSequencedEvent:
    data = to_state(row["event_data"], row["form"])
    event = DCBEvent(type=row["event_type"], data=data, tags=list(row["tags"] or []))
    return DCBSequencedEvent(event=event, position=ids.notification_id(row["event_id"]))
