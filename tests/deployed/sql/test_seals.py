"""Seals: what a superuser does to history shows, in the store or against an export."""

import json
import threading
import time
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
import pytest

from deploy.model.event_stores import APPLICATION_ROLE

from .sealing import Connection, append, append_old, leaf, problems, root, seal, tampering
from .stores import Server, Store

# Seal 2 of the store below covers 30 events in three transactions.
_EVENTS_OF_2 = """
    SELECT e.event_id FROM event_store.events e, event_store.seals s
     WHERE s.seal = 2 AND (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position)
       AND (e.transaction_id, e.global_position) <= (s.last_transaction_id, s.last_position)
     ORDER BY e.transaction_id, e.global_position
"""


@pytest.fixture(scope="module")
def sealed(store: Store) -> Store:
    """Three seals of 20, 30 and 15 events."""
    app, admin = store.connect(), store.connect("postgres")
    for counts in ([20], [10, 10, 10], [10, 5]):
        for count in counts:
            append(app, count)
        seal(admin)
    return store


@pytest.fixture
def admin(sealed: Store) -> Connection:
    return sealed.connect("postgres")


@pytest.fixture
def export(admin: Connection) -> str:
    return "\n".join(line for (line,) in admin.execute("SELECT event_store.export_seals()"))


@pytest.fixture
def events(admin: Connection) -> list[UUID]:
    """The events of seal 2."""
    return [event for (event,) in admin.execute(_EVENTS_OF_2)]


def verify_export(connection: Connection, lines: str) -> list[tuple[int, str]]:
    return connection.execute("SELECT seal, kind FROM event_store.verify_export(%s)", [lines]).fetchall()


# What is sealed


def test_untouched_events_verify(sealed: Store, admin: Connection, export: str) -> None:
    counts = admin.execute("SELECT seal, event_count FROM event_store.seals ORDER BY seal").fetchall()
    assert counts == [(1, 20), (2, 30), (3, 15)]
    app = sealed.connect()
    assert problems(app) == []
    assert problems(app, 2, 2) == []
    assert problems(app, 3) == []
    assert verify_export(app, export) == []
    archive = "\n".join(line for (line,) in admin.execute("SELECT event_store.export_events(1, 3)"))
    assert verify_export(app, archive) == []


def test_an_export_can_be_checked_without_the_store(admin: Connection) -> None:
    lines = [line for (line,) in admin.execute("SELECT event_store.export_events(1, 3)")]
    previous, place = "00" * 32, 0
    while place < len(lines):
        header = json.loads(lines[place])
        events = lines[place + 1 : place + 1 + header["event_count"]]
        assert root([leaf(line) for line in events]).hex() == header["root"]
        assert header["previous_hash"] == previous
        content = lines[place].replace(f', "hash" : "{header["hash"]}"', "")
        assert sha256(content.encode()).hexdigest() == header["hash"]
        stored = admin.execute(
            "SELECT event_data, global_position FROM event_store.events WHERE event_id = %s",
            [json.loads(events[0])["event_id"]],
        ).fetchone()
        assert stored == (json.loads(events[0])["event_data"], json.loads(events[0])["global_position"])
        previous, place = header["hash"], place + 1 + header["event_count"]


# As it was first; on both versions of PostgreSQL, and for ever: a seal of years ago has to verify.
_LINE = (
    '{"event_id" : "6f1c2a4e-0000-4000-8000-000000000001", "transaction_id" : "18446744073709551615", '
    '"global_position" : 9007199254740993, "aggregate_type" : "Po\\"si\\ntion", '
    '"aggregate_id" : "6f1c2a4e-0000-4000-8000-000000000002", "event_version" : 1, "event_type" : "Größe\\u0001", '
    '"schema_version" : 2, "created_at" : "2026-03-29T01:30:00.1", "created_by" : "app", "actor" : "", '
    '"actor_type" : "user", "source" : "ui", "causation_id" : null, '
    '"correlation_id" : "6f1c2a4e-0000-4000-8000-000000000003", '
    '"event_data" : {"a": [1.10, 1E+2, -0, true, null, "é€\\n😀"], "bb": {}}, "metadata" : {}}'
)


