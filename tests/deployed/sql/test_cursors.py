"""Cursors as text: one for every read, whatever the driver makes of numbers and of times; refused where its history is lost."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from .stores import Store
from .test_reads import Connection, Row, append, read, settle
from .test_subscriptions import refused, value

CURSOR_OF = "SELECT event_store.cursor_of(e) AS cursor, e.* FROM event_store"
#: Calls that return twelve events, without what says where to go on from.
FORWARD = {
    "read_feed_after(aggregate_types => {types}, ": "cursor",
    "get_events_by_category({category}, ": "after",
    "get_events_by_correlation({correlation}, ": "after",
    "get_events_by_causation({causation}, ": "after",
    "get_events_by_type({event_type}, ": "after",
    "get_events_in_time_range('-infinity', 'infinity', ": "after",
}
BACKWARD = {
    "get_events_by_category_backward({category}, ": "before",
    "get_events_by_type_backward({event_type}, ": "before",
    "get_events_in_time_range_backward('-infinity', 'infinity', ": "before",
}
NOT_CURSORS = (
    "", "a", "x", "10731,4242", "a1.2", "a1.2.3.4", "b1.2.00000000000000000000000000000000.", "a1.2.0000000000000000000000000000000g.",
    "a-1.2.00000000000000000000000000000000.", "a1.9223372036854775808.00000000000000000000000000000000.", "a99999999999999999999.2.00000000000000000000000000000000.",
    "a1.2.00000000000000000000000000000000.99999999999999999999", " a1.2.00000000000000000000000000000000.",
)  # fmt: skip


def rows(connection: Connection, call: str, *parameters: Any) -> list[Row]:
    """The rows of a call with their cursors."""
    return connection.cursor(row_factory=psycopg.rows.dict_row).execute(f"{CURSOR_OF}.{call} e", parameters).fetchall()


def milliseconds(time: datetime) -> datetime:
    """What a driver of JavaScript makes of it."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def lost(connection: Connection, statement: str, *parameters: Any) -> psycopg.Error:
    return refused(connection, "SE018", statement, *parameters)


@pytest.fixture
def twelve(empty_store: Store) -> tuple[Connection, dict[str, str]]:
    """Twelve events of three calls, among others; and how the calls above find them."""
    app = empty_store.connect()
    correlation, causation = uuid4(), uuid4()
    ids = {"correlation_id": correlation, "causation_id": causation}
    for _ in range(3):
        append(app, ("Page", uuid4()), 4, "Turned", **ids)
    settle(app)
    found = {"types": "ARRAY['Page']", "category": "'Page'", "event_type": "'Turned'"}
    return app, {**found, "correlation": f"'{correlation}'", "causation": f"'{causation}'"}


def paged(app: Connection, call: str, name: str) -> list[Row]:
    """All of it, in pages of one, by nothing but the text of the cursor."""
    got: list[Row] = []
    while page := rows(app, f"{call}max_count => 1, {name} => %s)", got[-1]["cursor"] if got else None):
        got += page
        assert len(got) <= 12
    return got


@pytest.mark.parametrize("call", [*FORWARD, *BACKWARD])
def test_every_read_goes_on_by_the_same_cursor(twelve: tuple[Connection, dict[str, str]], call: str) -> None:
    app, words = twelve
    got = paged(app, call.format(**words), {**FORWARD, **BACKWARD}[call])
    stored = rows(app, "read_feed()")
    assert len(got) == 12
    assert got == (stored if call in FORWARD else stored[::-1])


@pytest.mark.parametrize("call", ["get_events_in_time_range({range}, ", "get_events_in_time_range_backward({range}, "])
def test_a_cursor_from_outside_of_a_range_does_not_widen_it(
    twelve: tuple[Connection, dict[str, str]], call: str
) -> None:
    app, _ = twelve
    stored = rows(app, "read_feed()")
    begin, end = stored[4]["created_at"], stored[8]["created_at"]
    call = call.format(range=f"'{begin}', '{end}'")
    name = "before" if "backward" in call else "after"
    outside = stored[-1 if name == "before" else 0]["cursor"]
    assert sorted(row["cursor"] for row in rows(app, f"{call}{name} => %s)", outside)) == sorted(
        row["cursor"] for row in stored[4:8]
    )


@pytest.mark.parametrize("call", ["get_events_by_type('Turned', NULL, ", "get_events_in_time_range(NULL, 'infinity', "])
def test_a_cursor_counts_also_where_no_time_is_given(twelve: tuple[Connection, dict[str, str]], call: str) -> None:
    app, _ = twelve
    stored = rows(app, "read_feed()")
    assert rows(app, f"{call}5, 0, %s)", stored[3]["cursor"]) == stored[4:9]
    backward = call.replace("(", "_backward(", 1).replace("NULL, 'infinity'", "'-infinity', NULL")
    assert rows(app, f"{backward}2, 0, %s)", stored[3]["cursor"]) == stored[2:0:-1]


