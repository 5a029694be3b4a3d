"""The library's own test cases, told to make their recorders on this store.

The cases make recorders without arguments, and applications from the environment: `FACTORY` holds what they need.
"""

from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

from eventsourcing.dcb.tests import DCBRecorderTestCase
from eventsourcing.persistence import Tracking
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment
from psycopg.sql import SQL

from event_store.eventsourcing import EventStoreTrackingRecorder, Factory
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.eventsourcing.factory import EventStoreFactory
from event_store.eventsourcing.recorders import EventStoreAggregateRecorder
from event_store.eventsourcing.tracking import EventStoreProcessRecorder

FACTORY: list[Factory] = []


class TextIds(TestCase):
    """Originators that are no UUIDs."""

    def new_originator_id(self) -> UUID | str:
        return f"originator-{uuid4()}"


class AggregateRecorderCase(persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].aggregate_recorder()


class AggregateRecorderOfTextIdsCase(TextIds, AggregateRecorderCase):
    pass


class ApplicationRecorderCase(persistence.ApplicationRecorderTestCase[EventStoreApplicationRecorder]):
    def create_recorder(self) -> Any:
        return FACTORY[0].application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class ApplicationRecorderOfTextIdsCase(TextIds, ApplicationRecorderCase):
    pass


class TrackingRecorderCase(persistence.TrackingRecorderTestCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].tracking_recorder()


class ProcessRecorderCase(persistence.ProcessRecorderTestCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].process_recorder()


class ProcessRecorderAsApplicationRecorderCase(ApplicationRecorderCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].process_recorder()


class ProcessRecorderAsTrackingRecorderCase(TrackingRecorderCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].process_recorder()


class NonInterleavingCase(persistence.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> Any:
        return FACTORY[0].application_recorder()


class FactoryCase(persistence.InfrastructureFactoryTestCase[EventStoreFactory]):
    def setUp(self) -> None:
        self.env = Environment("", {"PERSISTENCE_MODULE": "event_store.eventsourcing", **FACTORY[0].env})
        super().setUp()

    def expected_factory_class(self) -> Any:
        return EventStoreFactory

    def expected_aggregate_recorder_class(self) -> Any:
        return EventStoreAggregateRecorder

    def expected_application_recorder_class(self) -> Any:
        return EventStoreApplicationRecorder

    def expected_tracking_recorder_class(self) -> Any:
        return EventStoreTrackingRecorder

    def tracking_recorder_subclass(self) -> Any:
        return CountersView

    def expected_process_recorder_class(self) -> Any:
        return EventStoreProcessRecorder


class CountersView(EventStoreTrackingRecorder, projection.EventCountersView):
    """A view as an application would write it: a table of its own, changed together with the tracking."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS eventsourcing.counters (kind text PRIMARY KEY, counter bigint NOT NULL)")
        )

    def get_created_event_counter(self) -> int:
        return self._counter("created")

    def get_subsequent_event_counter(self) -> int:
        return self._counter("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increment("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increment("subsequent", tracking)

    def _counter(self, kind: str) -> int:
        with self.datastore.transaction() as curs:
            curs.execute("SELECT counter FROM eventsourcing.counters WHERE kind = %s", [kind])
            row = curs.fetchone()
        return row["counter"] if row else 0

    def _increment(self, kind: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as curs:
            curs.execute(
                "INSERT INTO eventsourcing.counters AS c VALUES (%s, 1) ON CONFLICT (kind) DO UPDATE SET counter = c.counter + 1",
                [kind],
            )
            self._insert_tracking(curs, tracking)


class ViewCase(projection.EventCountersViewTestCase):
    def construct_event_counters_view(self) -> Any:
        return FACTORY[0].tracking_recorder(CountersView)


class ProjectionCase(projection.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class EventSourcedProjectionCase(projection.EventSourcedProjectionTestCase):
    pass


class ExampleApplicationCase(application.ExampleApplicationTestCase):
    expected_factory_topic = "event_store.eventsourcing.factory:EventStoreFactory"


class ApplicationCase(application.ApplicationTestCase):
    pass


class DCBRecorderCase(DCBRecorderTestCase):
    def test_append_read(self) -> None:
        self._test_append_read(FACTORY[0].dcb_recorder())

    def test_append_subscribe(self) -> None:
        self._test_append_subscribe(FACTORY[0].dcb_recorder())


RECORDER_CASES: list[type[TestCase]] = [
    AggregateRecorderCase,
    AggregateRecorderOfTextIdsCase,
    ApplicationRecorderCase,
    ApplicationRecorderOfTextIdsCase,
    TrackingRecorderCase,
    ProcessRecorderCase,
    ProcessRecorderAsApplicationRecorderCase,
    ProcessRecorderAsTrackingRecorderCase,
    NonInterleavingCase,
    DCBRecorderCase,
]
#: These make applications of fixed names, and look at their first notifications.
APPLICATION_CASES: list[type[TestCase]] = [
    FactoryCase,
    ViewCase,
    ProjectionCase,
    EventSourcedProjectionCase,
    ExampleApplicationCase,
    ApplicationCase,
]
