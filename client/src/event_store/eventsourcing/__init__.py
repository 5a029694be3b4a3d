"""The `eventsourcing` library (PyPI) on this event store: ``PERSISTENCE_MODULE=event_store.eventsourcing``.

Events go to ``event_store.events`` by way of the store's functions, beside everybody else's: the application's name is their
``aggregate_type``, the topic their ``event_type``, the state their ``event_data``. Snapshots go to ``event_store.snapshots``.
Tracking is kept in ``eventsourcing.tracking``, a table that the application makes itself.

What differs from the library's own recorders:

- Versions of one originator have to be consecutive.
- A snapshot cannot be ahead of the events, and another one of the same version replaces it.
- Topics are at most 255 characters long, and registered ones only if the store takes no unknown event types.
- An ``aggregate_type`` that an application uses belongs to it: what others append there is not in its notification log.
- Notification ids jump where a history of the store begins: after a start of the server, a failover, a restore. A reader
  whose place is of a lost history gets `LostNotificationsError`, which says where to go on.
- Once all events of an application have left the store (retention), notification ids begin anew.
"""

from event_store.eventsourcing.factory import Factory
from event_store.eventsourcing.log import LostNotificationsError
from event_store.eventsourcing.tracking import EventStoreTrackingRecorder

__all__ = ["EventStoreTrackingRecorder", "Factory", "LostNotificationsError"]
