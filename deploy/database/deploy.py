"""Roles and the database itself; what is in it is the schema's part."""

from pyinfra.api import deploy

from deploy.database import operations as database
from deploy.database.facts import CatalogueFact
from deploy.database.operations import PRIVILEGES, ROLES, Credentials
from deploy.machine.look import Ask
from deploy.model.passwords import Passwords
from deploy.model.settings import Container


def questions() -> list[Ask]:
    """What the operations of `deploy_database` are going to ask."""
    return [Ask(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))]


@deploy("Database")
def deploy_database(container: Container, passwords: Passwords) -> None:
    """Have the roles, then the database that one of them owns."""
    database.have_roles(name="Have the roles", credentials=Credentials(passwords, container.name))
    database.have_database(name="Have the database")
