"""The methods that stand for one function each, in both halves of the client."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from event_store import (
    ANY,
    NOT_THERE,
    Appended,
    AsyncEventStore,
    EventStore,
    FoundUser,
    InclusionProof,
    NewEvent,
    Origin,
    ProjectionLag,
    SealProblem,
    StoredEvent,
    errors,
)

from ..sql.projecting import work
from ..sql.sealing import seal
from ..sql.stores import Store

#: Calls a method of a store by name and returns its answer.
Do = Callable[..., Any]
Admin = psycopg.Connection[Any]


@pytest.fixture(params=["threads", "asyncio"])
def do(request: pytest.FixtureRequest, conninfo: str) -> Iterator[Do]:
    """A store of one half or of the other."""
    if request.param == "threads":
        with EventStore(conninfo) as store:
            yield lambda method, *arguments, **options: getattr(store, method)(*arguments, **options)
        return

    async def opened() -> AsyncEventStore:
        return await AsyncEventStore(conninfo).open()

    with asyncio.Runner() as runner:
        asynchronous = runner.run(opened())
        yield lambda method, *arguments, **options: runner.run(getattr(asynchronous, method)(*arguments, **options))
        runner.run(asynchronous.close())


@pytest.fixture
def admin(store: Store) -> Iterator[Admin]:
    with store.connect("postgres") as connection:
        yield connection


def appended(do: Do, count: int = 3, aggregate_type: str = "Told") -> tuple[UUID, list[StoredEvent]]:
    """An aggregate with events that can be read in the feed, and these."""
    aggregate = uuid4()
    for number in range(count):
        do("append_event", aggregate_type, aggregate, NewEvent("Said", {"number": number}), expected=number)
    events = do("get_events", aggregate_type, aggregate)
    while do("feed_end") < events[-1].cursor:
        time.sleep(0.01)
    return aggregate, events


# Appends and reads


def test_one_event_is_appended(do: Do) -> None:
    aggregate, origin = uuid4(), Origin("alice", "user", "ui")
    first = do("append_event", "One", aggregate, NewEvent("Said", {}), expected=NOT_THERE, origin=origin)
    stored = do("get_events", "One", aggregate)
    assert first == Appended(1, stored[0].global_position)
    assert stored[0].actor == "alice"
    with pytest.raises(errors.VersionConflictError):
        do("append_event", "One", aggregate, NewEvent("Said", {}), expected=NOT_THERE)


def test_the_version_at_a_time(do: Do) -> None:
    aggregate, events = appended(do)
    moment = timedelta(microseconds=1)
    times = [events[0].created_at - moment, events[0].created_at, events[2].created_at - moment, datetime.now(UTC)]
    assert [do("get_version_at", "Told", aggregate, at) for at in times] == [0, 1, 2, 3]


def test_a_time_range_backward(do: Do) -> None:
    _, events = appended(do)
    first, last = events[0].created_at, events[-1].created_at
    method = "get_events_in_time_range_backward"
    assert do(method, first, last + timedelta(microseconds=1)) == events[::-1]
    assert do(method, first, last, before_position=events[-1].global_position, max_count=1) == [events[1]]


def test_snapshots_by_either_name(do: Do) -> None:
    aggregate, _ = appended(do)
    assert do("get_latest_snapshot", "Told", aggregate) is None
    for version, layout in ((1, 1), (3, 2)):
        assert do("save_snapshot", "Told", aggregate, version, {"told": version}, snapshot_version=layout)
    latest = do("get_latest_snapshot", "Told", aggregate)
    assert (latest.aggregate_version, latest.data) == (3, {"told": 3})
    earlier = do("get_snapshot_at", "Told", aggregate, 2)
    assert (earlier.aggregate_version, earlier.data) == (1, {"told": 1})
    assert do("get_latest_snapshot", "Told", aggregate, snapshot_version=1) == earlier
    assert do("get_snapshot_at", "Told", aggregate, 3, snapshot_version=2) == latest
    assert do("get_snapshot", "Told", aggregate) == latest
    assert do("get_snapshot", "Told", aggregate, at_version=2) == earlier
    loaded = do("load_aggregate", "Told", aggregate, at_version=2)
    assert loaded.snapshot == earlier
    assert [event.event_version for event in loaded.events] == [2]


# The feed


def test_a_page_of_the_feed_holds_events_only(do: Do) -> None:
    start = do("feed_end")
    aggregate, events = appended(do, aggregate_type=f"Scanned {uuid4()}")
    kind = events[0].aggregate_type
    page = do("scan_feed", after=start, aggregate_types=[kind])
    assert (page.events, page.cursor, page.after) == (events, events[-1].cursor, start)
    # Nothing fits: the last row is a mark, and no event.
    for method in ("scan_feed", "read_feed"):
        nothing = do(method, after=start, event_types=["No such type"])
        assert (nothing.events, nothing.advanced) == ([], True)
        assert nothing.cursor >= events[-1].cursor
        assert do(method, after=nothing.cursor, event_types=["No such type"]).advanced is False

    partition = do("partition_of", kind, aggregate, 4)
    assert partition in range(4)
    for number in range(4):
        found = do("scan_feed", after=start, aggregate_types=[kind], partitions=4, partition=number).events
        assert found == (events if number == partition else [])


def test_what_holds_the_feed_back(do: Do, admin: Admin, store: Store) -> None:
    before = do("feed_horizon")
    with store.connect("postgres", autocommit=False) as writer:
        writer.execute("SELECT event_store.append_event('Held', gen_random_uuid(), 0, 'Said', '{}')")
        row = writer.execute("SELECT pg_current_xact_id()::text::bigint, pg_backend_pid()").fetchone()
        assert row is not None
        (blocker,) = [one for one in do("feed_blockers") if one.pid == row[1]]
        assert (blocker.transaction_id, blocker.prepared) == (row[0], None)
        aggregate = uuid4()
        do("append_event", "Held", aggregate, NewEvent("Said", {}), expected=ANY)
        assert do("feed_lag").events_waiting >= 1
        (event,) = do("get_events", "Held", aggregate)
        assert before <= do("feed_horizon") <= event.transaction_id
        writer.rollback()
    while do("feed_horizon") <= event.transaction_id:
        time.sleep(0.01)


# Event types


def test_event_types(do: Do) -> None:
    kind, schema = f"Type {uuid4()}", {"type": "object", "required": ["shares"]}
    assert do("register_event_type", kind, 1, schema, description="as sold") is True
    assert do("register_event_type", kind, 1, schema) is False
    with pytest.raises(errors.InvalidPayloadError):
        do("append_event", "Typed", uuid4(), NewEvent(kind, {}), expected=ANY)
    assert do("set_event_type_validation", kind, "off") == 1
    assert do("set_event_type_validation", kind, "off", schema_version=1) == 0
    do("append_event", "Typed", uuid4(), NewEvent(kind, {}), expected=ANY)
    with pytest.raises(errors.UnknownEventTypeError):
        do("set_event_type_validation", f"No {kind}", "off")
    with pytest.raises(errors.SchemaRefusedError):
        do("register_event_type", kind, 2, {"type": "nonsense"})
    with pytest.raises(errors.MalformedArgumentError):
        do("register_event_type", kind, 0, schema)


# Projections and users


def test_projections(do: Do, admin: Admin) -> None:
    work(admin)
    position = uuid4()
    data = {"symbol": "AAPL", "account_id": "A", "currency": "USD", "quantity": 1, "average_price": 1.5,
            "current_price": 1.5, "current_value": 1.5, "trade_quantity": 1}  # fmt: skip
    do("append_event", "Position", position, NewEvent("PositionOpened", data), expected=NOT_THERE)
    lags: list[ProjectionLag] = do("projection_lag")
    assert {"portfolio_positions", "users"} <= {lag.projection_name for lag in lags}
    (lag,) = do("projection_lag", "portfolio_positions")
    assert (lag.status, lag.is_outdated, lag.error_message, lag.rebuild_status) == ("active", False, None, None)
    assert lag.events_behind >= 1
    assert lag.seconds_behind > 0
    assert do("projection_lag", "no such projection") == []
    while not admin.execute(
        "SELECT FROM projections.portfolio_positions WHERE position_id = %s", [position]
    ).fetchall():
        assert do("refresh_materialized_views") is None
    assert do("projection_lag", "portfolio_positions")[0].events_behind == 0


def test_users_are_found_by_their_address(do: Do, admin: Admin) -> None:
    user, credential, email = uuid4(), uuid4(), f"{uuid4()}@example.org"
    data = {"email": email.upper(), "subscription_tier": "free", "credential_id": str(credential)}
    do("append_event", "User", user, NewEvent("UserRegistered", data), expected=NOT_THERE)
    work(admin)
    assert do("find_user", email) == [FoundUser(user, credential)]
    assert do("find_user", f"no {email}") == []


# Seals


def test_seals(do: Do, admin: Admin) -> None:
    _, events = appended(do)
    seal(admin)
    assert do("verify_seals") == []
    lines = do("export_seals")
    assert do("export_seals", from_seal=len(lines)) == lines[-1:]
    assert do("verify_export", "\n".join(lines)) == []
    damaged = do("verify_export", "\n".join([*lines, lines[0].replace('"root" : "', '"root" : "0')]))
    assert [(problem.line, problem.seal, problem.kind) for problem in damaged] == [
        (len(lines) + 1, 1, "export damaged")
    ]
    emptied = do("verify_export", lines[0], with_events=True)
    assert [(problem.seal, problem.kind) for problem in emptied] == [(1, "events missing")]
    (missing,) = do("verify_seals", from_seal=len(lines), to_seal=len(lines) + 1)
    assert isinstance(missing, SealProblem)
    assert (missing.kind, missing.seal, missing.event_id) == ("seal missing", None, None)

    proof: InclusionProof = do("inclusion_proof", events[1].event_id)
    assert 1 <= proof.place <= proof.event_count
    assert {len(part) for part in [*proof.path, proof.root]} == {32}
    assert str(events[1].event_id) in proof.event
    assert do("verify_inclusion", proof, proof.root) is True
    assert do("verify_inclusion", proof, bytes(32)) is False
    assert do("inclusion_proof", uuid4()) is None


# Privacy


@pytest.mark.parametrize("data", [{"name": "Ann"}, ["Ann", 1.5], "Ann", None])
def test_personal_data(do: Do, data: Any) -> None:
    subject = uuid4()
    envelope = do("protect", subject, data)
    assert list(envelope) == ["$protected"]
    document = {"who": envelope, "shares": 3}
    assert do("reveal", document) == {"who": data, "shares": 3}
    assert do("erase_subject", subject, reason="objection", origin=Origin("bob", "user", "api")) is True
    assert do("erase_subject", subject) is False
    assert do("reveal", document) == {"who": None, "shares": 3, "$erased": ["/who"]}
    assert do("reveal", envelope) == {"$erased": [""]}
    (event,) = do("get_events", "Subject", subject)
    assert (event.event_type, event.data, event.actor) == ("PersonalDataErased", {"reason": "objection"}, "bob")
    with pytest.raises(errors.SubjectErasedError):
        do("protect", subject, data)
    with pytest.raises(errors.MalformedArgumentError):
        do("erase_subject", subject, reason="because")
    with pytest.raises(errors.MalformedArgumentError):
        do("reveal", {"$protected": {"subject": str(subject)}})
