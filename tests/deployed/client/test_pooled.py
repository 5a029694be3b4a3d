"""The client behind PgBouncer in transaction mode, of both releases: 1.18, which knows no prepared statements, and 1.24."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from psycopg.errors import DatabaseError

from deploy.model.event_stores import DATABASE
from event_store import ANY, AsyncEventStore, EventStore, NewEvent, Retries, Session, Subscription, errors, follow

from ..deployment import inside, sql
from ..sql.stores import Server, Store
from .pooler import SERVER_CONNECTIONS, Pooler, pooler_in
from .test_restart import goes_on_through

pytestmark = pytest.mark.releases

CLIENTS, QUERIES = 8, 40
USER = uuid4()


@pytest.fixture(scope="module")
def pooler(server: Server) -> Iterator[Pooler]:
    if not server.container:
        pytest.skip("a pooler of its release is in a container only")
    with pooler_in(server.container) as pooler:
        yield pooler


@pytest.fixture
def pooled(pooler: Pooler, empty_store: Store) -> str:
    """What an application connects with to a store without an event."""
    return pooler.conninfo(empty_store.name)


@pytest.fixture
def client(pooled: str) -> Iterator[EventStore]:
    with EventStore(pooled, max_size=4) as client:
        yield client


def is_harmed(connection: "psycopg.Connection[Any]", number: int) -> bool:
    """Whether one of several clients, each of which has queries of its own, gets an error or another one's rows."""
    query = f"SELECT {number} AS of_client_{number}, %s::int"
    try:
        for asked in range(QUERIES):
            if connection.execute(query, [asked]).fetchone() != (number, asked):
                return True
    except DatabaseError:
        return True
    return False


def test_clients_that_share_few_connections_get_their_own_rows_and_events(pooler: Pooler, pooled: str) -> None:
    own = [uuid4() for _ in range(CLIENTS)]
    together = threading.Barrier(CLIENTS)

    def work(number: int) -> None:
        with EventStore(pooled, max_size=1) as client:
            together.wait(60)
            for version in range(1, QUERIES + 1):
                client.append_event("Shared", own[number], NewEvent("Counted", {"of": number}), expected=version - 1)
                events = client.get_events("Shared", own[number])
                assert [event.data for event in events] == [{"of": number}] * version
            with client.session() as session:
                assert not is_harmed(session.connection, number)

    with ThreadPoolExecutor(CLIENTS) as threads:
        for future in [threads.submit(work, number) for number in range(CLIENTS)]:
            future.result()

    def prepare(number: int) -> bool:
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=0) as connection:
            together.wait(60)
            return is_harmed(connection, number)

    # What the client is spared: without this, the test above would show nothing.
    with ThreadPoolExecutor(CLIENTS) as threads:
        assert any(threads.map(prepare, range(CLIENTS))) == (not pooler.knows_prepared_statements)


def test_no_lock_stays_with_a_connection_that_others_have(client: EventStore, empty_store: Store) -> None:
    for _ in range(2 * SERVER_CONNECTIONS):
        client.append_event("Locked", uuid4(), NewEvent("Counted", {}), expected=ANY)
    with empty_store.connect("postgres") as admin:
        held = "SELECT * FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = %s)"
        assert admin.execute(held, [empty_store.name]).fetchall() == []


def test_preparing_is_refused_by_name(pooled: str) -> None:
    refusal = "a pooler stands between, and prepare_threshold=7: .* Leave prepare_threshold out"
    with pytest.raises(errors.PoolerError, match=refusal):
        EventStore(pooled, prepare_threshold=7).open()

    def configure(connection: "psycopg.Connection[Any]") -> None:
        connection.prepare_threshold = 7

    with pytest.raises(errors.PoolerError, match=refusal):
        EventStore(pooled, configure=configure).open()
    with psycopg.connect(pooled, prepare_threshold=7) as connection:
        with pytest.raises(errors.PoolerError, match=refusal):
            Session(connection).feed_end()
        connection.prepare_threshold = None
        Session(connection).feed_end()
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS

    async def scenario() -> None:
        store = AsyncEventStore(pooled, prepare_threshold=7)
        with pytest.raises(errors.PoolerError, match=refusal):
            await store.open()
        await store.close()

    asyncio.run(scenario())


def test_a_direct_client_prepares_as_psycopg_does(conninfo: str) -> None:
    with EventStore(conninfo) as client, client.session() as session:
        assert session.connection.prepare_threshold == 5
        assert client.hints == "listen"


def test_a_user_is_set_for_a_transaction_and_not_for_a_session(client: EventStore, pooled: str) -> None:
    with client.session() as session, pytest.raises(errors.PooledSessionError, match="behind a pooler"):
        session.set_user(USER, for_session=True)
    with psycopg.connect(pooled, prepare_threshold=None) as connection, pytest.raises(errors.PooledSessionError):
        Session(connection).set_user(USER, for_session=True)
    with client.transaction() as session:
        session.set_user(USER)
        assert session.current_user_id() == USER
        for _ in range(2 * SERVER_CONNECTIONS):
            with client.transaction() as other:
                assert other.current_user_id() is None
    for _ in range(2 * SERVER_CONNECTIONS):
        with client.transaction() as session:
            assert session.current_user_id() is None


def append_slowly(client: EventStore, aggregate: UUID, count: int) -> None:
    for _ in range(count):
        client.append_event("Told", aggregate, NewEvent("Counted", {}), expected=ANY)
        threading.Event().wait(0.05)


