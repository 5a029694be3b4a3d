"""Event types: which there are, and what their payloads look like."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from event_store.async_operations.base import AsyncRunner
from event_store.reports import Validation
from event_store.statements import ask


class AsyncEventTypes(AsyncRunner):
    """Event types: which there are, and what their payloads look like."""

    async def register_event_type(
        self,
        event_type: str,
        schema_version: int,
        json_schema: Mapping[str, Any],
        *,
        validation: Validation = "enforce",
        description: str | None = None,
    ) -> bool:
        """Register an event type with the JSON schema of its payload, or bring what is registered to this state.

        To be called when an application is deployed, as often as it likes: True = something has changed. ``schema_version``: from
        1. ``description``: None = it stays as it is.

        Raises `MalformedArgumentError`, and `SchemaRefusedError` if the schema is none, refers to another document, or would
        replace one by which events are stored: that takes a new schema version.
        """
        parameters = {
            "event_type": event_type,
            "schema_version": schema_version,
            "json_schema": Jsonb(json_schema),
            "validation": validation,
            "description": description,
        }
        return await self.run(ask("register_event_type", parameters))

    async def set_event_type_validation(
        self, event_type: str, validation: Validation, *, schema_version: int | None = None
    ) -> int:
        """Set how the payloads of an event type are validated from now on; returns how many schema versions it has changed.

        ``schema_version``: None = all.

        Raises `MalformedArgumentError`, `UnknownEventTypeError`, and `SchemaRefusedError` if a stored schema is none.
        """
        parameters = {"event_type": event_type, "validation": validation, "schema_version": schema_version}
        return await self.run(ask("set_event_type_validation", parameters))