def test_the_canonical_form_never_changes(admin: Connection) -> None:
    with tampering(admin):
        admin.execute("SET LOCAL TimeZone = 'Asia/Kathmandu'")
        line = """
            SELECT event_store.event_line(ROW(
                       '6f1c2a4e-0000-4000-8000-000000000001', 9007199254740993, '18446744073709551615',
                       '6f1c2a4e-0000-4000-8000-000000000002', '2026-03-29 03:30:00.100000+02', NULL,
                       '6f1c2a4e-0000-4000-8000-000000000003', 1, 2, E'Po"si\ntion', E'Größe\\x01', '', 'user', 'ui', 'app',
                       '{"bb": {}, "a": [1.10, 1E+2, -0, true, null, "é€\\n😀"]}', '{}', %s)::event_store.events)"""
        expected = _LINE.replace("1E+2", "100").replace("-0,", "0,")
        assert admin.execute(line, [None]).fetchone() == (expected,)
        with_tags = f"""{expected[:-1]}, "tags" : ["b","quo\\"te","€"]}}"""
        assert admin.execute(line, [["b", 'quo"te', "€"]]).fetchone() == (with_tags,)


@pytest.mark.parametrize(
    "setting",
    [
        "TimeZone = 'America/St_Johns'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -5",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "client_encoding = 'WIN1252'",
        "quote_all_identifiers = on",
        "lc_numeric = 'C'",
        "search_path = 'pg_temp'",
        "jit_above_cost = 0",
    ],
)
def test_a_sessions_settings_do_not_matter(sealed: Store, export: str, setting: str) -> None:
    session = sealed.connect("postgres")
    session.execute(f"SET {setting}")
    assert problems(session) == []
    assert [line for (line,) in session.execute("SELECT event_store.export_seals()")] == export.split("\n")


def test_dump_and_restore_keep_the_hashes(server: Server, template: str, sealed: Store) -> None:
    """COPY is what a dump is made of."""
    restored = server.create(f"{sealed.name}_r", template)
    try:
        source, target = sealed.connect("postgres"), restored.connect("postgres")
        for table in ("events", "seals"):
            with (
                source.cursor().copy(f"COPY event_store.{table} TO STDOUT") as out,
                target.cursor().copy(f"COPY event_store.{table} FROM STDIN") as into,
            ):
                for data in out:
                    into.write(data)
        assert target.execute("SELECT count(*) FROM event_store.seals").fetchone() == (3,)
        assert problems(target) == []
    finally:
        restored.close()
        server.drop(restored.name)


def test_the_tree_is_that_of_rfc_6962(admin: Connection) -> None:
    for count in range(70):
        leaves = [leaf(str(number)) for number in range(count)]
        got = admin.execute("SELECT event_store.merkle_root(%s)", [b"".join(leaves)]).fetchone()
        assert got == (root(leaves),), count


def test_an_event_is_proved_to_be_in_its_seal(sealed: Store, events: list[UUID]) -> None:
    app = sealed.connect()
    for number, event in enumerate(events, start=1):
        proof = app.execute("SELECT * FROM event_store.inclusion_proof(%s)", [event]).fetchone()
        assert proof is not None
        number_of_seal, text, place, count, path, its_root = proof
        assert (number_of_seal, place, count) == (2, number, len(events))
        assert json.loads(text)["event_id"] == str(event)
        others = [*path[:-1], path[-1][::-1]]
        for arguments, holds in (
            ([text, place, count, path, its_root], True),
            ([text + " ", place, count, path, its_root], False),
            ([text, place % count + 1, count, path, its_root], False),
            ([text, place, count, path[:-1], its_root], False),
            ([text, place, count, [*path, path[0]], its_root], False),
            ([text, place, count, others, its_root], False),
            ([text, place, count, path, its_root[::-1]], False),
        ):
            assert app.execute("SELECT event_store.verify_inclusion(%s, %s, %s, %s, %s)", arguments).fetchone() == (
                holds,
            )
    assert app.execute("SELECT * FROM event_store.inclusion_proof(gen_random_uuid())").fetchall() == []


