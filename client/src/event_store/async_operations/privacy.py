"""Personal data in events: readable until their subject is erased."""

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.async_operations.base import AsyncRunner
from event_store.events import SYSTEM, Origin
from event_store.reports import Reason
from event_store.statements import ask


class AsyncPrivacy(AsyncRunner):
    """Personal data in events: readable until their subject is erased."""

    async def protect(self, subject_id: UUID, data: Any) -> dict[str, Any]:
        """Wrap personal data in an envelope, a JSON object to be stored in an event in their place.

        ``data``: anything that JSON takes. Only the subject's key opens the envelope; the first call makes it. In a session's
        transaction that is rolled back the key is gone, and with it the envelope is worth nothing. Two calls give two
        different envelopes: a command that is repeated needs ``data`` of its own, or the first envelope.

        Raises `SubjectErasedError`.
        """
        return await self.run(ask("protect", {"subject_id": subject_id, "data": Jsonb(data)}))

    async def reveal(self, data: Any) -> Any:
        """The document with every envelope in it opened.

        What was erased is None, and an object says so at its top: ``"$erased"`` is the list of these places, as JSON pointers
        (RFC 6901). A document that was one erased envelope is ``{"$erased": [""]}``.

        Raises `MalformedArgumentError` if an envelope was changed, or its subject has no key in this store.
        """
        return await self.run(ask("reveal", {"data": Jsonb(data)}))

    async def erase_subject(self, subject_id: UUID, *, reason: Reason = "request", origin: Origin = SYSTEM) -> bool:
        """Make the personal data of a subject unreadable for ever, in every event and copy of the store, by destroying the key.

        Appends the event ``PersonalDataErased`` to the aggregate ("Subject", ``subject_id``), with the actor, actor type and source
        of ``origin``. True = erased now; False = it was erased before, maybe by a first attempt whose answer was lost. A subject
        without a key is erased as well, and never gets one. Backups keep the key until they expire.

        Raises `MalformedArgumentError` for another reason.
        """
        parameters = {
            "subject_id": subject_id,
            "reason": reason,
            "actor": origin.actor,
            "actor_type": origin.actor_type,
            "source": origin.source,
        }
        return await self.run(ask("erase_subject", parameters))
