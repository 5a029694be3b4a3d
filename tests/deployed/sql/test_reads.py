"""Reads: by stream, type, time, correlation, causation and category, forward and backward, page by page."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from .stores import Server, Store, new_name

Row = dict[str, Any]
Connection = psycopg.Connection[Any]


def read(connection: Connection, call: str, *parameters: Any) -> list[Row]:
    """The rows of ``event_store.CALL``."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(f"SELECT * FROM event_store.{call}", parameters).fetchall()


def append(
    connection: Connection, aggregate: tuple[str, UUID], count: int, event_type: str = "Done", /, **ids: UUID
) -> None:
    """``count`` events in one call."""
    connection.execute(
        "SELECT event_store.append_events(%s, %s, NULL, %s, causation_id => %s, correlation_id => %s)",
        [
            *aggregate,
            Jsonb([{"event_type": event_type, "event_data": {"place": place}} for place in range(count)]),
            ids.get("causation_id"),
            ids.get("correlation_id"),
        ],
    )


def settle(connection: Connection) -> None:
    """Wait until all that is committed lies below the feed's horizon, whatever other sessions of the server do."""
    deadline = time.monotonic() + 60
    newest = "SELECT coalesce(max(transaction_id), '0') < event_store.feed_horizon() FROM event_store.events"
    while connection.execute(newest).fetchone() != (True,):
        assert time.monotonic() < deadline, "somebody holds the feed back"
        time.sleep(0.01)


def versions(rows: list[Row]) -> list[int]:
    return [row["event_version"] for row in rows]


def positions(rows: list[Row]) -> list[int]:
    return [row["global_position"] for row in rows]


@pytest.fixture
def stream(app: Connection) -> tuple[str, UUID]:
    """An aggregate with ten events."""
    aggregate = ("Stream", uuid4())
    append(app, aggregate, 4)
    append(app, aggregate, 6)
    return aggregate


def test_a_stream_is_read_forward(app: Connection, stream: tuple[str, UUID]) -> None:
    assert versions(read(app, "get_events(%s, %s)", *stream)) == list(range(1, 11))
    assert versions(read(app, "get_events(%s, %s, 4)", *stream)) == list(range(4, 11))
    assert versions(read(app, "get_events(%s, %s, 4, 3)", *stream)) == [4, 5, 6]
    assert versions(read(app, "get_events(%s, %s, 11)", *stream)) == []
    assert versions(read(app, "get_events_since(%s, %s, 0)", *stream)) == list(range(1, 11))
    assert versions(read(app, "get_events_since(%s, %s, 8)", *stream)) == [9, 10]
    assert versions(read(app, "get_events_since(%s, %s, 4, 2)", *stream)) == [5, 6]


def test_a_stream_is_read_backward(app: Connection, stream: tuple[str, UUID]) -> None:
    assert versions(read(app, "get_events_backward(%s, %s)", *stream)) == list(range(10, 0, -1))
    assert versions(read(app, "get_events_backward(%s, %s, max_count => 3)", *stream)) == [10, 9, 8]
    assert versions(read(app, "get_events_backward(%s, %s, 7, 3)", *stream)) == [7, 6, 5]
    assert versions(read(app, "get_events_backward(%s, %s, 0)", *stream)) == []
    assert versions(read(app, "get_events_backward(%s, %s, 99, 1)", *stream)) == [10]


@pytest.mark.parametrize("call", ["get_events", "get_events_backward", "load_aggregate"])
def test_another_type_with_the_same_id_is_another_stream(app: Connection, stream: tuple[str, UUID], call: str) -> None:
    assert read(app, f"{call}(%s, %s)", "Other", stream[1]) == []
    assert read(app, f"{call}(%s, %s)", stream[0], uuid4()) == []


