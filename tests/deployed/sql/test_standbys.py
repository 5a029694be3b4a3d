"""What a reader on a standby sees: what the primary has confirmed, or everything that is committed if it says so."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from event_store import EventStore

from .clusters import Cluster, Clusters
from .feed import START, append, end, read, settle, wait_until
from .readers import Reader
from .stores import Store
from .test_forks import ask, cut_off, wait_for
from .test_subscriptions import refused, value

pytestmark = pytest.mark.releases

UNCONFIRMED = "SET event_store.unconfirmed = true"
CONFIRMED = "SELECT last_value FROM event_store.confirmed_horizon"


@pytest.fixture
def standby(primary: Cluster, other: Cluster) -> Iterator[Cluster]:
    """A standby of the primary, whose history has begun."""
    work(primary)
    primary.back_up(other, standby=True)
    other.start()
    wait_until(lambda: bool(ask(primary, "SELECT EXISTS (SELECT FROM pg_stat_replication)")))
    yield other
    other.store.close()


def work(primary: Cluster) -> None:
    """What the worker does twenty times a second."""
    with primary.server.connect(primary.store.name) as session:
        session.execute("SET SESSION AUTHORIZATION event_store_worker")
        session.execute("SELECT event_store.work_feed()")


def catch_up(primary: Cluster, standby: Cluster) -> None:
    """Wait until all is replayed, also what nobody has asked to be flushed."""
    ask(primary, "SELECT pg_switch_wal()")
    wait_for(primary, standby)


def test_a_standby_reads_what_was_confirmed_and_more_if_it_says_so(primary: Cluster, standby: Cluster) -> None:
    writer, reader, unconfirmed = primary.store.connect(), standby.store.connect(), standby.store.connect()
    unconfirmed.execute(UNCONFIRMED)
    append(writer, uuid4(), 3)
    settle(writer)
    catch_up(primary, standby)
    assert read(reader) == []
    assert value(reader, "SELECT events_waiting FROM event_store.feed_lag()") == 3
    whole = read(writer)
    assert read(unconfirmed) == whole
    work(primary)
    catch_up(primary, standby)
    for after in (0, 1, 3):
        rest = read(writer, whole[after - 1].cursor) if after else whole
        assert read(reader, whole[after - 1].cursor if after else START) == rest
    assert read(reader, aggregate_types=["Thing"]) == whole
    assert end(reader) == whole[-1].cursor
    categories = "SELECT count(*) FROM event_store.get_events_by_category('Thing')"
    assert value(reader, categories) == 3


def test_no_transaction_of_the_primary_holds_a_reader_of_a_standby_back(primary: Cluster, standby: Cluster) -> None:
    writer, foreign, reader = primary.store.connect(), primary.store.connect("postgres"), standby.store.connect()
    unconfirmed = standby.store.connect()
    unconfirmed.execute(UNCONFIRMED)
    with foreign.transaction():
        foreign.execute("CREATE TEMPORARY TABLE elsewhere AS SELECT 1")
        append(writer, uuid4(), 2)
        wait_until(lambda: len(read(writer)) == 2)
        work(primary)
        catch_up(primary, standby)
        assert read(reader) == read(writer)
        assert read(unconfirmed) == []


def test_what_waits_for_a_synchronous_standby_is_not_read_on_another_one(primary: Cluster, standby: Cluster) -> None:
    reader, unconfirmed, admin = standby.store.connect(), standby.store.connect(), primary.store.connect("postgres")
    unconfirmed.execute(UNCONFIRMED)
    append(primary.store.connect(), uuid4())
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'one_that_is_down'")
    admin.execute("SELECT pg_reload_conf()")
    waiting = primary.store.connect()
    wait_until(lambda: value(waiting, "SHOW synchronous_standby_names") == "one_that_is_down")
    with ThreadPoolExecutor(1) as threads:
        appending = threads.submit(append, waiting, uuid4())
        in_the_table = "SELECT count(*) FROM event_store.events"
        wait_until(lambda: value(unconfirmed, in_the_table) == 2)
        work(primary)
        catch_up(primary, standby)
        # It is committed, replayed, and could be lost.
        assert (value(unconfirmed, in_the_table), len(read(reader))) == (2, 1)
        assert not appending.done()
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")
        appending.result()
    settle(waiting)
    work(primary)
    catch_up(primary, standby)
    assert len(read(reader)) == 2


def test_an_idle_store_and_one_without_a_standby_write_nothing(primary: Cluster, empty_store: Store) -> None:
    append(primary.store.connect(), uuid4())
    settle(primary.store.connect())
    work(primary)
    confirmed = ask(primary, CONFIRMED)
    last = ask(primary, "SELECT max(transaction_id)::text::bigint FROM event_store.events")
    assert confirmed == last + 1
    worker = primary.store.connect("event_store_worker")
    for _ in range(3):
        with worker.transaction():
            worker.execute("SELECT event_store.work_feed()")
            assert value(worker, "SELECT pg_current_xact_id_if_assigned()") is None
    # The deployed server has no standby.
    append(empty_store.connect(), uuid4())
    settle(empty_store.connect())
    without = empty_store.connect("postgres")
    without.execute("SELECT event_store.work_feed()")
    senders = value(
        without, "SELECT EXISTS (SELECT FROM pg_stat_replication) OR current_setting('archive_mode') <> 'off'"
    )
    assert not senders
    assert value(without, CONFIRMED) == 1


def test_a_reader_goes_on_from_standby_to_primary_and_through_a_promotion(primary: Cluster, standby: Cluster) -> None:
    reader = Reader()

    def read_on(cluster: Cluster, count: int) -> None:
        with EventStore(cluster.conninfo()) as client:
            reader.read(client)
        assert len(reader.seen) == count

    writer = primary.store.connect()
    append(writer, uuid4(), 4)
    settle(writer)
    work(primary)
    catch_up(primary, standby)
    read_on(standby, 4)
    # Begun on the standby and read there while it takes over: never behind the fork before its events.
    survivor = standby.store.connect()
    append(writer, uuid4(), 4)
    settle(writer)
    catch_up(primary, standby)
    read_on(standby, 4)
    primary.stop("immediate")
    standby.promote()
    assert len(read(survivor)) == 8
    read_on(standby, 8)
    append(survivor, uuid4(), 2)
    settle(survivor)
    read_on(standby, 10)
    assert not reader.told
    # The new primary tells its own standbys.
    settle(survivor)
    assert ask(standby, CONFIRMED) <= reader.cursor.transaction_id


def test_a_cursor_of_a_history_that_a_standby_has_not_replayed_is_not_called_lost(
    primary: Cluster, standby: Cluster
) -> None:
    ask(standby, "SELECT pg_wal_replay_pause()")
    old = primary.store.connect(isolation_level=None)
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM event_store.forks")
    with primary.store.connect("postgres") as admin:
        admin.execute("UPDATE event_store.settings SET server_start = server_start - interval '1 hour'")
    writer = primary.store.connect()
    append(writer, uuid4())
    settle(writer)
    work(primary)
    last = "SELECT event_store.cursor_of(e) FROM event_store.read_feed() e ORDER BY global_position DESC LIMIT 1"
    cursor = value(writer, last)
    reader, read_after = standby.store.connect(), "SELECT event_id FROM event_store.read_feed_after(%s)"
    error = refused(reader, "SE019", read_after, cursor)
    assert "does not have yet" in (error.diag.message_detail or "")
    refused(old, "SE019", read_after, cursor)
    # What is older than a fork that is known here, and of no history that is: that is lost.
    unknown = f"a1.1.{uuid4().hex}."
    refused(reader, "SE018", read_after, unknown)
    ask(standby, "SELECT pg_wal_replay_resume()")
    catch_up(primary, standby)
    assert reader.execute(read_after, [cursor]).fetchall() == []


def test_a_row_that_is_newer_than_its_statement_has_the_fork_of_its_own_history(
    primary: Cluster, standby: Cluster
) -> None:
    """A cursor of the server's lives through a promotion, and returns what was appended after it."""
    writer = primary.store.connect()
    append(writer, uuid4(), 30)
    settle(writer)
    catch_up(primary, standby)
    survivor = standby.store.connect(autocommit=False)
    survivor.execute(UNCONFIRMED)
    survivor.execute(
        "DECLARE page NO SCROLL CURSOR FOR "
        "SELECT event_store.cursor_of(e) FROM event_store.read_feed_after(NULL, NULL) e"
    )
    survivor.execute("FETCH 10 FROM page")
    primary.stop("immediate")
    standby.promote()
    append(standby.store.connect(), uuid4())
    fresh = standby.store.connect()
    settle(fresh)
    rest = [row[0] for row in survivor.execute("FETCH ALL FROM page").fetchall()]
    for cursor in rest:
        assert value(fresh, "SELECT transaction_id IS NOT NULL FROM event_store.place_of(%s)", cursor)


