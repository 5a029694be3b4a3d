"""A store's connections: the network goes silent, a process forks, another database of the application fails."""

import os
import socket
import subprocess
import sys
import time
from typing import Any, NoReturn
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from event_store import ANY, EventStore, NewEvent, Retries, Session

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


def test_a_connection_that_goes_silent_is_given_up_within_seconds(client: EventStore) -> None:
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