def test_a_type_is_read_page_by_page_where_many_events_have_one_time(app: Connection) -> None:
    event_type = f"Type{uuid4().hex}"
    for _ in range(4):
        append(app, ("Typed", uuid4()), 5, event_type)
    whole = read(app, "get_events_by_type(%s)", event_type)
    assert len(whole) == 20
    assert len({row["created_at"] for row in whole}) == 4
    assert positions(whole) == sorted(positions(whole))
    assert read(app, "get_events_by_type(%s, %s)", event_type, whole[5]["created_at"]) == whole[5:]

    def forward(last: Row | None) -> list[Row]:
        if not last:
            return read(app, "get_events_by_type(%s, max_count => 3)", event_type)
        cursor = (last["created_at"], last["global_position"])
        return read(app, "get_events_by_type(%s, %s, after_position => %s, max_count => 3)", event_type, *cursor)

    def backward(last: Row | None) -> list[Row]:
        if not last:
            return read(app, "get_events_by_type_backward(%s, max_count => 3)", event_type)
        cursor = (last["created_at"], last["global_position"])
        return read(app, "get_events_by_type_backward(%s, %s, 3, %s)", event_type, *cursor)

    assert list(paged(forward)) == whole
    assert list(paged(backward)) == whole[::-1]
    assert read(app, "get_events_by_type_backward(%s, %s)", event_type, whole[5]["created_at"]) == whole[4::-1]


def test_a_time_range_is_read_page_by_page(empty_store: Store) -> None:
    app = empty_store.connect()
    for _ in range(6):
        append(app, ("Timed", uuid4()), 4)
    whole = read(app, "get_events_in_time_range('-infinity', 'infinity')")
    assert len(whole) == 24
    first, last = whole[4]["created_at"], whole[16]["created_at"]
    # From is inclusive, until is exclusive.
    assert read(app, "get_events_in_time_range(%s, %s)", first, last) == whole[4:16]
    assert read(app, "get_events_in_time_range_backward(%s, %s)", first, last) == whole[4:16][::-1]
    assert read(app, "get_events_in_time_range(%s, %s, 3)", first, last) == whole[4:7]
    assert read(app, "get_events_in_time_range_backward(%s, %s, 3)", first, last) == whole[13:16][::-1]
    assert read(app, "get_events_in_time_range(%s, %s)", last, first) == []

    def forward(row: Row | None) -> list[Row]:
        cursor = (row["created_at"], row["global_position"]) if row else (first, 0)
        return read(app, "get_events_in_time_range(%s, %s, 3, %s)", cursor[0], last, cursor[1])

    def backward(row: Row | None) -> list[Row]:
        cursor = (row["created_at"], row["global_position"]) if row else (last, 0)
        return read(app, "get_events_in_time_range_backward(%s, %s, 3, %s)", first, *cursor)

    assert list(paged(forward)) == whole[4:16]
    assert list(paged(backward)) == whole[4:16][::-1]


@pytest.mark.parametrize("kind", ["correlation", "causation"])
def test_a_correlation_and_a_causation_are_read_in_the_order_of_the_feed(app: Connection, kind: str) -> None:
    mine, other = uuid4(), uuid4()
    for place in range(6):
        append(app, (f"Kind{place}", uuid4()), 2, **{f"{kind}_id": mine})
        append(app, ("Kind", uuid4()), 1, **{f"{kind}_id": other})
    append(app, ("Kind", uuid4()), 1)
    whole = read(app, f"get_events_by_{kind}(%s)", mine)
    assert len(whole) == 12
    assert {row[f"{kind}_id"] for row in whole} == {mine}
    assert positions(whole) == sorted(positions(whole))
    assert read(app, f"get_events_by_{kind}(%s)", uuid4()) == []

    def page(last: Row | None) -> list[Row]:
        cursor = (last["transaction_id"], last["global_position"]) if last else ("0", 0)
        return read(app, f"get_events_by_{kind}(%s, %s, %s, 5)", mine, *cursor)

    assert list(paged(page)) == whole


