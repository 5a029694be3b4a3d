"""A store loses commits, in every way that PostgreSQL knows: no consumer goes on as if nothing had happened.

Each story writes and reads before and after the loss. `Consumers` holds what each reader has done to what is stored.
"""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from event_store import ANY, NO_RETRIES, EventStore, NewEvent

from .clusters import Cluster, Clusters
from .consumers import Consumers
from .feed import Connection, append, read, settle, wait_until
from .stores import Server, Store
from .test_restore import move, rebase
from .test_subscriptions import claimed, create, refused, value

pytestmark = pytest.mark.releases

PER_SECOND = 1 << 20
FORKS = """
    SELECT reason, last_transaction_id::text::bigint, last_position, first_transaction_id::text::bigint, first_position
      FROM event_store.forks ORDER BY recorded_at"""


@pytest.fixture
def consumers(primary: Cluster) -> Consumers:
    """Consumers that have read everything so far."""
    consumers = Consumers()
    consumers.begin(primary)
    consumers.write(primary, 12)
    consumers.read(primary)
    return consumers


def forks(cluster: Cluster) -> list[Any]:
    with cluster.server.connect(cluster.store.name) as admin:
        return admin.execute(FORKS).fetchall()


def ask(cluster: Cluster, statement: str) -> Any:
    with cluster.server.connect(cluster.store.name) as admin:
        return value(admin, statement)


def recover(primary: Cluster, other: Cluster, target: str) -> None:
    """Stop the primary, and start the other one, which has its base backup, up to the target."""
    primary.sh(
        f"$bin/psql -h {primary.folder} -p {primary.port} -U postgres -Atqc 'SELECT pg_switch_wal()' postgres > /dev/null"
    )
    primary.stop()
    other.configure(f"restore_command = 'cp {primary.folder}/archive/%f %p'\nrecovery_target_name = '{target}'")
    other.sh("touch $data/recovery.signal")
    other.start()
    # Until then it answers as a standby.
    other.sh(f"until $bin/psql -h {other.folder} -p {other.port} -U postgres -Atqc 'SELECT pg_is_in_recovery()' postgres "
             "| grep -q f; do sleep 0.02; done")  # fmt: skip


def test_a_start_without_a_loss_changes_nothing_for_anybody(primary: Cluster, consumers: Consumers) -> None:
    before = forks(primary)
    primary.stop()
    primary.start()
    consumers.write(primary, 8)
    consumers.check(primary)
    assert not consumers.were_told
    (reason, *last, first, first_position) = forks(primary)[-1]
    assert (reason, len(forks(primary))) == ("start", len(before) + 1)
    assert first == first_position
    assert first % PER_SECOND == 0
    assert abs(first / PER_SECOND - datetime.now(UTC).timestamp()) < 600
    assert first < 2**53
    assert tuple(last) == tuple(consumers.reader.seen[14][0])


@pytest.fixture
def replica(clusters: Clusters) -> Iterator[Cluster]:
    """A standby of whatever server goes on, without files yet."""
    with clusters.cluster("replica") as replica:
        yield replica


def test_a_recovery_to_a_point_in_time(
    primary: Cluster, other: Cluster, replica: Cluster, consumers: Consumers
) -> None:
    primary.back_up(other)
    ask(primary, "SELECT pg_create_restore_point('here')")
    consumers.write(primary, 16)
    consumers.read(primary)
    recover(primary, other, "here")
    with EventStore(other.conninfo()) as client:
        consumers.reader.read(client)  # nothing is new yet
    consumers.write(other, 24)
    consumers.check_on_a_standby(other, replica)
    consumers.check(other)
    assert consumers.were_told
    assert forks(other)[-1][0] == "timeline"
    (lost,) = consumers.reader.told
    # Sixteen, and the application's four.
    assert lost.events_lost == 20
    assert str(lost.fork) == ask(other, "SELECT fork::text FROM event_store.settings")


def test_a_recovery_to_before_a_failover_whose_timeline_is_used_again(
    primary: Cluster, other: Cluster, replica: Cluster, clusters: Clusters, consumers: Consumers
) -> None:
    primary.back_up(other)
    ask(primary, "SELECT pg_create_restore_point('here')")
    with clusters.cluster("standby") as standby:
        primary.back_up(standby, standby=True)
        standby.start()
        wait_for(primary, standby)
        standby.promote()
        consumers.write(standby, 16)
        consumers.read(standby)
        assert forks(standby)[-1][0] == "timeline"
    recover(primary, other, "here")
    assert ask(other, "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)") == "00000002"
    consumers.write(other, 24)
    consumers.check_on_a_standby(other, replica)
    consumers.check(other)
    assert consumers.were_told
    (lost,) = consumers.reader.told
    assert lost.events_lost is None


