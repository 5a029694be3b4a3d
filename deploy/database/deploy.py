"""Roles and the database itself; what is in it is the schema's part."""

from pyinfra.api import deploy

from deploy.database import operations as database
from deploy.database import roles
from deploy.database.declared import PRIVILEGES, ROLES
from deploy.database.facts import CatalogueFact
from deploy.database.roles import Credentials
from deploy.machine.questions import Ask
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings


def questions(container: EventStore) -> list[Ask]:  # noqa: ARG001  the same of each
    """What the operations of `deploy_part` are going to ask."""
    return [Ask(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))]


@deploy("Database")
def deploy_part(container: EventStore, settings: Settings) -> None:
    """Have the roles, then the database that one of them owns."""
    credentials = Credentials(settings.passwords_of(container), container.name)
    roles.have_roles(
        name="Have the roles",
        credentials=credentials,
        application_connections=container.application_connections,
        version=container.version,
        pooled=container.pool is not None,
    )
    database.have_database(name="Have the database", credentials=credentials, pooled=container.pool is not None)
