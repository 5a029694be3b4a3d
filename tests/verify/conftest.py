"""Every check runs once for each container of the inventory: ``pytest tests/verify --inventory=inventory/prod.py``."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pyinfra.api.exceptions import PyinfraError
from testinfra.host import Host

from deploy.commands.connection import address_of, dsn, pooled_way_in
from deploy.commands.dsn_formats import uri
from deploy.commands.errors import CommandError
from deploy.machine import openssh
from deploy.machine.facts import Machine, MachineFact
from deploy.model.backup_repositories import BackupRepository
from deploy.model.containers import Container
from deploy.model.event_stores import PORT, EventStore
from deploy.model.hosts import LxcHost
from deploy.model.inventory import Entry, make_settings, read_entries
from deploy.model.pooling import POOLED_PORT
from deploy.model.settings import Settings

from . import reach
from .application import Application
from .lxc_attach import attach, state_of
from .server import Server


@dataclass(frozen=True)
class Deployment:
    """The inventory under test."""

    file: str
    settings: Settings
    entries: dict[str, Entry]


_DEPLOYMENT = pytest.StashKey[Deployment]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inventory", metavar="FILE", default="inventory/local.py", help="the inventory to verify")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--inventory", default="inventory/local.py")
    try:
        entries = read_entries(file)
        settings = make_settings(entries, file)
    except PyinfraError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_DEPLOYMENT] = Deployment(file, settings, {entry.name: entry for entry in entries})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "container" in metafunc.fixturenames:
        # A module that is about one kind says so; others look at containers of all kinds.
        kind = EventStore if "store" in metafunc.fixturenames else getattr(metafunc.module, "KIND", Container)
        kind = BackupRepository if "repository" in metafunc.fixturenames else kind
        declared = metafunc.config.stash[_DEPLOYMENT].settings.containers.values()
        containers = [container for container in declared if isinstance(container, kind)]
        none = pytest.mark.skip(f"not verifiable here: the inventory has no {kind.__name__}")
        parameters = [pytest.param(one, id=one.lxc_name) for one in containers] or [pytest.param(None, marks=none)]
        # Session-scoped parameters also order the tests: all of one container, then the next.
        metafunc.parametrize("container", parameters, indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The latencies beside their budgets, also if all of them are kept; and whose data may be lost."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for title in ("latency", "durability"):
        lines = [
            f"{report.head_line}: {text}"
            for report in reports
            for name, text in report.user_properties
            if name == title and report.when == "call"
        ]
        if lines:
            terminalreporter.write_sep("-", title)
            terminalreporter.write_line("\n".join(lines))


@pytest.fixture(scope="session")
def deployment(pytestconfig: pytest.Config) -> Deployment:
    return pytestconfig.stash[_DEPLOYMENT]


@pytest.fixture(scope="session")
def container(request: pytest.FixtureRequest) -> Container:
    assert isinstance(request.param, Container)
    return request.param


@pytest.fixture(scope="session")
def store(container: Container) -> EventStore:
    """The container of a check that is about event stores only."""
    assert isinstance(container, EventStore)
    return container


@pytest.fixture(scope="session")
def repository(container: Container) -> BackupRepository:
    """The container of a check that is about repositories of backups only."""
    assert isinstance(container, BackupRepository)
    return container


@pytest.fixture(scope="session")
def settings(deployment: Deployment) -> Settings:
    return deployment.settings


@pytest.fixture(scope="session")
def host_settings(settings: Settings, container: Container) -> LxcHost:
    return settings.host_of(container)


@pytest.fixture(scope="session")
def lxc_host(deployment: Deployment, container: Container) -> Host:
    """The container's LXC host, as root."""
    return reach.lxc_host(container.lxc_host, deployment.entries[container.lxc_host].data)


@pytest.fixture(scope="session")
def machine(lxc_host: Host) -> Machine:
    """What the LXC host offers."""
    return MachineFact().process(lxc_host.check_output(MachineFact().command()).splitlines())


@pytest.fixture(scope="session")
def inside(lxc_host: Host, container: Container, deployment: Deployment) -> Host:
    """The container, as its root."""
    state = state_of(lxc_host, container.lxc_name)
    if state != "RUNNING":
        pytest.fail(
            f"container {container.lxc_name} on {container.lxc_host} is {state}, not RUNNING: "
            f"nothing in it can be verified; `make deploy INVENTORY={deployment.file}` starts it",
            pytrace=False,
        )
    return attach(container.lxc_name, lxc_host)


@pytest.fixture(scope="session")
def init_pid(inside: Host, lxc_host: Host, container: Container) -> int:
    """The container's first process, by its number on the LXC host."""
    return int(lxc_host.check_output("lxc-info -n %s -pH", container.lxc_name))


@pytest.fixture(scope="session")
def server(inside: Host, store: EventStore) -> Server:
    """PostgreSQL in the container, as its superuser."""
    return Server(inside, store.version)


@pytest.fixture(scope="session")
def application(deployment: Deployment, store: EventStore, inside: Host) -> Iterator[Application]:
    """The application's way in."""
    try:
        direct, address = dsn(store, deployment.settings), address_of(store, deployment.settings)
    except (CommandError, ValueError) as error:
        pytest.fail(str(error), pytrace=False)
    data = deployment.entries[store.lxc_host].data
    with openssh.tunnel(store.lxc_host, data, address, PORT) as reached_at:
        yield Application(direct, reached_at, deployment.settings.client_networks(store))


@pytest.fixture(scope="session")
def pooled(deployment: Deployment, store: EventStore, application: Application) -> Iterator[Application]:
    """The application's way in through the pooler."""
    if store.pool is None:
        pytest.skip('not verifiable here: there is no pooler; key "pooling" declares one')
    application.connect().close()  # who may not connect directly may not here
    way = pooled_way_in(store, deployment.settings)
    data, address = deployment.entries[store.lxc_host].data, address_of(store, deployment.settings)
    with openssh.tunnel(store.lxc_host, data, address, POOLED_PORT) as reached_at:
        # Not every pooler knows prepared statements.
        networks = deployment.settings.client_networks(store)
        yield Application(uri(way), reached_at, networks, prepare_threshold=None)
