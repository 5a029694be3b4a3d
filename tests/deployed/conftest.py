"""Real containers, and who has them: each group of tests its own, deployed for its first test and removed at the end.

`make test` runs the groups side by side. The tests of one group run one after the other, in one process.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .containers import BOOKWORM, TRIXIE, declared
from .deployment import Deployment
from .groups import DEPLOYS, ORDER, GroupScheduling, group_of
from .host_lock import containers_lock, host_lock, network_lock


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The inventory of both containers; nothing is deployed yet, and what an earlier run left is gone."""
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest", declared(TRIXIE, BOOKWORM))
    with containers_lock(*deployment.containers):
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
    with ExitStack() as locks:

        def deploy(name: str) -> Deployment:
            if name not in deployments:
                locks.enter_context(containers_lock(name))
                deployments[name] = Deployment(tmp_path_factory.mktemp("inventory"), name, declared(name))
                deployments[name].destroy()
                deployments[name].apply()
            return deployments[name]

        yield deploy
        for deployment in deployments.values():
            deployment.destroy()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """No other group deploys, or takes the bridge down, while a test or a fixture of it relies on that."""
    with ExitStack() as locks:
        if Path(__file__).parent in item.path.parents:
            offline = item.get_closest_marker("offline") is not None
            if offline or group_of(item.nodeid) != DEPLOYS:
                locks.enter_context(network_lock(breaks=offline))
            if item.get_closest_marker("host"):
                locks.enter_context(host_lock())
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Tell pytest-xdist which tests stay together."""
    return GroupScheduling(config, log)
