"""Roles and the database itself; what is in it is the schema's part."""

from pyinfra.api import deploy

from deploy.operations import database
from deploy.operations.database import Credentials
from deploy.passwords import Passwords
from deploy.settings import Container


@deploy("Database")
def deploy_database(container: Container, passwords: Passwords) -> None:
    """Have the roles, then the database that one of them owns."""
    database.have_roles(name="Have the roles", credentials=Credentials(passwords, container.name))
    database.have_database(name="Have the database")