# What is found in the store


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_id", "gen_random_uuid()"),
        ("aggregate_id", "gen_random_uuid()"),
        ("aggregate_type", "'Account'"),
        ("event_version", "event_version + 1000"),
        ("schema_version", "2"),
        ("event_type", "'PositionClosed'"),
        ("event_data", "event_data || '{\"quantity\": 1e6}'"),
        ("metadata", "'{\"a\": 1}'"),
        ("created_at", "created_at + interval '1 microsecond'"),
        ("created_by", "'postgres'"),
        ("actor", "''"),
        ("actor_type", "'user'"),
        ("source", "'ui'"),
        ("causation_id", "event_id"),
        ("correlation_id", "event_id"),
    ],
)
def test_an_edited_column_is_found(admin: Connection, events: list[UUID], column: str, value: str) -> None:
    with tampering(admin):
        admin.execute(f"UPDATE event_store.events SET {column} = {value} WHERE event_id = %s", [events[16]])
        [(number, kind, position, event, detail)] = admin.execute(
            "SELECT seal, kind, global_position, event_id, detail FROM event_store.verify_seals()"
        ).fetchall()
        assert (number, kind, detail) == (2, "edited", "event(s) 17 to 17 of the seal's 30")
        assert (event == events[16]) == (column != "event_id")
        assert admin.execute(
            "SELECT event_id FROM event_store.events WHERE global_position = %s", [position]
        ).fetchone() == (event,)
    assert problems(admin) == []


def test_an_event_at_another_place_is_found(admin: Connection, events: list[UUID]) -> None:
    for change in (
        "global_position = global_position + 1000000",
        "transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8",
        "transaction_id = '3'",
    ):
        with tampering(admin):
            admin.execute(f"UPDATE event_store.events SET {change} WHERE event_id = %s", [events[4]])
            assert (2, "deleted") in problems(admin) or problems(admin) == [(2, "edited")], change


@pytest.mark.parametrize(("first", "second"), [(3, 4), (0, 29), (7, 21)])
def test_two_events_that_changed_places_are_found(
    admin: Connection, events: list[UUID], first: int, second: int
) -> None:
    with tampering(admin):
        admin.execute(
            "SELECT * INTO TEMPORARY swapped FROM event_store.events WHERE event_id = ANY (%s)",
            [[events[first], events[second]]],
        )
        admin.execute("DELETE FROM event_store.events e USING swapped s WHERE e.event_id = s.event_id")
        admin.execute("""
            INSERT INTO event_store.events
            SELECT (jsonb_populate_record(a, jsonb_build_object(
                       'transaction_id', b.transaction_id::text, 'global_position', b.global_position))).*
              FROM swapped a JOIN swapped b ON a.event_id <> b.event_id
        """)
        admin.execute("DROP TABLE swapped")
        assert set(problems(admin)) == {(2, "reordered")}


@pytest.mark.parametrize("place", [0, 1, 14, 29])
def test_a_deleted_event_is_found(admin: Connection, events: list[UUID], place: int) -> None:
    with tampering(admin):
        admin.execute("DELETE FROM event_store.events WHERE event_id = %s", [events[place]])
        found = admin.execute("SELECT seal, kind, detail FROM event_store.verify_seals()").fetchall()
        assert found == [(2, "deleted", f"event(s) {place + 1} to {place + 1} of the seal's 30")]


