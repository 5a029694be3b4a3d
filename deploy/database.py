"""Roles and the database itself; what is in it is the schema's part."""

from pyinfra.api import deploy

from deploy.facts.database import CatalogueFact
from deploy.look import Ask
from deploy.operations import database
from deploy.operations.database import PRIVILEGES, ROLES, Credentials
from deploy.passwords import Passwords
from deploy.settings import Container


def questions() -> list[Ask]:
    """What the operations of `deploy_database` are going to ask."""
    return [Ask(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))]


@deploy("Database")
def deploy_database(container: Container, passwords: Passwords) -> None:
    """Have the roles, then the database that one of them owns."""
    database.have_roles(name="Have the roles", credentials=Credentials(passwords, container.name))
    database.have_database(name="Have the database")