@pytest.mark.parametrize("kind", ["correlation", "causation"])
def test_what_was_just_written_is_found_by_its_correlation_and_causation(
    store: Store, app: Connection, kind: str
) -> None:
    mine = uuid4()
    with holding_the_feed_back(store):
        append(app, ("Kind", uuid4()), 2, **{f"{kind}_id": mine})
        assert len(read(app, f"get_events_by_{kind}(%s)", mine)) == 2


def test_a_category_is_read_page_by_page_in_the_order_of_the_feed(app: Connection) -> None:
    category = f"Category{uuid4().hex}"
    streams = [(category, uuid4()) for _ in range(3)]
    for _ in range(4):
        for aggregate in streams:
            append(app, aggregate, 2)
        append(app, ("Other", uuid4()), 1)
    settle(app)
    whole = read(app, "get_events_by_category(%s)", category)
    assert len(whole) == 24
    assert [row["aggregate_id"] for row in whole[:6:2]] == [aggregate[1] for aggregate in streams]
    assert positions(whole) == sorted(positions(whole))
    assert read(app, "get_events_by_category(%s)", category[:-1]) == []

    def forward(last: Row | None) -> list[Row]:
        cursor = (last["transaction_id"], last["global_position"]) if last else ("0", 0)
        return read(app, "get_events_by_category(%s, %s, %s, 5)", category, *cursor)

    def backward(last: Row | None) -> list[Row]:
        cursor = (last["transaction_id"], last["global_position"]) if last else (None, 0)
        return read(app, "get_events_by_category_backward(%s, %s, %s, 5)", category, *cursor)

    assert list(paged(forward)) == whole
    assert list(paged(backward)) == whole[::-1]


def test_a_category_shows_nothing_before_which_something_may_still_commit(store: Store, app: Connection) -> None:
    category = f"Category{uuid4().hex}"
    append(app, (category, uuid4()), 1)
    settle(app)
    with store.connect(autocommit=False) as slow:
        append(slow, (category, uuid4()), 1)
        append(app, (category, uuid4()), 1)
        # The third event is committed, the second is not: who read the third now would never see the second.
        assert len(read(app, "get_events_by_category(%s)", category)) == 1
        assert len(read(app, "get_events_by_category_backward(%s)", category)) == 1
    settle(app)
    assert len(read(app, "get_events_by_category(%s)", category)) == 3


def test_the_version_at_a_time(app: Connection) -> None:
    aggregate = ("Timed", uuid4())
    for _ in range(7):
        append(app, aggregate, 3)
    rows = read(app, "get_events(%s, %s)", *aggregate)
    moment = timedelta(microseconds=1)

    def version(time: datetime) -> Any:
        (row,) = read(app, "get_version_at(%s, %s, %s) AS version", *aggregate, time)
        return row["version"]

    for row in rows:
        reached = max(other["event_version"] for other in rows if other["created_at"] == row["created_at"])
        assert version(row["created_at"]) == reached
        assert version(row["created_at"] - moment) == row["event_version"] - 1 - (row["event_version"] - 1) % 3
    assert version(rows[-1]["created_at"] + timedelta(days=1)) == 21
    assert read(app, "get_version_at('None', %s, now()) AS version", uuid4()) == [{"version": 0}]


def test_a_negative_limit_is_refused(app: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidRowCountInLimitClause):
        read(app, "get_events('Stream', %s, max_count => -1)", uuid4())