def test_differences_that_mix_are_told_apart(admin: Connection, events: list[UUID]) -> None:
    with tampering(admin):
        admin.execute("DELETE FROM event_store.events WHERE event_id = ANY (%s)", [events[2:6]])
        admin.execute("UPDATE event_store.events SET actor = 'x' WHERE event_id = ANY (%s)", [events[10:12]])
        admin.execute("DELETE FROM event_store.events WHERE event_id = %s", [events[29]])
        found = admin.execute("SELECT kind, event_id, detail FROM event_store.verify_seals()").fetchall()
        assert found == [
            ("deleted", None, "event(s) 3 to 6 of the seal's 30"),
            ("edited", events[10], "event(s) 11 to 12 of the seal's 30"),
            ("deleted", None, "event(s) 30 to 30 of the seal's 30"),
        ]


def insert_beside(admin: Connection, event: UUID) -> None:
    """A forged event, later in the same transaction than ``event``."""
    admin.execute(
        """
        INSERT INTO event_store.events
        SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', gen_random_uuid(), 'aggregate_id', gen_random_uuid(),
                                                            'global_position', e.global_position + 1000000))).*
          FROM event_store.events e WHERE e.event_id = %s
        """,
        [event],
    )


def test_an_inserted_event_is_found(admin: Connection, events: list[UUID]) -> None:
    with tampering(admin):
        insert_beside(admin, events[5])
        found = admin.execute("SELECT seal, kind, detail FROM event_store.verify_seals()").fetchall()
        assert found == [(2, "inserted", "1 event(s) that the seal does not have")]


def test_an_event_inserted_between_two_seals_is_found(admin: Connection, events: list[UUID]) -> None:
    with tampering(admin):
        insert_beside(admin, events[29])
        assert problems(admin) == [(3, "inserted")]


def test_a_cut_off_end_is_found(admin: Connection, events: list[UUID]) -> None:
    with tampering(admin):
        admin.execute(
            """
            DELETE FROM event_store.events e USING event_store.events f
             WHERE f.event_id = %s AND (e.transaction_id, e.global_position) >= (f.transaction_id, f.global_position)
            """,
            [events[20]],
        )
        found = admin.execute("SELECT seal, kind, detail FROM event_store.verify_seals()").fetchall()
        assert found == [
            (2, "cut off", "event(s) 21 to 30 of the seal's 30"),
            (3, "cut off", "event(s) 1 to 15 of the seal's 15"),
        ]


def test_an_emptied_table_is_found(admin: Connection) -> None:
    with tampering(admin):
        admin.execute("TRUNCATE event_store.events")
        assert problems(admin) == [(1, "cut off"), (2, "cut off"), (3, "cut off")]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("last_position = last_position - 1", "seal edited"),
        ("after_position = after_position - 1", "chain broken"),
        ("event_count = 29", "seal edited"),
        ("sealed_at = sealed_at - interval '1 day'", "seal edited"),
        ("root = sha256('')", "seal edited"),
        ("leaves = overlay(leaves PLACING sha256('') FROM 33)", "seal edited"),
        ("previous_hash = sha256('')", "chain broken"),
        ("hash = sha256('')", "seal edited"),
        ("seal = 9", "seal missing"),
    ],
)
def test_an_edited_seal_is_found(admin: Connection, change: str, kind: str) -> None:
    with tampering(admin):
        admin.execute(f"UPDATE event_store.seals SET {change} WHERE seal = 2")
        assert kind in {found for _, found in problems(admin)}


def test_a_seal_made_anew_breaks_the_chain(admin: Connection, events: list[UUID]) -> None:
    with tampering(admin):
        admin.execute("UPDATE event_store.events SET actor = 'x' WHERE event_id = %s", [events[0]])
        admin.execute("UPDATE event_store.seals s SET leaves = event_store.stored_leaves(s) WHERE seal = 2")
        admin.execute("UPDATE event_store.seals SET root = event_store.merkle_root(leaves) WHERE seal = 2")
        admin.execute(
            "UPDATE event_store.seals s SET hash = sha256(convert_to(event_store.seal_line(s), 'UTF8')) WHERE seal = 2"
        )
        assert problems(admin) == [(3, "chain broken")]


