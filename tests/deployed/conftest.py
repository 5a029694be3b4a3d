"""Real containers, and who has them: each group of tests its own, deployed for its first test and removed at the end.

`make test` runs the groups side by side. The tests of one group run one after the other, in one process.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .containers import declared
from .deployment import Deployment
from .groups import HOST, ORDER, PAIRS, GroupScheduling, group_of, is_for_the_other_release
from .locks import containers_lock, host_lock, network_lock, turn_lock


class Containers:
    """Whatever containers the tests of this process have asked for: theirs alone, and gone at the end."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._locks = ExitStack()
        self._declared: dict[tuple[str, ...], Deployment] = {}
        self._deployed: set[tuple[str, ...]] = set()

    def declared(self, *names: str) -> Deployment:
        """An inventory of these, of which an earlier run has left nothing."""
        if names not in self._declared:
            self._locks.enter_context(containers_lock(*names))
            self._declared[names] = Deployment(self._folders.mktemp("inventory"), names[0], declared(*names))
            self._declared[names].destroy()
        return self._declared[names]

    def deployed(self, *names: str) -> Deployment:
        """An inventory of these, deployed for the first test that asks."""
        deployment = self.declared(*names)
        if names not in self._deployed:
            deployment.apply()
            self._deployed.add(names)
        return deployment

    def destroy(self) -> None:
        """All of them, with their data."""
        with self._locks:
            for deployment in self._declared.values():
                deployment.destroy()


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """All containers that more than one module uses."""
    containers = Containers(tmp_path_factory)
    yield containers
    containers.destroy()


@pytest.fixture(scope="module")
def fresh(containers: Containers) -> Deployment:
    """An inventory of two containers that are not deployed yet: for the first tests of a group."""
    return containers.declared(*PAIRS[HOST])


@pytest.fixture(scope="module")
def deployed(containers: Containers, request: pytest.FixtureRequest) -> Deployment:
    """An inventory of two containers, one of each release, deployed."""
    return containers.deployed(*PAIRS[group_of(request.node.nodeid)])


@pytest.fixture(scope="session")
def deployed_server(containers: Containers) -> Callable[[str], Deployment]:
    """One of `SERVERS`, deployed by itself; a test that has its name among its parameters is in the group of it."""
    return containers.deployed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """No other group deploys, or takes the bridge down, while a test or a fixture of it relies on that."""
    with ExitStack() as locks:
        if Path(__file__).parent in item.path.parents:
            offline = item.get_closest_marker("offline") is not None
            if offline or group_of(item.nodeid) != HOST:
                locks.enter_context(network_lock(breaks=offline))
            if item.get_closest_marker("host"):
                locks.enter_context(host_lock(breaks=True))
            if item.get_closest_marker("turn"):
                locks.enter_context(turn_lock())
        return (yield)


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


def _place(item: pytest.Item) -> tuple[int, bool]:
    group = group_of(item.nodeid)
    # What looks at machines on which nothing is deployed yet comes before all that needs the deployment.
    return ORDER.index(group) if group else len(ORDER), item.path.name != "test_apply.py"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The groups one after the other; what fills the gaps comes last."""
    items.sort(key=_place)
    for item in items:
        if is_for_the_other_release(item.nodeid) and not item.get_closest_marker("releases"):
            item.add_marker("soak")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Tell pytest-xdist which tests stay together."""
    return GroupScheduling(config, log)
