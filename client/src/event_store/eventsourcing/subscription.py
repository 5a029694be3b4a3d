"""The library's subscriptions to the numbered log of an application."""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from eventsourcing.dcb.api import DCBQuery
from eventsourcing.dcb.persistence import DCBListenNotifySubscription
from eventsourcing.persistence import ListenNotifySubscription

from event_store.client import EventStore
from event_store.hints import Hints

if TYPE_CHECKING:
    from event_store.eventsourcing.applications import EventStoreApplicationRecorder
    from event_store.eventsourcing.decisions import EventStoreDCBRecorder

#: Seconds between two looks without a hint; also how long stopping may take.
_POLL: Final = 0.25


class EventStoreSubscription(ListenNotifySubscription["EventStoreApplicationRecorder"]):
    """Looks whenever the server says that the feed has grown, and now and then without being told."""

    def __init__(
        self, recorder: "EventStoreApplicationRecorder", gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._hint_thread = _passed_on(
            recorder.datastore.store, self._has_been_notified, lambda: self._has_been_stopped
        )

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._hint_thread.join()


class EventStoreDCBSubscription(DCBListenNotifySubscription["EventStoreDCBRecorder"]):
    """The same for events that match a query."""

    def __init__(
        self, recorder: "EventStoreDCBRecorder", query: DCBQuery | None = None, after: int | None = None
    ) -> None:
        super().__init__(recorder=recorder, query=query, after=after)
        self._hint_thread = _passed_on(
            recorder.datastore.store, self._has_been_notified, lambda: self._has_been_stopped
        )

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._hint_thread.join()


def _passed_on(store: EventStore, notified: Event, is_over: Callable[[], bool]) -> Thread:
    """A thread that passes the server's hints on until it is over."""

    def pass_on() -> None:
        with Hints(store, _POLL) as hints:
            while not is_over():
                hints.wait()
                notified.set()

    thread = Thread(target=pass_on, daemon=True)
    thread.start()
    return thread