@pytest.mark.parametrize(("gone", "reported_at"), [("seal = 1", 2), ("seal = 2", 3), ("seal < 3", 3)])
def test_a_deleted_seal_is_found(admin: Connection, gone: str, reported_at: int) -> None:
    with tampering(admin):
        admin.execute(f"DELETE FROM event_store.seals WHERE {gone}")
        assert problems(admin) == [(reported_at, "seal missing")]


def test_seals_that_were_asked_for_and_are_gone_are_found(admin: Connection) -> None:
    assert problems(admin, 1, 4) == [(None, "seal missing")]


def test_old_events_without_a_seal_are_found(admin: Connection) -> None:
    with tampering(admin):
        admin.execute("UPDATE event_store.events SET created_at = created_at - interval '2 hours'")
        admin.execute("TRUNCATE event_store.seals")
        assert problems(admin) == [(None, "unsealed")]


# What is found against an export only


def test_an_end_cut_off_with_its_seal_is_found_against_the_export(admin: Connection, export: str) -> None:
    with tampering(admin):
        admin.execute("""
            DELETE FROM event_store.events e USING event_store.seals s
             WHERE s.seal = 3 AND (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position)
        """)
        admin.execute("DELETE FROM event_store.seals WHERE seal = 3")
        assert problems(admin) == []
        assert verify_export(admin, export) == [(3, "seal missing")]


def test_a_consistently_rewritten_history_is_found_against_the_export(
    admin: Connection, export: str, events: list[UUID]
) -> None:
    with tampering(admin):
        admin.execute("UPDATE event_store.events SET actor = 'x' WHERE event_id = %s", [events[0]])
        admin.execute("DELETE FROM event_store.seals WHERE seal > 1")
        admin.execute("SELECT event_store.seal_events('0')")
        assert problems(admin) == []
        found = verify_export(admin, export)
        assert found[0] == (2, "seal rewritten")
        assert {number for number, _ in found} == {2, 3}


def test_a_damaged_export_is_told_from_a_rewritten_store(admin: Connection, export: str) -> None:
    archive = "\n".join(line for (line,) in admin.execute("SELECT event_store.export_events(2, 2)"))
    for damaged in (
        export.replace('"event_count" : 30', '"event_count" : 31'),
        export.replace('"seal" : 2,', '"seal" : two,'),
        archive.replace("PositionUpdated", "PositionClosed", 1),
        archive.rsplit("\n", 1)[0],
        archive.split("\n", 1)[1],
    ):
        assert {kind for _, kind in verify_export(admin, damaged)} == {"export damaged"}
    assert verify_export(admin, "") == []


# The sealer


def test_with_nothing_to_seal_it_takes_no_transaction_id(sealed: Store) -> None:
    worker = sealed.connect("event_store_worker", autocommit=False)
    assert worker.execute("SELECT event_store.work_seals()").fetchone() == (0,)
    assert worker.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
    worker.rollback()


def test_the_worker_seals_what_is_a_minute_old(empty_store: Store) -> None:
    admin, worker = empty_store.connect("postgres"), empty_store.connect("event_store_worker")
    append_old(admin, 2, age="61 seconds")
    deadline = time.monotonic() + 300
    while worker.execute("SELECT event_store.work_seals()").fetchone() == (0,):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    append(admin, 3)
    assert worker.execute("SELECT event_store.work_seals()").fetchone() == (0,)
    assert admin.execute("SELECT seal, event_count FROM event_store.seals").fetchall() == [(1, 2)]


def test_two_sealers_at_once_are_harmless(empty_store: Store) -> None:
    first, second, app = (
        empty_store.connect(role, autocommit=False) for role in ("postgres", "postgres", APPLICATION_ROLE)
    )
    append(empty_store.connect(), 3)
    while first.execute("SELECT event_store.seal_events('0')").fetchone() == (0,):
        time.sleep(0.1)
    found = list[Any]()
    waiting = threading.Thread(
        target=lambda: found.append(second.execute("SELECT event_store.seal_events('0')").fetchone())
    )
    waiting.start()
    waiting.join(timeout=0.5)
    first.commit()
    waiting.join()
    second.commit()
    assert found == [(0,)]
    assert problems(app) == []