def test_times_are_exact_or_left_out(app: Connection) -> None:
    cursor = "SELECT event_store.cursor_at('7', 7, %s)"
    place = "SELECT (created_at AT TIME ZONE 'UTC')::text FROM event_store.place_of(%s)"
    for time in ("4713-01-01 00:00:00.000001 BC", "1969-12-31 23:59:59.999999", "9999-12-30 23:59:59.999999"):
        assert value(app, place, value(app, cursor, f"{time}+00".replace(" BC+00", "+00 BC"))) == time
    for time in ("infinity", "-infinity", "294276-12-31"):
        assert value(app, place, value(app, cursor, time)) is None


def test_a_page_without_a_match_has_a_cursor_to_go_on_from(empty_store: Store) -> None:
    app = empty_store.connect()
    append(app, ("Other", uuid4()), 3)
    append(app, ("Wanted", uuid4()), 1)
    append(app, ("Other", uuid4()), 3)
    settle(app)
    wanted, mark = rows(app, "read_feed_after(NULL, 10, aggregate_types => '{Wanted}')")
    assert (wanted["aggregate_type"], mark["event_id"]) == ("Wanted", None)
    assert rows(app, "read_feed_after(%s, 10, aggregate_types => '{Wanted}')", mark["cursor"]) == []
    append(app, ("Wanted", uuid4()), 1)
    settle(app)
    assert len(rows(app, "read_feed_after(%s, 10)", mark["cursor"])) == 1
    error = refused(app, "SE002", "SELECT event_store.get_events_by_type('Done', after => %s)", mark["cursor"])
    assert error.diag.message_primary == "the cursor has no time"


def test_it_is_the_place_that_the_numbers_are(empty_store: Store) -> None:
    app = empty_store.connect()
    assert value(app, "SELECT event_store.cursor_at(transaction_id, global_position) FROM event_store.feed_end()")
    append(app, ("Place", uuid4()), 5)
    settle(app)
    for row in rows(app, "read_feed()"):
        (place,) = read(app, "place_of(%s)", row["cursor"])
        assert place == {name: row[name] for name in ("transaction_id", "global_position", "created_at")}
        after = (row["transaction_id"], row["global_position"])
        assert rows(app, "read_feed_after(%s)", row["cursor"]) == rows(app, "read_feed(%s::xid8, %s)", *after)
    end = value(app, "SELECT event_store.cursor_at(transaction_id, global_position) FROM event_store.feed_end()")
    assert rows(app, "read_feed_after(%s)", end) == []
    assert read(app, "place_of(NULL)") == [dict.fromkeys(("transaction_id", "global_position", "created_at"))]
    assert value(app, "SELECT event_store.cursor_of(NULL)") is None


@pytest.mark.parametrize("text", NOT_CURSORS)
def test_what_is_no_cursor_is_refused(app: Connection, text: str) -> None:
    for call in ("read_feed_after(%s)", "place_of(%s)", "get_events_by_type('Done', after => %s)",
                 "get_events_by_category_backward('Thing', before => %s)"):  # fmt: skip
        error = refused(app, "SE002", f"SELECT event_store.{call}", text)
        assert (error.diag.message_primary or "").startswith("this is no cursor: ")


def test_a_subscription_takes_cursors_as_text(app: Connection) -> None:
    name = f"subscription-{uuid4()}"
    value(app, "SELECT event_store.create_subscription(%s, from_beginning => false)", name)
    append(app, ("Shared", uuid4()), 4)
    settle(app)
    claim = "SELECT token, event_store.cursor_at(transaction_id, global_position) FROM event_store.claim_partition(%s, 'me')"
    token, begin = app.execute(claim, [name]).fetchone() or (None, None)
    page = rows(app, "read_partition(%s, 0, 3)", name)
    acknowledge = "SELECT event_store.acknowledge(%s, 0, %s, cursor => %s, after => %s)"
    app.execute(acknowledge, [name, token, page[-1]["cursor"], begin])
    error = refused(app, "SE010", acknowledge, name, token, page[-1]["cursor"], begin)
    assert "is not where the page began" in str(error)
    refused(app, "SE002", "SELECT event_store.acknowledge(%s, 0, %s)", name, token)
    (rest,) = rows(app, "read_partition(%s, 0, 3)", name)
    app.execute("SELECT event_store.acknowledge(%s, 0, %s, cursor => %s)", [name, token, rest["cursor"]])
    app.execute("SELECT event_store.reset_subscription(%s, cursor => %s)", [name, page[0]["cursor"]])
    assert rows(app, "read_partition(%s, 0)", name) == [*page[1:], rest]
    unknown = f"{rest['cursor'].split('.')[0]}.{rest['global_position']}.{uuid4().hex}."
    lost(app, acknowledge, name, token, unknown, None)
    lost(app, "SELECT event_store.reset_subscription(%s, cursor => %s)", name, unknown)
    app.execute("SELECT event_store.drop_subscription(%s)", [name])


