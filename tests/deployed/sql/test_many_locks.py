"""The locks of one transaction leave room for everybody else: the server has one table for all of them."""

import threading
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from .appends import Connection, append_event, append_events, at_once, call, counted, refused
from .stores import Store

#: Each runs 3,000 times in a transaction.
CALLS = {
    "append_event": "event_store.append_event('Many', gen_random_uuid(), 0, 'Counted', '{}')",
    "a command": "event_store.append_event('Many', gen_random_uuid(), 0, 'Counted', '{}', command_id => gen_random_uuid())",
    "append_events": """event_store.append_events('Many', gen_random_uuid(), 0, '[{"event_type": "A", "event_data": {}}]')""",
    "append_to_aggregates": """event_store.append_to_aggregates(jsonb_build_array(jsonb_build_object(
        'aggregate_type', 'Many', 'aggregate_id', gen_random_uuid(), 'events',
        '[{"event_type": "A", "event_data": {}}]'::jsonb)))""",
    "record_command": "event_store.record_command(gen_random_uuid(), 'Do', 'Many', gen_random_uuid())",
    "event types": "event_store.append_event('One', '{one}', NULL, 'Type' || n, '{}')",
    "register_event_type": "event_store.register_event_type('{one}' || n, 1, '{}', 'off')",
}


#: Each was sent before, with the number of its turn as its id, so it writes nothing now.
REPEATED = {
    "append_event": """event_store.append_event(
        'Many', uuid(n), 0, 'Counted', '{}', command_id => uuid(n), command_type => 'Do', command_data => '{}')""",
    "append_events": """event_store.append_events(
        'Many', uuid(n), 0, '[{"event_type": "A", "event_data": {}}]', command_id => uuid(n))""",
    "record_command": "event_store.record_command(uuid(n), 'Do', 'Many', uuid(n))",
}


def in_one_transaction(what: str) -> str:
    what = what.replace("{one}", str(uuid4()))
    return f"DO $$ BEGIN FOR n IN 1..3000 LOOP PERFORM {what}; END LOOP; END $$"


def parts(count: int) -> list[dict[str, Any]]:
    return [{"aggregate_type": "Many", "aggregate_id": str(uuid4()), "events": counted(1)} for _ in range(count)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak) if name == "register_event_type" else name for name in CALLS]
)
def test_a_transaction_is_refused_before_it_fills_the_table_of_locks(store: Store, name: str) -> None:
    with store.connect() as app, refused("54000") as refusal:
        app.execute(in_one_transaction(CALLS[name]))
    assert "more than 2000 locks" in refusal.message
    assert "1,000 aggregates" in refusal.hint


@pytest.mark.parametrize("size", [1, 50, 975])
def test_several_transactions_do_not_fill_the_table_together(store: Store, size: int) -> None:
    """Each appends to 1,950 aggregates if it may, and holds what it has got until all have tried."""
    together = threading.Barrier(8, timeout=120)
    append = CALLS["append_event"]
    if size > 1:
        append = f"""event_store.append_to_aggregates((
            SELECT jsonb_agg(jsonb_build_object('aggregate_type', 'Many', 'aggregate_id', gen_random_uuid(), 'events',
                                                '[{{"event_type": "A", "event_data": {{}}}}]'::jsonb))
              FROM generate_series(1, {size})))"""
    turns = 50 if size == 1 else 1

    def work(connection: Connection, _: int) -> str | None:
        end = None
        connection.autocommit = False
        connection.execute("SELECT")
        try:
            for _ in range(1950 // size // turns):
                with connection.transaction():
                    connection.execute(f"DO $$ BEGIN FOR n IN 1..{turns} LOOP PERFORM {append}; END LOOP; END $$")
        except psycopg.Error as error:
            end = error.sqlstate
        together.wait()
        with store.connect() as small, small.transaction():
            for _ in range(10):
                append_event(small, uuid4(), aggregate_type="Many")
        together.wait()
        connection.rollback()
        return end

    ends = at_once(store, 8, work)
    assert "55P03" in ends
    assert set(ends) <= {None, "55P03"}
    with store.connect() as app:
        assert len(call(app, "append_to_aggregates", appends=parts(1000))) == 1000


@pytest.mark.parametrize("name", REPEATED)
def test_repeated_commands_are_refused_like_new_ones(store: Store, name: str) -> None:
    what = REPEATED[name].replace("uuid(n)", f"('{uuid4().hex[:20]}' || lpad(n::text, 12, '0'))::uuid")
    with store.connect() as app:
        app.execute(f"DO $$ BEGIN FOR n IN 1..3000 LOOP PERFORM {what}; COMMIT; END LOOP; END $$")
        with refused("54000") as refusal:
            app.execute(in_one_transaction(what))
    assert "more than 2000 locks" in refusal.message


@pytest.mark.parametrize("value", ["-1000000", "x", "1e3", " 1", "-0", "", "99999999999999999999"])
def test_what_a_session_sets_neither_lifts_the_limit_nor_breaks_appends(store: Store, value: str) -> None:
    with store.connect() as app:
        app.execute(f"SET event_store.uncounted_locks = '{value}'")
        with app.transaction():
            for _ in range(3):
                append_event(app, uuid4(), aggregate_type="Many")
        with refused("54000"):
            app.execute(in_one_transaction(CALLS["append_event"]))


def test_a_thousand_aggregates_fit_into_a_transaction(store: Store) -> None:
    with store.connect() as app:
        with app.transaction():
            assert len(call(app, "append_to_aggregates", appends=parts(1000))) == 1000
        with app.transaction():
            for _ in range(10):
                call(app, "append_to_aggregates", appends=parts(100))


def test_appends_to_the_same_aggregates_are_not_limited(store: Store) -> None:
    aggregate = uuid4()
    with store.connect() as app:
        app.execute(in_one_transaction(f"event_store.append_event('Many', '{aggregate}', NULL, 'Counted', '{{}}')"))
        assert append_events(app, aggregate, counted(1), aggregate_type="Many")["event_version"] == 3001


def test_too_many_aggregates_in_a_call_are_refused_before_any_lock(store: Store) -> None:
    appends = parts(1001)
    with store.connect(autocommit=False) as holding, store.connect() as app:
        append_event(holding, appends[0]["aggregate_id"], aggregate_type="Many")
        app.execute("SET lock_timeout = '1ms'")
        with refused("SE002") as refusal:
            call(app, "append_to_aggregates", appends=appends)
    assert refusal.message == "malformed: appends has 1001 objects, which is more than 1000"
    assert "at most 1000" in refusal.hint


def test_too_many_event_types_in_a_call_are_refused_before_any_lock(store: Store) -> None:
    events = [{"event_type": f"Type{number}", "event_data": {}} for number in range(2000)]
    with store.connect(autocommit=False) as holding, store.connect() as app:
        append_event(holding, aggregate := uuid4())
        app.execute("SET lock_timeout = '1ms'")
        with refused("54000"):
            append_events(app, aggregate, events)
