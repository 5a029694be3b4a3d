"""Everything that one call to the store can do. `EventStore` runs it on a connection of its pool, with retries; `Session` on
one connection, inside the caller's transaction.

Each method is named after the SQL function that it calls. All raise the errors of `event_store.errors`, and psycopg's for
everything that is not the store's. ``max_count`` None means all.
"""

from event_store.operations.aggregates import Aggregates
from event_store.operations.appending import Appending
from event_store.operations.consuming import Consuming
from event_store.operations.searching import Searching


class Operations(Appending, Aggregates, Searching, Consuming):
    """What a store and a session have in common."""
