"""`make bench`: measures and prints, on containers of its own, which it removes again.

A wrong result fails (a second apply that changes something, an event that is lost); a slow machine never does.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from deployed.sql.stores import Server, remove_leftovers

from .figures import FOLDER, Figures
from .inventories import NAMES, POOLED, REPOSITORY, STORE, Inventory, remove_everything
from .server import TRIAL, BenchServer
from .stores import Store, all_stores
from .timing import say


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """The results; each is on disk at once."""
    collected = Figures()
    yield collected
    say(f"\nTables and plot: {FOLDER / 'figures.md'}")


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """All containers; whatever an earlier run has left of them is removed first, and all of it at the end."""
    if TRIAL:
        pytest.skip("needs containers of its own")
    inventory = Inventory.write(tmp_path_factory.mktemp("inventories") / "ten", NAMES)
    remove_everything(inventory)
    yield inventory
    say("\nRemoving the benchmarks' containers")
    remove_everything(inventory)


@pytest.fixture(scope="session")
def four(ten: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The first four of them, not deployed."""
    return Inventory.write(tmp_path_factory.mktemp("inventories") / "four", NAMES[:4])


@pytest.fixture(scope="session")
def deployed(ten: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The first of them by itself, deployed."""
    inventory = Inventory.write(tmp_path_factory.mktemp("inventories") / "one", NAMES[:1])
    say("\nDeploying bench-1")
    inventory.deploy()
    return inventory


@pytest.fixture(scope="session")
def cold(ten: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The second of them by itself, not deployed: the connections to the first one must stay."""
    return Inventory.write(tmp_path_factory.mktemp("inventories") / "cold", NAMES[1:2])


@pytest.fixture(scope="module")
def pooled(ten: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """One with a pooler by itself, deployed, and removed for those that deploy it without one."""
    inventory = Inventory.of_pooling(tmp_path_factory.mktemp("inventories") / "pooled")
    say(f"\nDeploying {POOLED} with a pooler")
    inventory.deploy()
    yield inventory
    inventory.destroy(POOLED)


@pytest.fixture(scope="module")
def backed_up(ten: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """One with a repository for its backups by itself, deployed, and removed for those that deploy others under the names."""
    inventory = Inventory.of_backups(tmp_path_factory.mktemp("inventories") / "backups")
    say(f"\nDeploying {STORE} with {REPOSITORY} for its backups")
    inventory.deploy()
    yield inventory
    for name in (STORE, REPOSITORY):
        inventory.destroy(name)


@pytest.fixture(scope="session")
def connection(deployed: Inventory) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the application to the first container; each statement is a transaction."""
    with psycopg.connect(deployed.dsn(NAMES[0]), autocommit=True) as connected:
        yield connected


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, figures: Figures) -> BenchServer:
    """The server that the stores are compared on."""
    if TRIAL:
        server = BenchServer(Server.at(TRIAL))
        server.server.have_roles()
    else:
        request.getfixturevalue("deployed")
        server = BenchServer(Server.in_container(NAMES[0]), NAMES[0])
    remove_leftovers(server.server)
    figures.server = server.settings()
    return server


@pytest.fixture(scope="module")
def stores(server: BenchServer) -> Iterator[list[Store]]:
    """All stores, each empty and in a database of its own."""
    every = all_stores(server)
    try:
        for store in every:
            store.create()
        yield every
    finally:
        for store in every:
            if store.database:
                store.drop()
