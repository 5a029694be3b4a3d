"""Two real containers, one for each release, deployed once for all tests of this folder and removed at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .deployment import SMALL, Deployment

TRIXIE, BOOKWORM = "estest-trixie", "estest-bookworm"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The inventory of both containers; nothing is deployed yet, and what an earlier run left is gone."""
    containers = {
        TRIXIE: {"address": "10.0.3.51", **SMALL},
        BOOKWORM: {"address": "10.0.3.52", "release": "bookworm", **SMALL},
    }
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest", containers)
    deployment.destroy()
    yield deployment
    deployment.destroy()


@pytest.fixture(scope="session")
def deployed(fresh: Deployment) -> Deployment:
    """Both containers, deployed."""
    fresh.apply()
    return fresh


@pytest.fixture(autouse=True)
def _inventory_unchanged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """A test that changes what is declared leaves the declaration as it was for the next one."""
    if "deployed" not in request.fixturenames:
        yield
        return
    deployment: Deployment = request.getfixturevalue("deployed")
    before = {name: dict(data) for name, data in deployment.containers.items()}
    yield
    deployment.containers = before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks at machines on which nothing is deployed yet comes before all that needs the deployment."""
    items.sort(key=lambda item: item.path.name != "test_apply.py" and item.path.is_relative_to(Path(__file__).parent))
