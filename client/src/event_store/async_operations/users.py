"""Users, before it is known who is asking."""

from event_store.async_operations.base import AsyncRunner
from event_store.reports import FoundUser
from event_store.rows import shape_of
from event_store.statements import call


class AsyncUsers(AsyncRunner):
    """Users, before it is known who is asking. Whose rows a session sees is said by `set_user`, which sessions have."""

    async def find_user(self, email: str) -> list[FoundUser]:
        """The users with an address, upper or lower case, the first to register first; empty = there is none."""
        return await self.run(call("find_user", {"email": email}, shape_of(FoundUser), list))