def test_a_cursor_is_refused_where_its_history_is_not_known_whatever_its_numbers(app: Connection) -> None:
    append(app, ("Numbered", uuid4()), 1)
    settle(app)
    *_, last = rows(app, "read_feed()")
    letter, fork = last["cursor"].split(".")[0], last["cursor"].split(".")[2]
    other = f"{letter}.{last['global_position']}.{uuid4().hex}."
    error = lost(app, "SELECT event_store.read_feed_after(%s)", other)
    assert "its history is not known here" in (error.diag.message_detail or "")
    assert other.replace(other.split(".")[2], fork) != other
    assert rows(app, "read_feed_after(%s)", other.replace(other.split(".")[2], fork)) == []


def test_a_cursor_of_the_lost_end_of_a_history_is_refused_also_where_another_has_its_numbers(
    empty_store: Store,
) -> None:
    """The numbers alone are a place: that of the later history, whose server had a clock behind that of the lost one."""
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, ("Kept", uuid4()), 2)
    settle(app)
    kept = rows(app, "read_feed()")[-1]
    first = str(value(admin, "SELECT fork FROM event_store.settings"))
    admin.execute("UPDATE event_store.settings SET server_start = server_start - interval '1 hour'")
    append(empty_store.connect(), ("Later", uuid4()), 2)
    settle(app)
    later = rows(app, "read_feed()")[-1]
    second = str(value(admin, "SELECT fork FROM event_store.settings"))
    assert first != second
    of_the_first = later["cursor"].replace(second.replace("-", ""), first.replace("-", ""))
    assert rows(app, "read_feed_after(%s)", later["cursor"]) == []
    error = lost(app, "SELECT event_store.read_feed_after(%s)", of_the_first)
    assert f"fork {second}" in (error.diag.message_detail or "")
    back_to = kept["cursor"].rsplit(".", 1)[0] + "."
    assert f"as text {back_to}" in (error.diag.message_hint or "")
    assert [row["aggregate_type"] for row in rows(app, "read_feed_after(%s)", back_to)] == ["Later", "Later"]
    # Two numbers from in between are no place either, in whatever reads by them.
    between = int(kept["transaction_id"]) + 1
    for call in ("read_feed(", "get_events_by_category('Kept', ", "get_events_by_category_backward('Kept', ",
                 "get_events_by_correlation(gen_random_uuid(), ", "get_events_by_causation(gen_random_uuid(), "):  # fmt: skip
        for position in (0, -1, 2**63 - 1):
            lost(app, f"SELECT event_store.{call}%s::text::xid8, %s)", between, position)


def test_a_second_channel_announces_the_cursor_as_text(store: Store, app: Connection) -> None:
    worker = store.connect("event_store_worker")
    with store.connect() as listener:
        listener.execute("LISTEN event_store_cursor")
        append(app, ("Announced", uuid4()), 1)
        settle(app)
        worker.execute("SELECT event_store.work_feed()")
        (hint,) = listener.notifies(timeout=60, stop_after=1)
    assert (hint.channel, rows(app, "read_feed_after(%s)", hint.payload)) == ("event_store_cursor", [])
    (place,) = read(app, "place_of(%s)", hint.payload)
    assert place["created_at"] is None


@pytest.mark.parametrize("count", [1, 3])
def test_an_event_is_there_at_its_own_time_as_a_driver_with_milliseconds_has_it(app: Connection, count: int) -> None:
    aggregate: tuple[str, UUID] = ("Timed", uuid4())
    for _ in range(20):
        append(app, aggregate, count)
    for event in read(app, "get_events(%s, %s)", *aggregate):
        at_time = milliseconds(event["created_at"])
        version = value(app, "SELECT event_store.get_version_at(%s, %s, %s)", *aggregate, at_time)
        assert version >= event["event_version"]
        loaded = read(app, "load_aggregate(%s, %s, at_time => %s)", *aggregate, at_time)
        assert [row["event_version"] for row in loaded] == list(range(1, version + 1))
        if event["created_at"] != at_time:
            exact = value(app, "SELECT event_store.get_version_at(%s, %s, %s)", *aggregate, event["created_at"])
            assert event["event_version"] <= exact < event["event_version"] + count
            assert all(row["created_at"] <= event["created_at"] for row in loaded[:exact])
