"""The library's subscription to an application's notification log."""

from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from eventsourcing.persistence import ListenNotifySubscription

from event_store.hints import Hints

if TYPE_CHECKING:
    from event_store.eventsourcing.applications import EventStoreApplicationRecorder

#: Seconds between two looks without a hint; also how long stopping may take.
_POLL: Final = 0.25


class EventStoreSubscription(ListenNotifySubscription["EventStoreApplicationRecorder"]):
    """Looks whenever the server says that the feed has grown, and now and then without being told."""

    def __init__(
        self, recorder: "EventStoreApplicationRecorder", gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._hint_thread = Thread(target=self._pass_hints_on, daemon=True)
        self._hint_thread.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._hint_thread.join()

    def _pass_hints_on(self) -> None:
        with Hints(self._recorder.datastore.store, _POLL) as hints:
            while not self._has_been_stopped:
                hints.wait()
                self._has_been_notified.set()
