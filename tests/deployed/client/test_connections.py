"""A store's connections: the network goes silent, a process forks, another database of the application fails."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NoReturn
from uuid import uuid4

import psycopg
import psycopg_pool
import pytest
from psycopg.conninfo import make_conninfo

from event_store import ANY, AsyncEventStore, Command, EventStore, NewEvent, Retries, Session, Subscription
from event_store.async_pools import AsyncOwnConnection
from event_store.events import StoredEvent

from ..deployment import Deployment, run
from ..sql.stores import Server, Store
from .relay import relay_to

FORKING = """
import os, sys
from event_store import EventStore
from event_store.errors import ForkedError

conninfo = os.environ["EVENT_STORE_CONNINFO"]
with EventStore(conninfo) as store:
    with store.session() as session:
        before = session.connection.info.backend_pid
    child = os.fork()
    if child == 0:
        for use in (store.feed_end, store.listener, store.open):
            try:
                use()
            except ForkedError as error:
                print(error, flush=True)
        with EventStore(conninfo) as own:
            own.feed_end()
        sys.exit(5)  # leaves the block of the parent's store as well
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    with store.session() as session:
        assert session.connection.info.backend_pid == before
    print("the parent goes on")
"""


def test_a_fork_does_not_speak_on_the_connections_of_its_parent(conninfo: str) -> None:
    environment = os.environ | {"EVENT_STORE_CONNINFO": conninfo}
    command = [sys.executable, "-c", FORKING]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    *refusals, last = output.splitlines()
    assert last == "the parent goes on"
    assert len(refusals) == 3
    assert all("is its fork" in line and "after the fork" in line for line in refusals)


def test_a_store_that_the_parent_has_only_made_is_the_forks_to_open(conninfo: str) -> None:
    script = (
        "import os\nfrom event_store import EventStore\nstore = EventStore(os.environ['EVENT_STORE_CONNINFO'])\n"
        "if os.fork() == 0:\n    print(store.open().feed_end())\n    store.close()\nelse:\n    os.wait()"
    )
    environment = os.environ | {"EVENT_STORE_CONNINFO": conninfo}
    command = [sys.executable, "-c", script]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    assert output.startswith("Cursor(")


def options_of(connection: "psycopg.Connection[Any]") -> dict[str, int]:
    """What the kernel does when the other side says nothing."""
    with socket.socket(fileno=os.dup(connection.fileno())) as own:
        names = ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        return {name: own.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names}


def test_the_kernel_is_told_to_give_up_a_silent_connection_within_seconds(client: EventStore) -> None:
    with client.session() as session, client.listener() as listener:
        for connection in (session.connection, listener):
            options = options_of(connection)
            assert 0 < options["TCP_USER_TIMEOUT"] <= 10_000
            assert options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"] <= 15


def test_what_the_caller_says_about_silence_holds(conninfo: str) -> None:
    said = make_conninfo(conninfo, tcp_user_timeout=77_000)
    with EventStore(said, keepalives_idle=78) as client, client.session() as session:
        options = options_of(session.connection)
        assert (options["TCP_USER_TIMEOUT"], options["TCP_KEEPIDLE"]) == (77_000, 78)


def test_the_host_after_one_that_never_answers_has_its_turn(conninfo: str) -> None:
    first, second = socket.create_server(("127.0.0.1", 0)), psycopg.conninfo.conninfo_to_dict(conninfo)["port"]
    with first:
        hosts = make_conninfo(conninfo, host="127.0.0.1,127.0.0.1", port=f"{first.getsockname()[1]},{second}")
        store, began = EventStore(hosts), time.monotonic()
        try:
            store.open(wait=False).append_event("Silent", uuid4(), NewEvent("Told", {}), expected=ANY)
        finally:
            store.close()
        assert time.monotonic() - began < 30


@pytest.fixture
def over_the_bridge(server: Server, deployed_server: Callable[[str], Deployment]) -> EventStore:
    """A client of the deployed store, from this machine through the bridge into the container."""
    if not server.container:
        pytest.skip("servers at hand have no bridge that a test may break")
    return EventStore(deployed_server(server.container).conninfo(server.container))


@contextmanager
def silent(container: str) -> Iterator[None]:
    """Nothing gets into the container or out of it, and nobody says so."""
    link = next(line.split()[1] for line in run("lxc-info", "-n", container).stdout.splitlines() if "Link:" in line)
    run("ip", "link", "set", link, "down")
    try:
        yield
    finally:
        run("ip", "link", "set", link, "up")


@pytest.mark.soak
def test_an_append_into_a_silent_network_ends_within_the_time_that_is_promised(
    server: Server, over_the_bridge: EventStore
) -> None:
    event = NewEvent("Told", {})
    with over_the_bridge as client:
        client.append_event("Silent", uuid4(), event, expected=ANY)
        with silent(server.container):
            began = time.monotonic()
            with pytest.raises((psycopg.OperationalError, psycopg_pool.PoolTimeout)):
                client.append_event("Silent", uuid4(), event, expected=ANY, command=Command("Tell"))
            assert time.monotonic() - began < 45  # 30 s, and what it takes to notice it
        with ThreadPoolExecutor(1) as threads, silent(server.container):
            appending = threads.submit(
                client.append_event, "Silent", uuid4(), event, expected=ANY, command=Command("Tell")
            )
            time.sleep(15)
        assert appending.result(timeout=45).event_version == 1


def fail_elsewhere(*_: object) -> NoReturn:
    """Use another database, which is not there."""
    psycopg.connect("host=127.0.0.1 port=1 dbname=elsewhere")
    raise AssertionError("port 1 answers")


def backend_of(client: EventStore) -> int:
    with client.session() as session:
        return session.connection.info.backend_pid


def test_an_error_of_another_database_leaves_the_stores_connections_alone(conninfo: str) -> None:
    with EventStore(conninfo, max_size=1) as client:
        before = backend_of(client)
        with pytest.raises(psycopg.OperationalError), client.session():
            fail_elsewhere()
        with pytest.raises(psycopg.OperationalError), client.transaction():
            fail_elsewhere()
        assert backend_of(client) == before


def test_work_is_not_repeated_because_another_database_fails(client: EventStore) -> None:
    attempts = []

    def work(session: Session, _: bool) -> None:
        attempts.append(session)
        fail_elsewhere()

    with pytest.raises(psycopg.OperationalError):
        client.repeat(work)
    assert len(attempts) == 1


@pytest.mark.parametrize("nested", [True, False])
def test_work_is_repeated_when_the_store_fails(conninfo: str, nested: bool) -> None:
    attempts = []

    def work(session: Session, _: bool) -> None:
        attempts.append(session)
        if len(attempts) == 1:
            query = "DO $$BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END$$"
            if nested:
                with session.connection.transaction():
                    session.connection.execute(query)
            session.connection.execute(query)

    with EventStore(conninfo, retries=Retries(timeout=10)) as client:
        client.repeat(work)
    assert len(attempts) == 2


@pytest.mark.parametrize("what", ["repeat", "project"])
def test_work_that_swallows_the_loss_in_a_savepoint_is_repeated_as_well(conninfo: str, store: Store, what: str) -> None:
    calls = []

    def swallow(connection: "psycopg.Connection[Any]") -> None:
        calls.append(connection)
        with suppress(psycopg.Error), connection.transaction():
            if len(calls) == 1:
                end_session(store, connection)
            connection.execute("SELECT 1")
        connection.execute("SELECT 2")

    with EventStore(conninfo, retries=Retries(timeout=10)) as client:
        if what == "repeat":
            client.repeat(lambda session, _: swallow(session.connection))
        else:
            event = NewEvent(f"Swallowed{uuid4().hex}", {})
            client.create_subscription(event.event_type, event_types=[event.event_type])
            appended = client.append_event("Swallowed", uuid4(), event, expected=ANY)
            while client.feed_end().global_position < appended.global_position:
                pass

            def handle(connection: "psycopg.Connection[Any]", _: StoredEvent) -> None:
                swallow(connection)

            Subscription(client, event.event_type).project(handle, to_the_end=True)
    assert len(calls) == 2


def end_session(store: Store, connection: "psycopg.Connection[Any]") -> None:
    """What an administrator may do at any time; returns when the session is over."""
    store.connect("postgres").execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


def test_an_earlier_error_of_the_store_is_still_the_stores(client: EventStore) -> None:
    calls = []

    def work(session: Session, _: bool) -> None:
        calls.append(session)
        if len(calls) == 1:
            try:
                session.connection.execute("DO $$BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END$$")
            except psycopg.Error:
                with suppress(psycopg.Error):  # the transaction is aborted
                    session.connection.execute("SELECT 'how far was it?'")
                raise

    client.repeat(work)
    assert len(calls) == 2


@pytest.mark.parametrize("what", ["open", "transaction", "asynchronous transaction"])
def test_a_server_that_comes_back_in_time_is_found(conninfo: str, server: Server, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    way = make_conninfo(conninfo, port=port)

    def use() -> None:
        store = EventStore(way, min_size=2)
        try:
            if what == "open":
                store.open()
            else:
                store.open(wait=False)
                with store.transaction() as session:
                    session.feed_end()
        finally:
            store.close()

    async def use_asynchronously() -> None:
        store = AsyncEventStore(way)
        try:
            await store.open(wait=False)
            async with store.transaction() as session:
                await session.feed_end()
        finally:
            await store.close()

    in_use: Callable[[], None] = (lambda: asyncio.run(use_asynchronously())) if "asynch" in what else use
    with ThreadPoolExecutor(1) as pool:
        began, used = time.monotonic(), pool.submit(in_use)
        time.sleep(6)
        with relay_to(server, port):
            used.result()
    assert time.monotonic() - began < 15


def test_a_listener_hears_whatever_the_connections_of_the_store_are_like(conninfo: str, store: Store) -> None:
    with EventStore(conninfo, autocommit=False) as client, client.listener() as listener:
        store.connect("postgres").execute("NOTIFY event_store")
        assert len(list(listener.notifies(timeout=10, stop_after=1))) == 1


def test_a_listener_that_cannot_listen_is_closed(conninfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    connect = psycopg.Connection.connect

    def note(*arguments: Any, **options: Any) -> "psycopg.Connection[Any]":
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(psycopg.Connection, "connect", note)
    with EventStore(conninfo) as client:
        opened.clear()
        monkeypatch.setattr("event_store.connections.LISTEN", "LISTEN to nothing")
        with pytest.raises(psycopg.errors.SyntaxError):
            client.listener()
    assert [connection.closed for connection in opened] == [True]


def test_a_connection_whose_user_may_not_be_forgotten_is_closed(conninfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = AsyncOwnConnection.execute

    async def cancelled_at_reset(connection: AsyncOwnConnection, query: Any, *rest: Any, **options: Any) -> Any:
        if "RESET" in str(query):
            task = asyncio.current_task()
            assert task
            task.cancel()
            query = "SELECT pg_sleep(60)"
        return await execute(connection, query, *rest, **options)

    async def scenario() -> None:
        async with AsyncEventStore(conninfo, max_size=1) as store:

            async def set_user() -> None:
                async with store.session() as session:
                    await session.set_user(uuid4(), for_session=True)
                    monkeypatch.setattr(AsyncOwnConnection, "execute", cancelled_at_reset)

            with pytest.raises(asyncio.CancelledError):
                await asyncio.create_task(set_user())
            monkeypatch.setattr(AsyncOwnConnection, "execute", execute)
            async with store.session() as session:
                assert await session.current_user_id() is None

    asyncio.run(scenario())


def test_a_session_that_is_ended_for_its_idleness_takes_no_other_one_along(conninfo: str) -> None:
    with EventStore(conninfo, min_size=2, max_size=2) as client:
        with client.session() as one, client.session() as other:
            kept = one.connection.info.backend_pid
            ended = other.connection.info.backend_pid

        def idle(session: Session) -> None:
            if session.connection.info.backend_pid == kept:
                with client.transaction() as another:
                    idle(another)
                return
            session.connection.execute("SET LOCAL idle_in_transaction_session_timeout = 100")
            time.sleep(0.5)
            session.connection.execute("SELECT 1")

        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout), client.transaction() as session:
            idle(session)
        with client.session() as one, client.session() as other:
            present = {one.connection.info.backend_pid, other.connection.info.backend_pid}
    assert kept in present
    assert ended not in present


def test_what_was_never_sent_is_sent_again_although_it_must_not_be_repeated(conninfo: str) -> None:
    with EventStore(conninfo, max_size=1, retries=Retries(timeout=9)) as client:
        client.create_subscription("never sent")
        taken = threading.Event()

        def hold() -> None:
            with client.session() as session:
                taken.set()
                session.connection.execute("SELECT pg_sleep(6)")

        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(hold)
            taken.wait(10)
            client.reset_subscription("never sent")
            held.result()