def test_what_waited_in_a_crash_is_not_told_before_the_fork_is_confirmed(primary: Cluster, standby: Cluster) -> None:
    """After the crash it is committed, and nobody has confirmed it; nor the fork, which the standby has all the same."""
    reader, unconfirmed, admin = standby.store.connect(), standby.store.connect(), primary.store.connect("postgres")
    unconfirmed.execute(UNCONFIRMED)
    append(primary.store.connect(), uuid4())
    settle(admin)
    work(primary)
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'one_that_is_down'")
    admin.execute("SELECT pg_reload_conf()")
    waiting = primary.store.connect()
    wait_until(lambda: value(waiting, "SHOW synchronous_standby_names") == "one_that_is_down")
    forks = "SELECT count(*) FROM event_store.forks"
    before = value(unconfirmed, forks)
    with ThreadPoolExecutor(1) as threads:
        appending = threads.submit(append, waiting, uuid4())
        wait_until(lambda: value(unconfirmed, "SELECT count(*) FROM event_store.events") == 2)
        primary.stop("immediate")
        assert isinstance(appending.exception(), psycopg.Error)
        primary.start()
        working = threads.submit(work, primary)
        wait_until(lambda: value(unconfirmed, forks) == before + 1)
        assert not working.done()
        assert len(read(reader)) == 1
        admin = primary.store.connect("postgres")
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")
        working.result()
    work(primary)
    catch_up(primary, standby)
    assert len(read(reader)) == 2


