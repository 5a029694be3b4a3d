"""A conninfo that is read for each connection: the password is changed, and nobody restarts."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from event_store import ANY, AsyncEventStore, EventStore, NewEvent

from ..deployment import Deployment, sql
from ..sql.stores import Server

#: Nobody is let in with them for longer than a test.
PASSWORDS = ("first-of-this-test", "second-of-this-test")


class Login:
    """The application's way into a deployed store, whose password a test may change."""

    def __init__(self, container: str, conninfo: str) -> None:
        self._container, self._conninfo = container, conninfo
        self._role = conninfo_to_dict(conninfo)["user"]

    def conninfo(self, password: str) -> str:
        return make_conninfo(self._conninfo, password=password)

    def change(self, password: str, *, end_sessions: bool = True) -> None:
        """Change the password, and end the sessions that began with another one."""
        sql(self._container, f"ALTER ROLE {self._role} PASSWORD '{password}'")
        if end_sessions:
            own = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{self._role}'"
            sql(self._container, own)


@pytest.fixture
def login(server: Server, deployed_server: Callable[[str], Deployment]) -> Iterator[Login]:
    if not server.container:
        pytest.skip("servers at hand have passwords that are not ours to change")
    conninfo = deployed_server(server.container).conninfo(server.container)
    login = Login(server.container, conninfo)
    login.change(PASSWORDS[0])
    yield login
    login.change(str(conninfo_to_dict(conninfo)["password"]))


def append(client: EventStore) -> None:
    client.append_event("Rotated", uuid4(), NewEvent("Counted", {}), expected=ANY)


def test_a_file_is_read_for_each_connection(login: Login, tmp_path: Path) -> None:
    file = tmp_path / "conninfo"
    file.write_text(login.conninfo(PASSWORDS[0]) + "\n")
    with EventStore(file) as client:
        append(client)
        login.change(PASSWORDS[1])
        file.write_text(login.conninfo(PASSWORDS[1]))
        append(client)
        client.listener().close()


def test_a_function_is_called_for_each_connection_and_may_be_a_coroutine(login: Login) -> None:
    current = [PASSWORDS[0]]

    async def said() -> str:
        await asyncio.sleep(0)
        return login.conninfo(current[0])

    async def scenario() -> None:
        for conninfo in (said, lambda: login.conninfo(current[0])):
            async with AsyncEventStore(conninfo) as client:
                await client.feed_end()
                current[0] = PASSWORDS[current[0] == PASSWORDS[0]]
                await asyncio.to_thread(login.change, current[0])
                await client.feed_end()
                await (await client.listener()).close()

    asyncio.run(scenario())


def test_a_password_that_was_retired_since_it_was_read_is_read_again_at_once(
    login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    said = itertools.chain([login.conninfo(PASSWORDS[1])], itertools.repeat(login.conninfo(PASSWORDS[0])))
    with EventStore(lambda: next(said)) as client:
        append(client)
    assert "error connecting" not in caplog.text  # the pool has not noticed


def test_a_password_that_stays_wrong_is_named_as_the_reason(login: Login) -> None:
    store = EventStore(login.conninfo("wrong"))
    with pytest.raises(psycopg.OperationalError, match=r"cannot connect: .*password authentication failed"):
        store.open(timeout=1)
    refusal = pytest.raises(psycopg.OperationalError, match="password authentication failed")
    with EventStore(login.conninfo(PASSWORDS[0]), listen=login.conninfo("wrong")) as client, refusal:
        client.listener()


def test_nothing_is_lost_while_the_password_changes_under_load(login: Login, tmp_path: Path) -> None:
    """The harshest kind of rotation: one role, whose sessions are ended, while the file is late."""
    file, own = tmp_path / "conninfo", [uuid4() for _ in range(4)]
    file.write_text(login.conninfo(PASSWORDS[0]))
    with EventStore(file, max_size=4) as client, ThreadPoolExecutor() as threads:

        def write(aggregate: UUID) -> None:
            for version in range(300):
                client.append_event("Rotated", aggregate, NewEvent("Counted", {}), expected=version)

        writing = [threads.submit(write, aggregate) for aggregate in own]
        for password in (*PASSWORDS[::-1], *PASSWORDS[::-1]):
            login.change(password)
            file.write_text(login.conninfo(password))
        for future in writing:
            future.result()
        assert [len(client.get_events("Rotated", aggregate)) for aggregate in own] == [300] * 4


def test_an_application_of_eventsourcing_reads_a_file(login: Login, tmp_path: Path) -> None:
    file = tmp_path / "conninfo"
    file.write_text(login.conninfo(PASSWORDS[0]))
    env = {"PERSISTENCE_MODULE": "event_store.eventsourcing", "EVENT_STORE_CONNINFO_FILE": str(file)}
    name = f"Rotated{uuid4().hex[:8]}"
    with Application[UUID](env=env | {"APPLICATION_NAME": name}) as application:
        application.save(Aggregate())
        login.change(PASSWORDS[1])
        file.write_text(login.conninfo(PASSWORDS[1]))
        application.save(Aggregate())
