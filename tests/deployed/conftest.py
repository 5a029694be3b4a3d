"""Real containers, and who has them: each group of tests its own, deployed for its first test and removed at the end.

`make test` runs the groups side by side. The tests of one group run one after the other, in one process.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .containers import AT_HAND, BOOKWORM, SERVERS, TRIXIE, declared
from .deployment import Deployment
from .host_lock import host_lock

_TESTS = Path(__file__).parents[1]
#: The group of whatever names no other: what a deploy does, and what breaks containers or the host.
_DEPLOYS = "deploys"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The inventory of both containers; nothing is deployed yet, and what an earlier run left is gone."""
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest", declared(TRIXIE, BOOKWORM))
    deployment.destroy()
    yield deployment
    deployment.destroy()


@pytest.fixture(scope="session")
def deployed(fresh: Deployment) -> Deployment:
    """Both containers, deployed."""
    fresh.apply()
    return fresh


@pytest.fixture(scope="session")
def deployed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Deployment]]:
    """One of `SERVERS`, deployed by itself; a test that has its name among its parameters is in the group of it."""
    deployments: dict[str, Deployment] = {}

    def deploy(name: str) -> Deployment:
        if name not in deployments:
            deployments[name] = Deployment(tmp_path_factory.mktemp("inventory"), name, declared(name))
            deployments[name].destroy()
            deployments[name].apply()
        return deployments[name]

    yield deploy
    for deployment in deployments.values():
        deployment.destroy()


@pytest.fixture(autouse=True)
def _host_to_itself(request: pytest.FixtureRequest) -> Iterator[None]:
    """No other group changes the host while a test breaks something on it, or asserts that all is as declared."""
    if _group(request.node) != _DEPLOYS:
        yield
        return
    with host_lock():
        yield


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


def _group(item: pytest.Item) -> str:
    """The group of a test: ``unit``, a server, the deploys, or none for a test that may run anywhere at any time.

    A module with containers of its own may name another one by the mark ``xdist_group``.
    """
    if mark := item.get_closest_marker("xdist_group"):
        return str(mark.args[0])
    if not item.path.is_relative_to(_TESTS / "deployed"):
        return "unit" if item.path.is_relative_to(_TESTS / "unit") else ""
    parameters = (
        item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    )
    return next((value for value in parameters if value in (*SERVERS, *AT_HAND)), _DEPLOYS)


def _place(item: pytest.Item) -> tuple[int, bool]:
    """The order of the groups, with the longest first and what fills the gaps last.

    The unit tests are beside the deploys while these build the images, which the servers need.
    """
    group, order = _group(item), ["unit", _DEPLOYS, *SERVERS, *AT_HAND]
    place = order.index(group) if group in order else len(order) + (not group)
    # What looks at machines on which nothing is deployed yet comes before all that needs the deployment.
    return place, item.path.name != "test_apply.py"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell pytest-xdist which tests stay together, and in which order the groups begin."""
    items.sort(key=_place)
    for item in items:
        if (group := _group(item)) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group))
