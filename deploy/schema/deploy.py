"""The content of the database: what sql/ describes."""

from pyinfra.api import deploy

from deploy.machine.questions import Ask
from deploy.model.event_stores import DATABASE, EventStore
from deploy.model.settings import Settings
from deploy.schema import operations as schema
from deploy.schema.facts import SchemaState


def questions(container: EventStore) -> list[Ask]:  # noqa: ARG001  the same of each
    """What the operations of `deploy_part` are going to ask."""
    return [Ask(SchemaState, database=DATABASE)]


@deploy("Schema")
def deploy_part(container: EventStore, settings: Settings) -> None:  # noqa: ARG001  the same for each part
    """Migrate the database, repair its catalogue, and write the settings that are kept in it.

    The roles and the database itself have to be there.
    """
    schema.converged(name="Converge schema of the event store", database=DATABASE)
    schema.configured(
        name="Write the settings of the event store",
        database=DATABASE,
        settings={
            "unknown_event_types": container.unknown_event_types,
            "retention": f"{container.retention_years} years",
        },
    )
    schema.rebased(name="Rebase the feed of the event store", database=DATABASE)