def test_a_consumer_looks_again_and_again(client: EventStore, caplog: pytest.LogCaptureFixture) -> None:
    client.create_subscription("polling")
    assert client.hints == "poll"
    with pytest.raises(errors.PoolerError, match="listen="):
        client.listener()
    aggregate, stop, versions = uuid4(), threading.Event(), list[int]()
    with ThreadPoolExecutor() as threads:
        appending = threads.submit(append_slowly, client, aggregate, 20)
        for delivery in Subscription(client, "polling", poll=0.02).deliveries(stop=stop):
            versions += [event.event_version for event in delivery.events]
            delivery.acknowledge()
            if versions[-1] == 20:
                stop.set()
        appending.result()
    assert versions == list(range(1, 21))
    assert "looking every 0.02 s for what is new: a pooler stands between" in caplog.text


def test_a_consumer_listens_past_the_pooler(pooled: str, empty_conninfo: str, empty_store: Store) -> None:
    with EventStore(pooled, listen=empty_conninfo) as client, ThreadPoolExecutor() as threads:
        assert client.hints == "listen"
        pages = follow(client, poll=3600)
        told = threads.submit(next, pages)
        client.append_event("Told", uuid4(), NewEvent("Counted", {}), expected=ANY)
        with empty_store.connect("postgres") as admin:
            while not told.done():
                admin.execute("NOTIFY event_store")
                threading.Event().wait(0.05)
        assert len(told.result().events) == 1
        pages.close()


def test_a_way_past_the_pooler_that_leads_to_it_as_well_is_noticed(pooled: str) -> None:
    with EventStore(pooled, listen=pooled) as client:
        with pytest.raises(errors.PoolerError):
            client.listener()
        assert client.hints == "poll"


@pytest.mark.parametrize("listens", [True, False])
def test_a_subscription_of_eventsourcing_gets_each_event(pooled: str, empty_conninfo: str, listens: bool) -> None:
    env = {"PERSISTENCE_MODULE": "event_store.eventsourcing", "EVENT_STORE_CONNINFO": pooled}
    env |= {"EVENT_STORE_LISTEN": empty_conninfo} if listens else {}
    with Application[UUID](env=env) as application:
        ids = list[int]()
        with application.recorder.subscribe() as subscription:
            for number in range(1, 11):
                application.save(Aggregate())
                ids.append(next(subscription).id)
                assert ids == list(range(1, number + 1))


@pytest.mark.parametrize("signal", ["KILL", pytest.param("INT", marks=pytest.mark.soak)])
def test_the_client_goes_on_when_the_pooler_is_killed(pooler: Pooler, pooled: str, signal: str) -> None:
    def restart() -> None:
        pooler.kill(signal)
        pooler.start()

    goes_on_through(pooled, restart, Retries())


@pytest.mark.parametrize("way", ["fast", pytest.param("immediate", marks=pytest.mark.soak)])
def test_the_client_goes_on_when_the_server_restarts_behind_the_pooler(pooler: Pooler, way: str) -> None:
    stop = f"pg_ctlcluster $version main stop -m {way}"
    restart = f"version=$(ls /etc/postgresql); {stop}; sleep 2; systemctl restart postgresql@$version-main"
    goes_on_through(pooler.conninfo(DATABASE), lambda: inside(pooler.container, restart), Retries())


def test_a_pool_that_is_exhausted_says_so(pooled: str) -> None:
    with EventStore(pooled, max_size=1) as client, client.session():
        exhausted = r"pool 'pool-\d+' is exhausted: all of its max_size=1 connections are in use"
        with pytest.raises(psycopg.OperationalError, match=exhausted), client.session(timeout=0.1):
            pass


def test_the_pooler_that_is_full_is_named(pooler: Pooler, pooled: str) -> None:
    """Every server connection is taken by somebody who does not end his transaction."""
    with (
        EventStore(pooled, max_size=SERVER_CONNECTIONS) as client,
        EventStore(pooled, min_size=0) as other,
        client.transaction() as one,
        client.transaction() as two,
    ):
        assert one.feed_end() == two.feed_end()
        named = r"pool 'pool-\d+' cannot connect: query_wait_timeout\. .*default_pool_size"
        with pytest.raises(psycopg.OperationalError, match=named), other.session(timeout=8):
            pass


def test_a_statement_that_waited_in_vain_is_repeated(pooled: str, client: EventStore) -> None:
    taken = threading.Barrier(SERVER_CONNECTIONS + 1)

    def take() -> None:
        with psycopg.connect(pooled, prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
            taken.wait(60)
            connection.execute("SELECT pg_sleep(7)")  # longer than query_wait_timeout

    client.feed_end()
    with ThreadPoolExecutor() as threads:
        taking = [threads.submit(take) for _ in range(SERVER_CONNECTIONS)]
        taken.wait(60)
        client.append_event("Waited", uuid4(), NewEvent("Counted", {}), expected=ANY)
        for future in taking:
            future.result()
    assert sum(1 for _ in itertools.chain.from_iterable(page.events for page in follow(client, to_the_end=True))) == 1


def test_the_server_refuses_the_user_of_a_session_by_itself(server: Server) -> None:
    """Whoever comes over the socket and is no superuser comes by way of a pooler; here it is the worker's account."""
    psql = "/usr/lib/postgresql/*/bin/psql -XAtq -h /run/postgresql -v ON_ERROR_STOP=0 -f -"
    own = f"cd /; runuser -u event_store_worker -- {psql} -d {DATABASE} 2>&1"
    sql(server.container, "GRANT EXECUTE ON FUNCTION event_store.set_user TO event_store_worker")
    try:
        asked = "SELECT event_store.set_user(gen_random_uuid(), {}) IS NULL"
        assert inside(server.container, own, stdin=asked.format("false")) == "f"
        refused = inside(server.container, own, stdin=asked.format("true"))
        assert "the user cannot be set for a session behind a pooler" in refused
    finally:
        sql(server.container, "REVOKE EXECUTE ON FUNCTION event_store.set_user FROM event_store_worker")
