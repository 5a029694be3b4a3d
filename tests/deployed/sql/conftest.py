"""The SQL tests run on both PostgreSQL versions: in the deployed containers, each module in a database of its own.

While SQL is being written, servers that are there already spare the deploy: ``EVENT_STORE_TEST_SERVERS`` holds their
DSNs, as a superuser, separated by blanks.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from ..containers import AT_HAND, SERVERS
from ..deployment import Deployment
from . import clusters as beside
from .clusters import Cluster, Clusters
from .stores import Server, Store, new_name, remove_leftovers


@pytest.fixture(scope="session", params=[*AT_HAND] or SERVERS)
def server(request: pytest.FixtureRequest, deployed_server: Callable[[str], Deployment]) -> Server:
    """One server for each PostgreSQL version."""
    if AT_HAND:
        server = Server.at(AT_HAND[request.param])
        server.have_roles()
    else:
        deployed_server(request.param)
        server = Server.in_container(request.param)
    remove_leftovers(server)
    return server


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[str]:
    """A database with the schema and without an event, to be copied."""
    store = server.create(new_name())
    store.build()
    yield store.name
    server.drop(store.name)


def copied(server: Server, template: str) -> Iterator[Store]:
    """A copy of the template, as if that had been made now: a test may have restarted the server since."""
    store = server.create(new_name(), template)
    with store.connect("postgres") as admin:
        admin.execute("UPDATE event_store.settings SET server_start = (event_store.server_state()).server_start")
    yield store
    store.close()
    server.drop(store.name)


@pytest.fixture(scope="module")
def store(server: Server, template: str) -> Iterator[Store]:
    """The module's own database. Events cannot be taken back: a test uses aggregates of its own."""
    yield from copied(server, template)


@pytest.fixture
def empty_store(server: Server, template: str) -> Iterator[Store]:
    """A database of this test's own, for what looks at the whole feed."""
    yield from copied(server, template)


@pytest.fixture
def app(store: Store) -> "Iterator[psycopg.Connection[Any]]":
    """A session of the application."""
    with store.connect() as connection:
        yield connection


@pytest.fixture
def admin(store: Store) -> "Iterator[psycopg.Connection[Any]]":
    """A session of the superuser."""
    with store.connect("postgres") as connection:
        yield connection


@pytest.fixture(scope="module")
def clusters(server: Server) -> Iterator[Clusters]:
    beside.remove_leftovers(server)
    clusters = Clusters(server)
    try:
        clusters.build()
        yield clusters
    finally:
        clusters.remove()


@pytest.fixture
def primary(clusters: Clusters) -> Iterator[Cluster]:
    """A server that has just started: its first history is over."""
    with clusters.running("primary") as primary:
        yield primary


@pytest.fixture
def other(clusters: Clusters) -> Iterator[Cluster]:
    """Another one, without files yet."""
    with clusters.cluster("other") as other:
        yield other
