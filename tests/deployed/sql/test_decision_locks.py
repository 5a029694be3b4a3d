"""A decision that waits too long gives up, and stops nobody else meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from .appends import Connection, append_event, call, is_waiting, refused, stored
from .decisions import Query, by_tags, by_types, decide, read, state, tagged, types_in_the_feed
from .feed import wait_until
from .stores import Store

EVERYTHING: Callable[[str], Query] = lambda _: []  # noqa: E731


@pytest.mark.parametrize("query", [by_tags, by_types, EVERYTHING], ids=["tags", "types", "everything"])
def test_appends_pass_a_decision_that_waits_and_it_gives_up(
    store: Store, app: Connection, query: Callable[[str], Query]
) -> None:
    tag = f"tag {uuid4()}"
    # A decision in a queue would hold up for as long as the open transaction does.
    app.execute("SET lock_timeout = '1s'")
    with ThreadPoolExecutor(1) as pool, store.connect(autocommit=False) as late:
        deciding = store.connect()
        state(late, tagged(tag, tag))
        waiting = pool.submit(decide, deciding, query(tag), None, tagged("Decided", tag))
        wait_until(lambda: is_waiting(app, deciding))
        state(app, tagged(tag, tag))
        append_event(app, uuid4())
        with refused("55P03") as refusal:
            waiting.result()
        assert f"process {late.info.backend_pid}" in refusal.detail
        late.rollback()
    marker, _ = read(app, query(tag))
    assert decide(app, query(tag), marker, tagged("Decided", tag))
    assert types_in_the_feed(app, tag) == [tag, "Decided"]


def test_maintenance_of_the_table_does_not_stop_appends_through_a_decision(store: Store, app: Connection) -> None:
    app.execute("SET lock_timeout = '1s'")
    with ThreadPoolExecutor(1) as pool, store.connect("postgres", autocommit=False) as admin:
        deciding = store.connect()
        admin.execute("ANALYZE event_store.events")
        marker, _ = read(app, [])
        waiting = pool.submit(decide, deciding, [], marker, tagged("Decided"))
        wait_until(lambda: is_waiting(app, deciding))
        append_event(app, uuid4())
        with refused("55P03"):
            waiting.result()


def test_a_shorter_lock_timeout_is_kept(store: Store, app: Connection) -> None:
    tag = f"tag {uuid4()}"
    with store.connect(autocommit=False) as first:
        decide(first, by_tags(tag), None, tagged("Decided", tag))
        app.execute("SET lock_timeout = '1ms'")
        with refused("55P03") as refusal:
            decide(app, by_tags(tag), None, tagged("Decided", tag))
        assert f"process {first.info.backend_pid}" in refusal.detail


def test_who_keeps_others_from_noting_their_decisions_stops_none_for_good(store: Store, app: Connection) -> None:
    tag = f"tag {uuid4()}"
    with store.connect() as forger:
        forger.execute("SELECT pg_advisory_lock(hashtextextended('', 4))")
        with refused("55P03") as refusal:
            decide(app, by_tags(tag), None, tagged("Decided", tag))
        assert f"process {forger.info.backend_pid}" in refusal.detail
    assert types_in_the_feed(app, tag) == []
    assert decide(app, by_tags(tag), None, tagged("Decided", tag))


def test_two_that_each_have_a_lock_which_the_other_wants_do_not_wait_for_ever(store: Store) -> None:
    tag = f"tag {uuid4()}"

    def decides(connection: Connection) -> str | None:
        try:
            decide(connection, by_types(tag), read(connection, by_types(tag))[0], tagged("Decided"))
            connection.commit()
        except Exception as error:
            connection.rollback()
            return getattr(error, "sqlstate", None)
        return None

    with ThreadPoolExecutor(2) as pool:
        both = [store.connect(autocommit=False) for _ in range(2)]
        for one in both:
            state(one, tagged(tag))
        results = list(pool.map(decides, both))
    # The server sees it if one of them waits just when the other begins to; otherwise one gives up first.
    assert {"40P01", "55P03"} & set(results)
    assert set(results) <= {None, "40P01", "55P03"}


def test_an_append_that_began_before_there_were_tags_can_end(admin: Connection) -> None:
    aggregate = uuid4()
    call(
        admin,
        "insert_events",
        aggregate_type="Counter",
        aggregate_id=aggregate,
        current_version=0,
        events=Jsonb([{"event_type": "Counted", "event_data": {}}]),
        feed_offset=0,
        actor="system",
        actor_type="system",
        source="system",
        causation_id=None,
        correlation_id=None,
    )
    assert [event["tags"] for event in stored(admin, aggregate)] == [None]
