"""Subscriptions to the feed, and the partitions that their consumers hold."""

from collections.abc import Sequence
from datetime import timedelta

from event_store import leases
from event_store.async_operations.base import AsyncRunner
from event_store.events import START, Cursor, Page
from event_store.leases import Claim, Lag


class AsyncConsuming(AsyncRunner):
    """Subscriptions to the feed, and the partitions that their consumers hold."""

    async def create_subscription(
        self,
        subscription: str,
        *,
        partitions: int = 1,
        event_types: Sequence[str] | None = None,
        aggregate_types: Sequence[str] | None = None,
        from_beginning: bool = True,
    ) -> bool:
        """Make a subscription: True = made, False = it was there, with this definition.

        ``partitions``: how many consumers can work at once; an aggregate stays in one, and the number cannot change. ``event_types``,
        ``aggregate_types``: None = all. ``from_beginning``: False = only what is appended from now on.

        Raises `SubscriptionExistsError` if the name has another definition.
        """
        return await self.run(
            leases.create_subscription(
                subscription,
                partitions=partitions,
                event_types=event_types,
                aggregate_types=aggregate_types,
                from_beginning=from_beginning,
            )
        )

    async def drop_subscription(self, subscription: str) -> bool:
        """Forget a subscription and its checkpoints: False = there was none."""
        return await self.run(leases.drop_subscription(subscription))

    async def reset_subscription(self, subscription: str, cursor: Cursor = START) -> None:
        """Move all checkpoints to a cursor, forward or back. Consumers at work lose their leases.

        Not tried again after a lost answer: consumers may have gone on from there meanwhile.
        """
        await self.run(leases.reset_subscription(subscription, cursor))

    async def is_work_waiting(self, subscription: str) -> bool:
        """Whether there is a partition that nobody holds with something to do."""
        return await self.run(leases.is_work_waiting(subscription))

    async def claim_partition(self, subscription: str, consumer: str, lease: timedelta = leases.LEASE) -> Claim | None:
        """Claim a free partition, one with something to do first; None = all are taken.

        Raises `LeaseLostError` if there is no such subscription.
        """
        return await self.run(leases.claim_partition(subscription, consumer, lease))

    async def read_partition(self, claim: Claim, *, max_count: int = 1000) -> Page:
        """What comes after the partition's checkpoint. Acknowledge the page's cursor, also if no event is in it.

        Raises `LeaseLostError` if somebody else holds the partition by now.
        """
        return await self.run(leases.read_partition(claim, max_count))

    async def acknowledge(self, claim: Claim, cursor: Cursor, after: Cursor | None = None) -> None:
        """Move the partition's checkpoint, and restart its lease.

        In a session's transaction it is committed together with the consumer's own writes, or not at all. With ``after``, the
        ``after`` of the page, they take effect exactly once: without it also if an earlier transaction, whose answer was
        lost, has handled the page. Outside of a transaction leave it out: with it, the call is not tried again after a lost answer.

        Raises `LeaseLostError` if somebody else holds the partition by now, or the page is acknowledged already: roll back.
        Raises `LostHistoryError` if the page is of a history that is lost: roll back as well.
        """
        await self.run(leases.acknowledge(claim, cursor, after))

    async def release_partition(self, claim: Claim) -> bool:
        """Give the partition back before the lease ends: False = it was not held any more."""
        return await self.run(leases.release_partition(claim))

    async def subscription_lag(self, subscription: str) -> list[Lag]:
        """How far behind each partition is, and at the end the whole; empty = there is no such subscription."""
        return await self.run(leases.subscription_lag(subscription))