def test_a_reader_is_told_if_another_standby_takes_over_without_what_it_has_read(
    primary: Cluster, standby: Cluster, clusters: Clusters
) -> None:
    reader = Reader()
    with clusters.cluster("second") as second:
        primary.back_up(second, standby=True)
        second.start()
        wait_for(primary, second)
        cut_off(second)
        writer = primary.store.connect()
        append(writer, uuid4(), 4)
        settle(writer)
        work(primary)
        catch_up(primary, standby)
        with EventStore(standby.conninfo()) as client:
            reader.read(client)
        assert len(reader.seen) == 4
        primary.stop("immediate")
        second.promote()
        append(second.store.connect(), uuid4(), 6)
        settle(second.store.connect())
        with EventStore(second.conninfo()) as client:
            reader.read(client)
        assert [one for _, one in reader.seen] == [event.event_id for event in read(second.store.connect())]
        assert (len(reader.seen), len(reader.told)) == (6, 1)


def test_a_reader_of_a_standby_meets_a_fork_that_the_primary_records(primary: Cluster, standby: Cluster) -> None:
    """Between the last event that was confirmed and the fork there is no place: no page begins there."""
    writer, reader = primary.store.connect(), standby.store.connect()
    append(writer, uuid4(), 2)
    settle(writer)
    work(primary)
    catch_up(primary, standby)
    seen = read(reader)
    primary.stop("immediate")
    primary.start()
    writer = primary.store.connect()
    append(writer, uuid4(), 2)
    settle(writer)
    wait_until(lambda: bool(ask(primary, "SELECT EXISTS (SELECT FROM pg_stat_replication)")))
    catch_up(primary, standby)
    reader = standby.store.connect()
    assert read(reader) == seen
    assert read(reader, seen[-1].cursor) == []
    work(primary)
    catch_up(primary, standby)
    assert read(reader) == read(writer)
    assert len(read(reader, seen[-1].cursor)) == 2
    with pytest.raises(psycopg.Error):
        reader.execute("SELECT event_store.append_event('Thing', gen_random_uuid(), 0, 'Happened', '{}')")
    refused(reader, "SE018", "SELECT event_store.read_feed(%s::text::xid8, %s)", seen[-1].cursor[0] + 1, 0)
