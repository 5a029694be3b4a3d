"""Projections: how far they are."""

from event_store.async_operations.base import AsyncRunner
from event_store.reports import ProjectionLag
from event_store.rows import VALUE, shape_of
from event_store.statements import call, nothing


class AsyncProjections(AsyncRunner):
    """Projections: how far they are."""

    async def projection_lag(self, projection_name: str | None = None) -> list[ProjectionLag]:
        """How far each projection is behind the stored events, by name; empty = there is no projection of this name."""
        parameters = {"projection_name": projection_name}
        return await self.run(call("projection_lag", parameters, shape_of(ProjectionLag), list))

    async def refresh_materialized_views(self) -> None:
        """Bring the materialized views up to date now: what was committed before the call shows after it.

        The worker does the same by itself, a moment later. Readers of the views are not blocked.

        Raises `RestoredElsewhereError`.
        """
        await self.run(call("public.refresh_materialized_views", {}, VALUE, nothing))