LONG = UUID(int=1)
#: Each with a limit of 100; what is rare or old lies far from where the read begins.
BOUNDED = [
    f"get_events('Long', '{LONG}', 2000, 100)",
    f"get_events_since('Long', '{LONG}', 2000, 100)",
    f"get_events_backward('Long', '{LONG}', 2000, 100)",
    "get_events_by_type('Frequent', max_count => 100)",
    "get_events_by_type('Early', '2026-01-01 10:00', 100)",
    "get_events_by_type('Late', max_count => 100)",
    "get_events_by_type_backward('Early', max_count => 100)",
    "get_events_by_type_backward('None', max_count => 100)",
    "get_events_in_time_range('2026-01-01 12:00', 'infinity', 100)",
    "get_events_in_time_range_backward('-infinity', '2026-01-01 12:00', 100)",
    f"get_events_by_correlation('{LONG}', '10000', 0, 100)",
    f"get_events_by_correlation('{UUID(int=0)}', max_count => 100)",
    f"get_events_by_causation('{LONG}', '10000', 0, 100)",
    f"get_events_by_causation('{UUID(int=0)}', max_count => 100)",
    "get_events_by_category('Late', max_count => 100)",
    "get_events_by_category('Long', '10000', 0, 100)",
    "get_events_by_category('None', max_count => 100)",
    "get_events_by_category_backward('Long', '10000', 0, 100)",
    "get_events_by_category_backward('Early', max_count => 100)",
    f"get_version_at('Long', '{LONG}', '2026-01-01 12:00')",
    f"load_aggregate('Long', '{LONG}', at_version => 100)",
]


@pytest.fixture(scope="module")
def large(server: Server, template: str) -> Iterator[Connection]:
    """100,000 events: one long stream, and types and categories that are used at the beginning or at the end only."""
    store = server.create(new_name(), template)
    superuser = store.connect("postgres")
    superuser.execute(
        """
        INSERT INTO event_store.events (event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type,
                                        event_data, causation_id, correlation_id, created_at)
        SELECT gen_random_uuid(), (i / 5)::text::xid8,
               CASE WHEN i %% 20 = 0 THEN 'Long' WHEN i < 1000 THEN 'Early' WHEN i > 99000 THEN 'Late' ELSE 'Usual' END,
               CASE WHEN i %% 20 = 0 THEN %(long)s::uuid ELSE gen_random_uuid() END,
               CASE WHEN i %% 20 = 0 THEN i / 20 ELSE 1 END,
               CASE WHEN i < 1000 THEN 'Early' WHEN i > 99000 THEN 'Late' ELSE 'Frequent' END,
               jsonb_build_object('place', i, 'text', repeat(md5(i::text), 4)),
               CASE WHEN i %% 2 = 0 THEN %(long)s::uuid ELSE gen_random_uuid() END,
               CASE WHEN i %% 2 = 0 THEN %(long)s::uuid ELSE gen_random_uuid() END,
               '2026-01-01'::timestamptz + i * interval '1 second'
          FROM generate_series(1, 100000) AS i
        """,
        {"long": LONG},
    )
    # Numbers as high as those of the events, so that all of them lie below the horizon.
    superuser.execute("UPDATE event_store.settings SET feed_offset = 100000")
    superuser.execute("VACUUM ANALYZE event_store.events")
    yield store.connect()
    store.close()
    server.drop(store.name)


@pytest.mark.parametrize("plan", ["auto", "force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("call", BOUNDED)
def test_a_read_costs_what_its_limit_says(large: Connection, call: str, plan: str) -> None:
    with large.transaction(force_rollback=True):
        large.execute(f"SET LOCAL plan_cache_mode = {plan}")
        # After five calls a session may go over to a plan for any parameters.
        for _ in range(7):
            (row,) = large.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT * FROM event_store.{call}"
            ).fetchone()  # type: ignore
        (top,) = row
    # 100 rows, each in another page, and the way down an index; the table has more than 4,000 pages.
    assert top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"] < 300


def paged(page: Any) -> Iterator[Row]:
    """All rows of a read, each page beginning after the last row of the one before."""
    last = None
    while rows := page(last):
        yield from rows
        last = rows[-1]


def holding_the_feed_back(store: Store) -> Connection:
    """An append that is not committed; as a context it ends at the end."""
    connection = store.connect(autocommit=False)
    append(connection, ("Other", uuid4()), 1)
    return connection
