"""The recorders' way to the server: the client's pool and retries, with the library's exceptions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import psycopg
from eventsourcing import persistence
from psycopg.rows import DictRow, dict_row

from event_store import errors
from event_store.client import EventStore, Session
from event_store.events import Append
from event_store.operations import Operations
from event_store.statements import Statement

T = TypeVar("T")

#: For the tables of the adapter and of the application's own views; made by whoever comes first.
SCHEMA: Final = "eventsourcing"

# The first that fits; both sides follow PEP 249.
_COUNTERPARTS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[Exception]], ...]] = (
    (
        (*errors.IN_THE_WAY, errors.CommandIdReusedError),
        persistence.IntegrityError,
    ),
    (errors.InvalidPayloadError, persistence.DataError),
    ((errors.RestoredElsewhereError, errors.HistoryPendingError), persistence.OperationalError),
    (errors.EventStoreError, persistence.ProgrammingError),
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
    (psycopg.DatabaseError, persistence.DatabaseError),
    (psycopg.Error, persistence.PersistenceError),
)


class Datastore:
    """The store that the recorders of one application share."""

    schema: Final = SCHEMA

    def __init__(self, store: EventStore) -> None:
        self.store = store
        # Waits for no connection: a factory can be made before the server is up, as with the library's own.
        store.open(wait=False)

    def close(self) -> None:
        """Close all connections."""
        self.store.close()

    def run(self, statement: Statement[T]) -> T:
        """Run one statement, with the client's retries."""
        with _translated():
            return self.store.run(statement)

    def append(self, appends: Sequence[Append]) -> None:
        """Append to aggregates, with the client's retries."""
        with _translated():
            append(self.store, appends)

    def repeat(self, work: Callable[[Session, bool], T]) -> T:
        """Do ``work`` in a transaction, again when the connection is lost.

        Its second argument is whether it is done again: then the transaction before may have been committed, and it has to
        look first.
        """
        with _translated():
            return self.store.repeat(work)

    @contextmanager
    def transaction(self, *, commit: bool = False) -> Iterator["psycopg.Cursor[DictRow]"]:
        """A cursor in a transaction, for views of the application's own; the signature is the library's datastore's."""
        with (
            _translated(),
            self.store.session() as session,
            session.connection.transaction(force_rollback=not commit),
            session.connection.cursor(row_factory=dict_row) as cursor,
        ):
            yield cursor


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, errors.EventStoreError) as error:
        counterpart = next(there for here, there in _COUNTERPARTS if isinstance(error, here))
        raise counterpart(str(error)) from error


def append(operations: Operations, appends: Sequence[Append]) -> None:
    """Append to aggregates; to one in the way that is the fastest for one."""
    if len(appends) == 1:
        one = appends[0]
        operations.append_events(one.aggregate_type, one.aggregate_id, one.events, expected=one.expected)
    else:
        operations.append_to_aggregates(appends)
