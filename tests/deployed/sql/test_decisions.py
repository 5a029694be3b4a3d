"""Decisions across aggregates: nothing that matches is stored between a reader's look and what it has decided."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from .appends import Connection, append_event, at_once, call, is_waiting, refused
from .decisions import Query, by_tags, by_types, decide, item, read, state, tagged, types_in_the_feed
from .feed import wait_until
from .stores import Store


def new_tag() -> str:
    return f"tag {uuid4()}"


def test_a_decision_is_stored_if_nothing_has_come_since(app: Connection) -> None:
    tag = new_tag()
    state(app, tagged("Before", tag))
    marker, _ = read(app, by_tags(tag))
    state(app, tagged("Other", new_tag()))
    (row,) = decide(app, by_tags(tag), marker, tagged("Decided", tag))
    assert row["event_version"] == 1
    with refused("SE021") as refusal:
        decide(app, by_tags(tag), marker, tagged("Decided", tag))
    assert "(Decided), version 1 of Fact" in refusal.detail
    state(app, tagged("Later", tag))
    with refused("SE021") as refusal:
        decide(app, by_tags(tag), marker, tagged("Decided", tag))
    assert "(Decided)" in refusal.detail
    assert types_in_the_feed(app, tag) == ["Before", "Decided", "Later"]


@pytest.mark.parametrize("query", [by_tags, by_types], ids=["tags", "types"])
def test_one_of_many_gets_a_name(store: Store, app: Connection, query: Callable[[str], Query]) -> None:
    name = new_tag()
    results = at_once(store, 8, lambda one, _: len(decide(one, query(name), None, tagged(name, name))))
    assert sorted(results, key=str) == [1, *["SE021"] * 7]
    assert types_in_the_feed(app, name) == [name]


def plainly(store: Store, connection: Connection, tag: str) -> None:
    del store
    state(connection, tagged(tag, tag))


def in_a_savepoint(store: Store, connection: Connection, tag: str) -> None:
    del store
    # Otherwise the block would be a transaction.
    connection.execute("SELECT 1")
    with connection.transaction():
        state(connection, tagged(tag, tag))


def with_an_id_already(store: Store, connection: Connection, tag: str) -> None:
    del store
    connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS something (n int) ON COMMIT DROP")
    state(connection, tagged(tag, tag))


def again(store: Store, connection: Connection, tag: str) -> None:
    del store
    append_event(connection, uuid4())
    state(connection, tagged(tag, tag))


def raised(store: Store, connection: Connection, tag: str) -> None:
    """The aggregate has gone on since the transaction got its number."""
    aggregate = uuid4()
    append_event(connection, uuid4())
    with closing(store.connect()) as other:
        state(other, tagged("Elsewhere"), aggregate_id=aggregate)
    state(connection, tagged(tag, tag), aggregate_id=aggregate)


Way = Callable[[Store, Connection, str], None]
WAYS = [plainly, in_a_savepoint, with_an_id_already, again, raised]


@pytest.mark.parametrize("query", [by_tags, by_types, lambda _: []], ids=["tags", "types", "everything"])
@pytest.mark.parametrize("append", WAYS)
def test_what_is_committed_late_stands_against_a_decision(
    store: Store, app: Connection, append: Way, query: Callable[[str], Query]
) -> None:
    tag = new_tag()
    with store.connect(autocommit=False) as late:
        append(store, late, tag)
        state(app, tagged(tag, tag, n=1))
        marker, seen = read(app, query(tag))
        assert [event["event_data"] for event in seen if event["event_type"] == tag] == [{"n": 1}]
        late.commit()
    with refused("SE021") as refusal:
        decide(app, query(tag), marker, tagged("Decided", tag))
    assert f"({tag})" in refusal.detail or not query(tag)
    marker, _ = read(app, query(tag))
    assert decide(app, query(tag), marker, tagged("Decided", tag))


@pytest.mark.parametrize("query", [by_tags, by_types, lambda _: []], ids=["tags", "types", "everything"])
@pytest.mark.parametrize("append", WAYS)
def test_what_was_seen_does_not_stand_against_it_while_others_write(
    store: Store, app: Connection, append: Way, query: Callable[[str], Query]
) -> None:
    tag = new_tag()
    with store.connect("postgres", autocommit=False) as writer, store.connect(autocommit=False) as early:
        # Nothing that comes now is below the xmin of anybody's snapshot.
        writer.execute("CREATE TABLE public.something ()")
        writer.execute("SELECT pg_current_xact_id()")
        append(store, early, tag)
        early.commit()
        append(store, early, tag)
        early.commit()
        marker, seen = read(app, query(tag))
        assert len([event for event in seen if event["event_type"] == tag]) == 2
        assert decide(app, query(tag), marker, tagged(tag, tag))
        with refused("SE021"):
            decide(app, query(tag), marker, tagged(tag, tag))
        writer.rollback()


@pytest.mark.parametrize("append", WAYS)
def test_own_events_of_after_the_marker_stand_against_it_and_those_of_before_do_not(
    store: Store, app: Connection, append: Way
) -> None:
    tag = new_tag()
    with store.connect(autocommit=False) as own:
        append(store, own, tag)
        state(app, tagged("Other", new_tag()))
        marker, seen = read(own, by_tags(tag))
        assert len(seen) == 1
        own.execute("SAVEPOINT before")
        assert decide(own, by_tags(tag), marker, tagged("Decided", tag))
        with refused("SE021") as refusal:
            decide(own, by_tags(tag), marker, tagged("Decided", tag))
        assert "(Decided)" in refusal.detail
        own.execute("ROLLBACK TO before")
        append(store, own, tag)
        own.commit()
    with refused("SE021"):
        decide(app, by_tags(tag), marker, tagged("Decided", tag))


def test_two_decisions_with_one_tag_wait_and_others_do_not(store: Store, app: Connection) -> None:
    one, other, third = new_tag(), new_tag(), new_tag()
    with ThreadPoolExecutor(2) as pool, store.connect(autocommit=False) as first:
        second = store.connect()
        decide(first, by_tags(one, third), None, tagged("Decided", one, third))
        waiting = pool.submit(decide, second, by_tags(one), None, tagged("Decided", one))
        wait_until(lambda: is_waiting(app, second))
        # Neither another tag, nor events without tags, nor another type.
        app.execute("SET lock_timeout = '20s'")
        decide(app, by_tags(other), None, tagged("Decided", other))
        decide(app, by_types(f"Type {other}"), None, tagged(f"Type {other}", other))
        append_event(app, uuid4())
        first.commit()
        with refused("SE021"):
            waiting.result()


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("has_number", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("query", [by_tags, by_types, lambda _: []], ids=["tags", "types", "everything"])
def test_what_could_match_waits_for_a_decision_and_comes_after_it_in_the_feed(
    store: Store, app: Connection, query: Callable[[str], Query], end: str, *, has_number: bool
) -> None:
    tag = new_tag()
    with ThreadPoolExecutor(1) as pool, store.connect(autocommit=False) as deciding:
        second = store.connect(autocommit=False)
        if has_number and query(tag):
            append_event(second, uuid4())
        append_event(app, uuid4())
        decide(deciding, query(tag), read(app, query(tag))[0], tagged("Decided", tag))
        waiting = pool.submit(state, second, tagged(tag, tag))
        wait_until(lambda: is_waiting(app, second))
        getattr(deciding, end)()
        waiting.result()
        second.commit()
    assert types_in_the_feed(app, tag) == (["Decided", tag] if end == "commit" else [tag])


def test_a_decision_comes_after_what_it_has_seen_in_the_feed(store: Store, app: Connection) -> None:
    tag = new_tag()
    with store.connect(autocommit=False) as deciding:
        append_event(deciding, uuid4())
        state(app, tagged("Seen", tag))
        marker, seen = read(deciding, by_tags(tag))
        assert len(seen) == 1
        decide(deciding, by_tags(tag), marker, tagged("Decided", tag))
        deciding.commit()
    assert types_in_the_feed(app, tag) == ["Seen", "Decided"]


def test_two_that_look_for_what_the_other_appends_do_not_deadlock(store: Store, app: Connection) -> None:
    one, other = new_tag(), new_tag()

    def both_ways(connection: Connection, number: int) -> int:
        mine, theirs = (one, other) if number % 2 else (other, one)
        stored = 0
        for _ in range(20):
            marker, _ = read(connection, by_tags(mine))
            try:
                decide(connection, by_tags(mine), marker, tagged("Decided", theirs))
                stored += 1
            except Exception as error:
                if getattr(error, "sqlstate", None) != "SE021":
                    raise
        return stored

    results = at_once(store, 6, both_ways)
    assert all(isinstance(result, int) for result in results), results
    assert len(types_in_the_feed(app, one) + types_in_the_feed(app, other)) == sum(results)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_cannot_decide(store: Store, level: str) -> None:
    with store.connect(autocommit=False) as old:
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        marker, _ = read(old, by_tags("a"))
        with refused("0A000") as refusal:
            decide(old, by_tags("a"), marker, tagged("Decided", "a"))
        assert "READ COMMITTED" in refusal.hint


def test_markers_of_other_histories_and_what_is_no_marker(app: Connection) -> None:
    tag = new_tag()
    marker, _ = read(app, by_tags(tag))
    with refused("SE022"):
        decide(app, by_tags(tag), f"m{uuid4().hex}{marker[33:]}", tagged("Decided", tag))
    for text in ("", "a", marker[:-1], f"{marker}x", marker.replace(":", ";")):
        with refused("SE002"):
            decide(app, by_tags(tag), text, tagged("Decided", tag))


def test_a_repeated_command_returns_its_first_result(app: Connection) -> None:
    tag, sent = new_tag(), {"command_id": uuid4()}
    appends = [{"aggregate_type": "Fact", "aggregate_id": str(uuid4()), "events": [tagged("Decided", tag)]}]

    def send(**more: Any) -> list[dict[str, Any]]:
        return call(app, "append_if", **{"appends": appends, "query": by_tags(tag), "marker": None} | sent | more)

    first = send()
    assert send() == first
    assert send(query=by_types("Decided")) == first
    with refused("SE021"):
        send(command_id=uuid4())
    with refused("SE004"):
        send(appends=[appends[0] | {"events": [tagged("Decided", tag, n=1)]}])


def test_versions_and_event_ids_are_checked_as_in_other_appends(app: Connection) -> None:
    tag, aggregate, event_id = new_tag(), uuid4(), uuid4()
    append_event(app, aggregate, event_id=event_id)

    def send(expected: int, **more: Any) -> list[dict[str, Any]]:
        append = {"aggregate_type": "Counter", "aggregate_id": str(aggregate), "expected_version": expected}
        event = tagged("Decided", tag) | more
        return call(app, "append_if", appends=[append | {"events": [event]}], query=by_tags(tag), marker=None)

    with refused("SE001"):
        send(5)
    with refused("SE003"):
        send(1, event_id=str(event_id))
    assert send(1)[0]["event_version"] == 2
    with refused("SE021"):
        send(2)


def test_a_mixed_query_takes_all_its_locks(store: Store, app: Connection) -> None:
    tag, name = new_tag(), new_tag()
    with ThreadPoolExecutor(2) as pool, store.connect(autocommit=False) as deciding:
        by_tag, by_type = store.connect(), store.connect()
        query = [item(name), item("Other", tags=[tag])]
        decide(deciding, query, None, tagged("Decided"))
        results = [pool.submit(state, by_tag, tagged("Any", tag)), pool.submit(state, by_type, tagged(name))]
        wait_until(lambda: is_waiting(app, by_tag) and is_waiting(app, by_type))
        deciding.commit()
        for result in results:
            result.result()