def test_the_application_cannot_stop_the_sealer(empty_store: Store) -> None:
    """It owns the database, so it may vacuum and analyze, which holds a lock to the end of the transaction."""
    admin, app = empty_store.connect("postgres", options="-c lock_timeout=10s"), empty_store.connect(autocommit=False)
    append(admin, 3)
    app.execute("ANALYZE event_store.seals, event_store.settings, event_store.retirements")
    app.execute("SELECT pg_advisory_lock(hashtext('event_store'), hashtext('work_seals'))")
    deadline = time.monotonic() + 300
    while admin.execute("SELECT event_store.seal_events('0')").fetchone() == (0,):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    app.rollback()
    assert problems(admin) == []


def test_an_open_transaction_is_waited_for(empty_store: Store) -> None:
    """What it appends comes before later events in the feed, so none of these may be sealed."""
    admin, app = empty_store.connect("postgres"), empty_store.connect()
    late = empty_store.connect(autocommit=False)
    aggregate = append(late, 1)
    append(app, 1)
    admin.execute("SELECT event_store.seal_events('0')")
    assert admin.execute("SELECT count(*) FROM event_store.seals").fetchone() == (0,)
    late.commit()
    seal(admin)
    first = admin.execute("SELECT aggregate_id FROM event_store.events ORDER BY transaction_id LIMIT 1").fetchone()
    assert first == (aggregate,)
    assert problems(admin) == []


def test_a_long_history_is_sealed_in_pieces(empty_store: Store) -> None:
    admin = empty_store.connect("postgres")
    append(admin, 10_001)
    seal(admin)
    assert admin.execute("SELECT event_count FROM event_store.seals ORDER BY seal").fetchall() == [(10_000,), (1,)]
    assert problems(admin) == []


def test_sealing_while_writers_append_misses_no_event(empty_store: Store) -> None:
    admin, stop = empty_store.connect("postgres"), threading.Event()

    def write(connection: Connection) -> None:
        while not stop.is_set():
            append(connection, 2)

    writers = [threading.Thread(target=write, args=[empty_store.connect()]) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(50):
            admin.execute("SELECT event_store.seal_events('0')")
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    seal(admin)
    assert problems(admin) == []
    counts = admin.execute("""
        SELECT (SELECT sum(event_count) FROM event_store.seals), (SELECT count(*) FROM event_store.events)
    """).fetchone()
    assert counts is not None
    assert counts[0] == counts[1] > 0


# Who may do what


def refused(connection: Connection, statement: str) -> str | None:
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        connection.execute(statement)
    return caught.value.sqlstate


def test_the_application_cannot_touch_seals(sealed: Store) -> None:
    app: psycopg.Connection[Any] = sealed.connect()
    for statement in (
        "UPDATE event_store.seals SET event_count = 1",
        "DELETE FROM event_store.seals",
        "TRUNCATE event_store.seals",
        "INSERT INTO event_store.seals SELECT * FROM event_store.seals",
        "SELECT event_store.work_seals()",
        "SELECT event_store.seal_events('0')",
    ):
        assert refused(app, statement) == "42501", statement


def test_the_superusers_slip_is_refused(admin: Connection) -> None:
    for statement in (
        "UPDATE event_store.seals SET event_count = 1",
        "DELETE FROM event_store.seals",
        "TRUNCATE event_store.seals",
    ):
        assert refused(admin, statement) == "SE005", statement


def test_the_worker_can_do_nothing_else(sealed: Store) -> None:
    worker = sealed.connect("event_store_worker")
    for statement in ("SELECT event_store.seal_events('0')", "SELECT * FROM event_store.seals"):
        assert refused(worker, statement) == "42501", statement
