"""Seals: whether the stored events are those that were appended."""

from uuid import UUID

from event_store.async_operations.base import AsyncRunner
from event_store.reports import ExportProblem, InclusionProof, SealProblem
from event_store.rows import VALUE, shape_of
from event_store.statements import ask, call, first


class AsyncSeals(AsyncRunner):
    """Seals: whether the stored events are those that were appended. They count from 1."""

    async def verify_seals(self, *, from_seal: int | None = None, to_seal: int | None = None) -> list[SealProblem]:
        """Compare the stored events with their seals, and the seals with each other: empty = all is well.

        ``from_seal``, ``to_seal``: both inclusive; None = from the first, to the last and on to the end of the feed. Reads every
        event of these seals. A history that was rewritten together with its seals is found by `verify_export` only.
        """
        parameters = {"from_seal": from_seal, "to_seal": to_seal}
        return await self.run(call("verify_seals", parameters, shape_of(SealProblem), list))

    async def export_seals(self, *, from_seal: int = 1, to_seal: int | None = None) -> list[str]:
        """The seals as lines of JSON without their ends, to be kept where nobody who can write to the store can write.

        ``from_seal``, ``to_seal``: both inclusive; None = to the last.
        """
        parameters = {"from_seal": from_seal, "to_seal": to_seal}
        return await self.run(call("export_seals", parameters, VALUE, list))

    async def verify_export(self, lines: str, *, with_events: bool = False) -> list[ExportProblem]:
        """Compare lines that were exported once with the store: empty = all is well.

        ``lines``: the text, with line ends. ``with_events``: it is an archive, in which every seal has to have its events.
        """
        parameters = {"lines": lines, "with_events": with_events}
        return await self.run(call("verify_export", parameters, shape_of(ExportProblem), list))

    async def inclusion_proof(self, event_id: UUID) -> InclusionProof | None:
        """The proof that an event is in its seal; None = there is no such event, or it is not sealed yet."""
        return await self.run(call("inclusion_proof", {"event_id": event_id}, shape_of(InclusionProof), first))

    async def verify_inclusion(self, proof: InclusionProof, root: bytes) -> bool:
        """Whether a proof holds. ``root``: 32 bytes, of the seal in an export that the caller trusts."""
        parameters = {
            "event": proof.event,
            "place": proof.place,
            "event_count": proof.event_count,
            "path": proof.path,
            "root": root,
        }
        return await self.run(ask("verify_inclusion", parameters))
