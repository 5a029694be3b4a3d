"""The content of the database: what sql/ describes."""

from typing import Final

from pyinfra.api.deploy import deploy

from deploy.operations import schema

DATABASE: Final = "stock_analysis_event_store"


@deploy("Schema")
def deploy_schema() -> None:
    """Migrate the database and repair its catalogue. The roles and the database itself have to be there."""
    schema.converged(name="Converge schema of the event store", database=DATABASE)
