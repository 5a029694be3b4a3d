"""The client and its adapters against real servers, both PostgreSQL versions; the databases are those of the SQL tests."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo

from deploy.model.event_stores import APPLICATION_ROLE
from event_store.client import EventStore

from ..sql.conftest import empty_store, server, store, template
from ..sql.stores import Server, Store
from .relay import Relay, relay_to

__all__ = ["empty_store", "server", "store", "template"]


@pytest.fixture(scope="session")
def relay(server: Server) -> Iterator[Relay]:
    """A way to the server that a test may break."""
    with relay_to(server) as relay:
        yield relay


def conninfo_of(store: Store, relay: Relay) -> str:
    """What an application would connect with: all privileges are those of its role, `session_user` alone is not."""
    return make_conninfo(
        host="127.0.0.1",
        port=relay.port,
        user="postgres",
        password=store.server.parameters.get("password"),
        dbname=store.name,
        sslmode="disable",
        gssencmode="disable",
        options=f"-c role={APPLICATION_ROLE}",
    )


@pytest.fixture
def conninfo(store: Store, relay: Relay) -> str:
    """The module's store, for the application."""
    return conninfo_of(store, relay)


@pytest.fixture
def empty_conninfo(empty_store: Store, relay: Relay) -> str:
    """A store without an event, for the application."""
    return conninfo_of(empty_store, relay)


@pytest.fixture
def client(conninfo: str) -> Iterator[EventStore]:
    """The client, connected to the module's store."""
    with EventStore(conninfo) as client:
        yield client