def wait_for(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby has replayed what the primary has flushed."""
    lsn = ask(primary, "SELECT pg_current_wal_flush_lsn()")
    with standby.server.connect(standby.store.name) as session:
        while not value(session, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", lsn):
            pass


def cut_off(standby: Cluster) -> None:
    """Nothing of the primary reaches the standby any more."""
    with standby.server.connect() as admin:
        admin.execute("ALTER SYSTEM SET primary_conninfo = ''")
        admin.execute("SELECT pg_reload_conf()")
        while value(admin, "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)"):
            pass


def test_a_failover_that_loses_commits(primary: Cluster, other: Cluster, consumers: Consumers) -> None:
    primary.back_up(other, standby=True)
    other.start()
    wait_for(primary, other)
    cut_off(other)
    consumers.write(primary, 16)
    consumers.read(primary)
    primary.stop("immediate")
    # It has read during recovery, and lives on.
    survivor = other.store.connect()
    read(survivor)
    other.promote()
    append(survivor, uuid4())
    assert forks(other)[-1][0] == "timeline"
    consumers.write(other, 24)
    consumers.check(other)
    assert consumers.were_told


def test_two_failovers_one_right_after_the_other(
    primary: Cluster, other: Cluster, replica: Cluster, clusters: Clusters, consumers: Consumers
) -> None:
    with clusters.cluster("second") as second:
        for standby in (other, second):
            primary.back_up(standby, standby=True)
            standby.start()
            wait_for(primary, standby)
        primary.stop("immediate")
        other.promote()
        consumers.write(other, 4)
        consumers.read(other)
        lost = max(cursor.transaction_id for cursor, _ in consumers.reader.seen)
        assert lost >= forks(other)[-1][3]
        other.stop("immediate")
        second.promote()
        consumers.write(second, 8)
        consumers.check_on_a_standby(second, replica)
        consumers.check(second)
        assert consumers.were_told
        # The record of the fork between them is lost as well.
        assert [fork[0] for fork in forks(second)] == ["first", "start", "timeline"]
        assert forks(second)[-1][3] > lost


def test_two_promotions_within_a_second(primary: Cluster, other: Cluster, clusters: Clusters) -> None:
    """Each takes appends, and the second one knows nothing of the first. How long it takes is the machine's business."""
    app = primary.store.connect()
    append(app, uuid4())
    settle(app)
    primary.back_up(other, standby=True)
    other.start()
    wait_for(primary, other)
    primary.stop("immediate")
    other.stop()
    for _ in range(10):
        with clusters.cluster("first") as first, clusters.cluster("second") as second:
            if promote_both(other, first, second) < 1:
                return
    pytest.fail("it never took less than a second")


def promote_both(standby: Cluster, first: Cluster, second: Cluster) -> float:
    """Promote two copies of a standby, with an append to the first one in between; seconds between the promotions."""
    for one in (first, second):
        standby.copy(one)
        one.start()
    app, later = first.store.connect(), second.store.connect()
    # No append passes before the next full second.
    time.sleep((0.4 - time.time()) % 1)
    first.promote()
    promoted = time.monotonic()
    append(app, uuid4())
    second.promote()
    seconds = time.monotonic() - promoted
    settle(app)
    *_, lost = app.execute("SELECT event_store.cursor_of(e) FROM event_store.read_feed() e").fetchall()
    place = read(app)[-1].cursor
    assert forks(first)[-1][3] <= place.transaction_id

    append(later, uuid4())
    settle(later)
    assert forks(second)[-1][3] > place.transaction_id
    for call in ("read_feed_after(%s)", "read_feed(%s::text::xid8, %s)"):
        refused(later, "SE018", f"SELECT event_store.{call}", *(lost if "after" in call else place))
    assert len(read(later)) == 2
    return seconds


def test_a_crash_loses_no_append_whatever_the_session_has_set(primary: Cluster, consumers: Consumers) -> None:
    for setting in ("off", "local", "remote_write"):
        app = primary.store.connect()
        app.execute(f"SET synchronous_commit = {setting}")
        append(app, uuid4())
        with app.transaction():
            app.execute("SELECT event_store.append_event('Thing', gen_random_uuid(), 0, 'Happened', '{}')")
            assert value(app, "SHOW synchronous_commit") == "on"
        assert value(app, "SHOW synchronous_commit") == setting
        app.execute("SET synchronous_commit = remote_apply")
        with app.transaction():
            append(app, uuid4())
            assert value(app, "SHOW synchronous_commit") == "remote_apply"
    consumers.read(primary)
    primary.stop("immediate")
    primary.start()
    consumers.write(primary, 8)
    consumers.check(primary)
    assert not consumers.were_told


#: Each transaction that has appended sets back, at its end, what the append has raised.
TAKE_BACK = """
    CREATE FUNCTION public.take_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('synchronous_commit', 'off', true);
        RETURN NULL;
    END
    $$;
    CREATE CONSTRAINT TRIGGER take_back AFTER INSERT ON event_store.events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.take_back();
"""


@pytest.mark.parametrize("crash", ["server", "process"])
def test_a_crash_after_a_caller_has_taken_the_durability_back(
    primary: Cluster, consumers: Consumers, crash: str
) -> None:
    with primary.server.connect(primary.store.name) as admin:
        admin.execute(TAKE_BACK)
    # All of that is on the disk. From here on nobody writes WAL by himself, nor along with something of his own.
    wal_writer = int(ask(primary, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
    primary.sh(f"kill -STOP {wal_writer}")
    consumers.write(primary, 8)
    consumers.read(primary, "-c synchronous_commit=off")
    if crash == "server":
        primary.stop("immediate")  # After five seconds the server kills who does not end by himself.
        primary.start()
    else:
        primary.kill(wal_writer)
    with primary.server.connect(primary.store.name) as admin:
        admin.execute("DROP FUNCTION public.take_back() CASCADE")
    consumers.write(primary, 12)
    consumers.check(primary)
    assert consumers.were_told
    assert forks(primary)[-1][0] == "start"


def test_a_raw_copy_that_is_put_back(primary: Cluster, other: Cluster, replica: Cluster, consumers: Consumers) -> None:
    primary.stop()
    primary.copy(other)
    primary.start()
    consumers.write(primary, 16)
    consumers.read(primary)
    primary.stop()
    other.copy(primary)
    primary.start()
    consumers.write(primary, 24)
    consumers.check_on_a_standby(primary, replica)
    consumers.check(primary)
    assert consumers.were_told
    assert forks(primary)[-1][0] == "start"


def test_seals_of_a_lost_history_are_excused_by_the_record_of_its_fork_alone(primary: Cluster, other: Cluster) -> None:
    def seal(count: int) -> str:
        append(primary.store.connect(), uuid4(), count)
        admin = primary.store.connect("postgres")
        settle(admin)
        admin.execute("SELECT event_store.seal_events('0')")
        return "\n".join(row[0] for row in admin.execute("SELECT event_store.export_seals()").fetchall())

    def problems(lines: str) -> list[tuple[int | None, str]]:
        rows = (
            primary.store.connect()
            .execute("SELECT seal, kind, detail FROM event_store.verify_export(%s)", [lines])
            .fetchall()
        )
        for number, kind, detail in rows:
            assert (f"fork {lost}" in detail) == (number == 2 and kind != "export damaged")
        return [row[:2] for row in rows]

    seal(3)
    primary.stop()
    primary.copy(other)
    primary.start()
    before = seal(2)
    lost = ""
    assert problems(before) == []
    primary.stop()
    other.copy(primary)
    primary.start()
    append(primary.store.connect(), uuid4())
    admin = primary.store.connect("postgres")
    lost = str(value(admin, "SELECT fork FROM event_store.settings"))
    assert problems(before) == [(2, "seal missing")]
    after = seal(4)
    assert problems(after) == []
    assert problems(before) == [(2, "seal rewritten")]

    record = str(
        value(admin, "SELECT event_store.fork_line(f) FROM event_store.forks f JOIN event_store.settings USING (fork)")
    )
    assert problems(f"{before}\n{record}\n{after}") == []
    # Neither another fork nor one that was made up excuses it, and nothing excuses what is before.
    first = str(value(admin, "SELECT event_store.fork_line(f) FROM event_store.forks f WHERE reason = 'first'"))
    assert problems(f"{before}\n{first}") == [(2, "seal rewritten")]
    assert problems(f"{before}\n{record.replace(lost, str(uuid4()))}") == [(None, "fork missing")]
    wider = re.sub('"last_position" : [0-9]+', '"last_position" : 2', record)
    assert wider != record
    assert problems(f"{before}\n{wider}") == [(None, "fork rewritten")]
    damaged = before.replace('"event_count" : 3', '"event_count" : 2')
    assert problems(f"{damaged}\n{record}") == [(1, "export damaged")]


def test_a_dump_that_is_restored_into_another_cluster(
    primary: Cluster, other: Cluster, clusters: Clusters, consumers: Consumers
) -> None:
    primary.sh(f"$bin/pg_dump -h {primary.folder} -p {primary.port} -U postgres -Fc -f {primary.folder}/dump store")
    consumers.write(primary, 16)
    consumers.read(primary)
    clusters.create(other)
    other.sh(
        f"$bin/pg_restore -h {other.folder} -p {other.port} -U postgres -C --exit-on-error -d postgres {primary.folder}/dump"
    )
    primary.stop()
    with pytest.raises(psycopg.Error) as refused:
        read(other.store.connect())
    assert refused.value.sqlstate == "SE012"
    assert rebase(other.store)
    assert not rebase(other.store)
    consumers.write(other, 24)
    consumers.check(other)
    assert consumers.were_told
    assert forks(other)[-1][0] == "cluster"


def test_a_dump_that_takes_the_place_of_the_store_in_its_own_cluster(primary: Cluster, consumers: Consumers) -> None:
    """No number of the cluster goes back but those that are in the dump."""
    way = f"-h {primary.folder} -p {primary.port} -U postgres"
    primary.sh(f"$bin/pg_dump {way} -Fc -f {primary.folder}/dump store")
    consumers.write(primary, 16)
    consumers.read(primary)
    primary.store.close()
    primary.sh(
        f"$bin/dropdb {way} --force store; $bin/pg_restore {way} -C --exit-on-error -d postgres {primary.folder}/dump"
    )
    consumers.write(primary, 24)
    consumers.check(primary)
    assert consumers.were_told
    assert forks(primary)[-1][0] == "restore"


def test_a_dump_that_is_restored_into_the_same_cluster(server: Server, empty_store: Store) -> None:
    """The ids go on, but the positions and the tokens would not."""
    app = empty_store.connect()
    create(app, "half")
    append(app, uuid4(), 3)
    copy = move(server, empty_store)
    try:
        append(app, uuid4(), 3)
        settle(app)
        lost = claimed(app, "half")
        there = read(app)
        other = copy.connect()
        append(other, uuid4(), 2)
        settle(other)
        assert claimed(other, "half").token > lost.token
        assert read(other)[3].cursor.position > there[-1].cursor.position
        assert value(other, "SELECT reason FROM event_store.current_fork()") == "restore"
        with pytest.raises(psycopg.Error) as refused:
            read(other, there[-1].cursor)
        assert refused.value.sqlstate == "SE018"
        assert read(other, there[2].cursor) == read(other)[3:]
    finally:
        copy.close()
        server.drop(copy.name)


def test_others_wait_for_the_one_that_records_and_not_for_ever(primary: Cluster) -> None:
    first, second = primary.store.connect(autocommit=False), primary.store.connect()
    append(first, uuid4())
    with EventStore(primary.conninfo(), retries=NO_RETRIES) as client, ThreadPoolExecutor(2) as pool:
        with pytest.raises(psycopg.OperationalError) as refused:
            client.append_event("Thing", uuid4(), NewEvent("Happened", {}), expected=ANY)
        assert refused.value.sqlstate == "SE019"
        # Readers do not wait.
        assert read(second) == []
        patient = EventStore(primary.conninfo()).open()
        waiting = pool.submit(patient.append_event, "Thing", uuid4(), NewEvent("Happened", {}), expected=ANY)
        first.commit()
        assert waiting.result().event_version == 1
        patient.close()
    # Two of them, and the first history.
    assert [fork[0] for fork in forks(primary)] == ["first", "start"]
    settle(second)
    assert len(read(second)) == 2


def test_what_was_recorded_in_a_transaction_that_fails_is_recorded_again(primary: Cluster) -> None:
    app = primary.store.connect()
    app.execute("BEGIN")
    append(app, uuid4())
    app.execute("ROLLBACK")
    assert len(forks(primary)) == 1
    append(app, uuid4())
    settle(app)
    (event,) = read(app)
    assert event.cursor.transaction_id >= forks(primary)[-1][3]


def restart_with_a_prepared_append(primary: Cluster) -> Connection:
    """One event is committed, one is prepared as 'old'; a session of after the start."""
    app = primary.store.connect()
    append(app, uuid4())
    app.execute("BEGIN")
    append(app, uuid4())
    app.execute("PREPARE TRANSACTION 'old'")
    primary.stop()
    primary.start()
    return primary.store.connect()


def test_a_prepared_transaction_that_has_appended_ends_before_a_history_begins(primary: Cluster) -> None:
    app = restart_with_a_prepared_append(primary)
    with pytest.raises(psycopg.Error) as refused:
        append(app, uuid4())
    assert refused.value.sqlstate == "SE019"
    assert "prepared" in str(refused.value.diag.message_detail)
    primary.store.connect("postgres").execute("COMMIT PREPARED 'old'")
    append(app, uuid4())
    settle(app)
    assert len(read(app)) == 3
    last = read(app)[1].cursor
    assert forks(primary)[-1][1:3] == tuple(last)


def test_a_history_begins_in_the_second_in_which_a_prepared_transaction_has_ended_or_later(primary: Cluster) -> None:
    """While it is waited for the clock goes on, and so do numbers; its events are of the history that ends."""
    app, admin = restart_with_a_prepared_append(primary), primary.store.connect("postgres")
    doing = "SELECT coalesce(wait_event, '') FROM pg_stat_activity WHERE pid = %s"
    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(append, app, uuid4())
        wait_until(lambda: appending.done() or value(admin, doing, app.info.backend_pid) == "PgSleep")
        time.sleep(2)
        assert not appending.done()
        ended = int(value(admin, "SELECT floor(extract(epoch FROM clock_timestamp()))"))
        admin.execute("COMMIT PREPARED 'old'")
        appending.result()
    settle(app)
    _, old, new = read(app)
    reason, *last, first, _ = forks(primary)[-1]
    assert (reason, *last) == ("start", *old.cursor)
    assert new.cursor.transaction_id >= first > ended * PER_SECOND


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_history_begins_after_a_prepared_transaction_that_its_snapshot_does_not_show(
    primary: Cluster, isolation: str
) -> None:
    app = restart_with_a_prepared_append(primary)
    app.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    assert len(read(app)) == 1
    primary.store.connect("postgres").execute("COMMIT PREPARED 'old'")
    with pytest.raises(psycopg.errors.SerializationFailure):
        append(app, uuid4())
    app.execute("ROLLBACK")
    app.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    append(app, uuid4())
    app.execute("COMMIT")
    settle(app)
    assert len(read(app)) == 3
    assert forks(primary)[-1][1:3] == tuple(read(app)[1].cursor)


def test_a_clock_behind_the_last_base_is_refused(primary: Cluster) -> None:
    app, admin = primary.store.connect(), primary.store.connect("postgres")
    append(app, uuid4())
    # As if the clock had been an hour ahead.
    admin.execute("UPDATE event_store.settings SET feed_offset = feed_offset + 3600 * 1048576::bigint")
    append(primary.store.connect(), uuid4())
    primary.stop()
    primary.start()
    app = primary.store.connect()
    with pytest.raises(psycopg.Error) as refused:
        append(app, uuid4())
    assert refused.value.sqlstate == "SE019"
    assert "set the clock right" in str(refused.value.diag.message_detail)
    settle(app)
    assert len(read(app)) == 2


def test_a_session_on_a_standby_remembers_no_check(primary: Cluster, other: Cluster) -> None:
    app = primary.store.connect()
    append(app, uuid4())
    settle(app)
    primary.store.connect("event_store_worker").execute("SELECT event_store.work_feed()")
    primary.back_up(other, standby=True)
    other.start()
    wait_for(primary, other)
    session = other.store.connect()
    assert len(read(session)) == 1
    assert value(session, "SELECT coalesce(current_setting('event_store.history_checked', true), '')") == ""
    other.promote()
    assert len(read(session)) == 1
    assert value(session, "SELECT coalesce(current_setting('event_store.history_checked', true), '')") == ""
    append(session, uuid4())
    assert value(session, "SELECT current_setting('event_store.history_checked')") == ask(
        other, "SELECT fork::text FROM event_store.settings"
    )


def test_the_worker_records_it_before_anybody_appends(primary: Cluster) -> None:
    worker = primary.store.connect("event_store_worker")
    worker.execute("SELECT event_store.work_feed()")
    assert [fork[0] for fork in forks(primary)] == ["first", "start"]
    with worker.transaction():
        worker.execute("SELECT event_store.work_feed()")
        assert value(worker, "SELECT pg_current_xact_id_if_assigned()") is None
