"""Real drivers as an application uses them: over TCP and TLS, in the deployed store; see development.md for servers at hand."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.commands import connection
from deploy.commands.dsn_formats import WayIn, uri
from deploy.model.inventory import read_inventory

from ..containers import AT_HAND, SERVERS
from ..deployment import Deployment
from ..sql.stores import Server, new_name


@pytest.fixture(scope="session", params=[*AT_HAND] or SERVERS)
def way_in(request: pytest.FixtureRequest, deployed_server: Callable[[str], Deployment]) -> Iterator[WayIn]:
    """What `make dsn` knows of a store that has two events which every reader sees."""
    with _of_a_server_at_hand(request.param) if AT_HAND else _deployed(deployed_server(request.param)) as way_in:
        with psycopg.connect(uri(way_in), autocommit=True) as client:
            _have_two_events(client)
        yield way_in


@contextmanager
def _deployed(deployment: Deployment) -> Iterator[WayIn]:
    settings = read_inventory(deployment.inventory)
    yield connection.way_in(connection.choose_event_store(settings, None), settings)


@contextmanager
def _of_a_server_at_hand(name: str) -> Iterator[WayIn]:
    server = Server.at(AT_HAND[name])
    with server.connect() as asking:
        if asking.execute("SHOW ssl").fetchone() != ("on",):
            pytest.skip("this server has no TLS")
    server.have_roles()
    store = server.create(new_name())
    try:
        store.build()
        given = server.parameters
        yield WayIn(given["host"], int(given.get("port", 5432)), store.name, given["user"], given["password"])
    finally:
        store.close()
        server.drop(store.name)


def _have_two_events(client: "psycopg.Connection[Any]") -> None:
    events = Jsonb([{"event_type": "DriverTried", "event_data": {}}] * 2)
    client.execute("SELECT event_store.append_events('Driver', %s, 0, %s)", [uuid4(), events])
    deadline = time.monotonic() + 60
    while len(client.execute("SELECT FROM event_store.read_feed('0', 0, 2)").fetchall()) < 2:
        assert time.monotonic() < deadline, "the feed stands still: a transaction on this server is still open"
        time.sleep(0.1)
