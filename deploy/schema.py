"""The content of the database: what sql/ describes."""

from pyinfra.api.deploy import deploy

from deploy.facts.schema import SchemaState
from deploy.look import Ask
from deploy.operations import schema
from deploy.settings import DATABASE, Container


def questions() -> list[Ask]:
    """What the operations of `deploy_schema` are going to ask."""
    return [Ask(SchemaState, database=DATABASE)]


@deploy("Schema")
def deploy_schema(container: Container) -> None:
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
