"""`make bench`: measures and prints, on containers of its own, which it removes again.

A wrong result fails (a second apply that changes something, an event that is lost); a slow machine never does.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from deploy.render import ROOT

from .figures import Figures, machine
from .inventories import NAMES, Inventory, remove_everything
from .timing import say


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """The rows; at the end the table and the file."""
    collected = Figures()
    yield collected
    if collected.rows:
        on = ", ".join(f"{key} {value}" for key, value in machine().items())
        say(f"\nMeasured in one run on: {on}\n\n{collected.table()}\n")
        say(f"Every single time: {collected.write(ROOT / '.benchmarks')}")


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """All four containers; whatever an earlier run has left of them is removed first, and all of it at the end."""
    inventory = Inventory.write(tmp_path_factory.mktemp("inventories") / "four", NAMES)
    remove_everything(inventory)
    yield inventory
    say("\nRemoving the benchmarks' containers")
    remove_everything(inventory)


@pytest.fixture(scope="session")
def deployed(four: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The first of the four by itself, deployed."""
    inventory = Inventory.write(tmp_path_factory.mktemp("inventories") / "one", NAMES[:1])
    say("\nDeploying bench-1")
    inventory.deploy()
    return inventory


@pytest.fixture(scope="session")
def cold(four: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The second of the four by itself, not deployed: the connections to the first one must stay."""
    return Inventory.write(tmp_path_factory.mktemp("inventories") / "cold", NAMES[1:2])


@pytest.fixture(scope="session")
def connection(deployed: Inventory) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the application to the first container; each statement is a transaction."""
    with psycopg.connect(deployed.dsn("bench-1"), autocommit=True) as connected:
        yield connected
