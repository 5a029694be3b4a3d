"""The content of the database: what sql/ describes."""

from pyinfra.api.deploy import deploy

from deploy.facts.schema import SchemaState
from deploy.look import Ask
from deploy.operations import schema
from deploy.settings import DATABASE


def questions() -> list[Ask]:
    """What the operation of `deploy_schema` is going to ask."""
    return [Ask(SchemaState, database=DATABASE)]


@deploy("Schema")
def deploy_schema() -> None:
    """Migrate the database and repair its catalogue. The roles and the database itself have to be there."""
    schema.converged(name="Converge schema of the event store", database=DATABASE)
