"""What a fork leaves as it was, and what it refuses: on one server, whose history ends by a trick (see `histories`)."""

from uuid import uuid4

import psycopg
import pytest

from deploy.schema import catalogue, migrations
from event_store.errors import LostHistoryError, from_database
from event_store.events import START

from .feed import Connection, Cursor, append, end, events, read, settle
from .histories import end_history, lose_events
from .stores import Server, Store, new_name
from .test_subscriptions import acknowledge, claimed, create, lag, value
from .test_subscriptions import read as read_partition

FILL = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data)
    SELECT gen_random_uuid(), gen_random_uuid(), 'Thing', 1, 'Happened', '{}' FROM generate_series(1, 50)"""
READERS = (
    "read_feed('{0}', {1})",
    "read_feed('{0}', {1}, 1000, '{{Happened}}')",
    "scan_feed('{0}', {1}, 100, NULL, NULL)",
    "get_events_by_category('Thing', '{0}', {1})",
    "check_place('{0}', {1})",
    "reset_subscription('half', '{0}', {1})",
)

#: All that events have. A column without a value may come.
ALL = "SELECT jsonb_strip_nulls(to_jsonb(e)) FROM event_store.events e ORDER BY global_position"


def refused(connection: Connection, statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as info:
        connection.execute(statement)
    return info.value


def test_the_first_deployment_on_a_store_renumbers_nothing(server: Server) -> None:
    store = server.create(new_name())
    try:
        admin = store.connect("postgres", autocommit=False)
        schema = catalogue.load()
        before = next(place for place, step in enumerate(schema.migrations) if step.name == "forks")
        admin.execute(schema.ledger)
        for step in schema.migrations[:before]:
            admin.execute(f"SET LOCAL ROLE {migrations.OWNER};{step.up}")
            admin.execute("RESET ROLE")
        admin.execute("UPDATE event_store.settings SET feed_offset = 7000")
        admin.execute(FILL)
        admin.commit()
        stored = admin.execute(ALL).fetchall()
        settings = admin.execute("SELECT feed_offset, cluster_identifier FROM event_store.settings").fetchone()
        for step in schema.migrations[before:]:
            admin.execute(f"SET LOCAL ROLE {migrations.OWNER};{step.up}")
            admin.execute("RESET ROLE")
        admin.execute("SET LOCAL check_function_bodies = off")
        admin.execute(f"SET LOCAL ROLE {migrations.OWNER}")
        for folder in ("functions", "views", "triggers", "policies", "grants"):
            for path in sorted((catalogue.ROOT / "repeatable" / folder).rglob("*.sql")):
                admin.execute(path.read_text())
        admin.commit()

        assert admin.execute(ALL).fetchall() == stored
        assert admin.execute("SELECT feed_offset, cluster_identifier FROM event_store.settings").fetchone() == settings
        admin.rollback()
        app = store.connect()
        append(app, uuid4())
        settle(app)
        assert value(app, "SELECT reason FROM event_store.current_fork()") == "first"
        places = [event.cursor for event in read(app)]
        assert len(places) == 51
        # The next position, and no place is refused, also none between two events.
        assert places[-1].position == places[-2].position + 1
        for place in (*places, Cursor(places[0].transaction_id - 1, 10**9), Cursor(places[-1].transaction_id, 10**9)):
            assert value(app, "SELECT event_store.check_place(%s::text::xid8, %s)", *place)
    finally:
        store.close()
        server.drop(store.name)


def test_every_reader_refuses_a_place_in_the_gap_and_takes_the_last_one_before(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    create(app, "half")
    append(app, uuid4(), 2)
    append(app, uuid4(), 3)
    settle(app)
    held = claimed(app, "half")
    there = [event.cursor for event in read(app)]
    lose_events(admin, 3)
    append(app, uuid4(), 4)
    settle(app)
    fork = app.execute("SELECT (event_store.current_fork()).*").fetchone()
    assert fork
    gap = (there[4], there[2], Cursor(there[1].transaction_id, there[1].position + 1), Cursor(2**40, 1))
    for cursor in gap:
        for call in READERS:
            error = refused(app, f"SELECT event_store.{call.format(*cursor)}")
            assert error.sqlstate == "SE018", call
            detail, hint = str(error.diag.message_detail), str(error.diag.message_hint)
            assert f"fork {fork[0]} (start, recorded at" in detail
            assert f"after ({there[1].transaction_id}, {there[1].position})" in detail
            assert f"go on after ({there[1].transaction_id}, {there[1].position})" in hint
        with pytest.raises(psycopg.Error) as info:
            acknowledge(app, "half", held, cursor)
        assert info.value.sqlstate == "SE018"
    assert "lost up to the cursor: about 3" in str(
        refused(app, f"SELECT event_store.check_place('{there[4][0]}', {there[4][1]})")
    )
    for cursor in (Cursor(0, 0), there[0], there[1], end(app)):
        for call in READERS[:-1]:
            app.execute(f"SELECT event_store.{call.format(*cursor)}")
    assert len(read(app, there[1])) == 4
    acknowledge(app, "half", held, there[1])
    assert len(read_partition(app, "half", held.partition, 100, held.token)) == 4


def test_a_place_in_the_gap_is_refused_where_the_oldest_fork_is_missing(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, uuid4(), 2)
    settle(app)
    there = [event.cursor for event in read(app)]
    lose_events(admin, 1)
    append(app, uuid4())
    admin.execute("ALTER TABLE event_store.forks DISABLE TRIGGER ALL")
    admin.execute("DELETE FROM event_store.forks WHERE fork <> (SELECT s.fork FROM event_store.settings s)")
    assert value(app, f"SELECT event_store.check_place('{there[0][0]}', {there[0][1]})")
    error = from_database(refused(app, f"SELECT event_store.check_place('{there[1][0]}', {there[1][1]})"))
    assert isinstance(error, LostHistoryError)
    assert (error.fork, error.back_to, error.events_lost) == (None, START, None)


def test_numbers_positions_and_tokens_begin_above_the_base(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    create(app, "half", 2)
    append(app, uuid4())
    old = claimed(app, "half")
    for _ in range(2):
        end_history(admin)
        append(app, uuid4(), 2)
        settle(app)
        base = value(app, "SELECT first_position FROM event_store.current_fork()")
        new = read(app)[-2:]
        assert [event.cursor.position for event in new] == [base, base + 1]
        assert all(base <= event.cursor.transaction_id < base + 2**20 for event in new)
    assert claimed(app, "half").token >= base > old.token
    assert base < 2**53
    # A start without an append in between: the same last place, a later base.
    for _ in range(2):
        end_history(admin)
        app.execute("SELECT event_store.current_fork()")
    places = admin.execute(
        "SELECT last_transaction_id::text, last_position FROM event_store.forks ORDER BY first_transaction_id DESC LIMIT 2"
    ).fetchall()
    assert places[0] == places[1] == (str(new[-1].cursor.transaction_id), new[-1].cursor.position)


def test_estimates_leave_the_gap_out(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    create(app, "many", 100)
    for number in range(13):
        if number in (1, 2, 7):
            end_history(admin)
        append(app, uuid4(), 1000)
    settle(app)
    behind, exact = lag(app, "many")[None]
    assert not exact
    assert 10_000 < behind < 20_000
    admin.execute("SELECT event_store.work_projections()")
    admin.execute("UPDATE event_store.projections SET last_transaction_id = '0', last_global_position = 0")
    rows = admin.execute("SELECT events_behind FROM event_store.projection_lag()").fetchall()
    assert {row[0] for row in rows} == {13_000}


def test_looking_on_a_primary_before_the_fork_is_recorded_changes_nothing(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, uuid4(), 3)
    settle(app)
    end_history(admin)
    for _ in range(2):
        rows = app.execute(
            "SELECT transaction_id::text::bigint, global_position, event_id, aggregate_id, event_version, event_type"
            " FROM event_store.read_feed()"
        ).fetchall()
        assert len(events(rows)) == 3
    assert admin.execute("SELECT count(*) FROM event_store.forks").fetchone() == (1,)


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_with_an_older_snapshot_is_refused(empty_store: Store, isolation: str) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, uuid4())
    end_history(admin)
    old = empty_store.connect()
    old.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    old.execute("SELECT count(*) FROM event_store.events")
    append(app, uuid4())
    with pytest.raises(psycopg.errors.SerializationFailure):
        append(old, uuid4())


def test_a_page_goes_on_over_a_fork_while_others_write(empty_store: Store) -> None:
    """Its second part begins at the first number of the history, and what is one below is no place in the feed."""
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, uuid4(), 2)
    settle(app)
    with empty_store.connect("postgres", autocommit=False) as other:
        value(other, "SELECT pg_current_xact_id()::text")
        before = read(app)
        end_history(admin)
        append(app, uuid4(), 3)
        assert value(app, "SELECT event_store.feed_horizon()::text") == value(
            app, "SELECT first_transaction_id::text FROM event_store.current_fork()"
        )
        for cursor in (Cursor(0, 0), before[0].cursor, before[1].cursor):
            after = [event for event in before if event.cursor > cursor]
            assert read(app, cursor)[: len(after)] == after
            assert len(read(app, cursor)) == len(after) + 3
        other.rollback()


def test_a_number_of_before_a_fork_is_not_used_again(empty_store: Store) -> None:
    """Not even by the transaction that has it: its events after the fork would be in the gap."""
    app = empty_store.connect()
    with empty_store.connect("postgres", autocommit=False) as admin:
        value(admin, "SELECT pg_current_xact_id()::text")
        append(admin, uuid4())
        assert value(admin, "SELECT current_setting('event_store.feed_number')") > ""
        append(app, uuid4())
        end_history(admin)
        append(admin, uuid4(), 2)
        admin.commit()
    settle(app)
    base = value(app, "SELECT first_transaction_id::text::bigint FROM event_store.current_fork()")
    numbers = [event.cursor.transaction_id for event in read(app)]
    assert [number >= base for number in numbers] == [False, False, True, True]
    for event in read(app):
        assert value(app, "SELECT event_store.check_place(%s::text::xid8, %s)", *event.cursor)
