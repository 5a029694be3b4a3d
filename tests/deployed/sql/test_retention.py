"""Events that are old enough leave, exported and recorded; nothing else does, and the seals verify afterwards."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from .sealing import Connection, append, append_old, leaf, problems, root, seal, seal_then, tampering
from .stores import Store


def archive(connection: Connection, first: int, last: int) -> list[str]:
    return [line for (line,) in connection.execute("SELECT event_store.export_events(%s, %s)", [first, last])]


def root_of(lines: list[str]) -> bytes:
    return root([leaf(line) for line in lines if not line.startswith('{"seal"')])


def retire(connection: Connection, first: int, last: int, export_root: bytes | None = None) -> int:
    """As `make retire` does it; returns the number of events."""
    export_root = export_root or root_of(archive(connection, first, last))
    row = connection.execute(
        "SELECT event_store.retire_events(%s, %s, %s, '/archive/file')", [first, last, export_root]
    ).fetchone()
    assert row is not None
    return int(row[0])


def refused(connection: Connection, action: Callable[[], object]) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        action()
    return caught.value


def stored(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM event_store.events").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def admin(empty_store: Store) -> Connection:
    """Seals 1 and 2 of old events, seal 3 of young ones."""
    admin = empty_store.connect("postgres")
    append_old(admin, 3)
    append_old(admin, 4)
    seal_then(admin)
    append_old(admin, 5)
    seal_then(admin)
    append(empty_store.connect(), 2)
    seal_then(admin)
    return admin


def test_whole_old_seals_leave_and_the_rest_verifies(empty_store: Store, admin: Connection) -> None:
    assert admin.execute("SELECT * FROM event_store.retirable_seals(now())").fetchall() == [(1, 7), (2, 5)]
    lines = archive(admin, 1, 2)
    assert retire(admin, 1, 2) == 12
    assert stored(admin) == 2
    assert problems(admin) == []
    assert admin.execute("SELECT * FROM event_store.retirable_seals(now())").fetchall() == []

    recorded = admin.execute("""
        SELECT from_seal, to_seal, event_count, export_root, exported_to, retired_by,
               retired_at BETWEEN now() - interval '1 minute' AND clock_timestamp()
          FROM event_store.retirements
    """).fetchall()
    assert recorded == [(1, 2, 12, root_of(lines), "/archive/file", "postgres", True)]

    app = empty_store.connect()
    text = "\n".join(lines)
    check = "SELECT kind FROM event_store.verify_export(%s)"
    assert app.execute(check, [text]).fetchall() == []
    assert app.execute(check, [text.replace("PositionUpdated", "PositionClosed", 1)]).fetchall() == [
        ("export damaged",)
    ]
    assert archive(admin, 1, 2) == [line for line in lines if line.startswith('{"seal"')]


@pytest.mark.parametrize("lost", [1, 2])
def test_an_archive_that_lost_all_events_of_a_seal_does_not_verify(empty_store: Store, lost: int) -> None:
    """Only who verifies knows that events belong to it: without them it looks like an export of the seals alone."""
    admin, app = empty_store.connect("postgres"), empty_store.connect()
    append_old(admin, 3)
    seal_then(admin)
    append_old(admin, 2)
    seal_then(admin)
    lines = {seal: archive(admin, seal, seal) for seal in (1, 2)}
    check = "SELECT seal, kind FROM event_store.verify_export(%s, with_events => true)"
    assert app.execute(check, ["\n".join(lines[1] + lines[2])]).fetchall() == []
    lines[lost] = lines[lost][:1]
    assert app.execute(check, ["\n".join(lines[1] + lines[2])]).fetchall() == [(lost, "events missing")]
    seals = "\n".join(line for (line,) in admin.execute("SELECT event_store.export_seals()"))
    assert app.execute("SELECT * FROM event_store.verify_export(%s)", [seals]).fetchall() == []


def test_seals_leave_one_after_the_other(admin: Connection) -> None:
    assert retire(admin, 1, 1) == 7
    assert problems(admin) == []
    assert retire(admin, 2, 2) == 5
    assert problems(admin) == []
    assert admin.execute("SELECT from_seal, to_seal FROM event_store.retirements").fetchall() == [(1, 1), (2, 2)]


def test_sealing_goes_on_after_everything_has_left(admin: Connection) -> None:
    admin.execute("UPDATE event_store.settings SET retention = '1 day'")
    append_old(admin, 2, age="2 days")
    seal_then(admin)
    retire(admin, 1, 2)
    append_old(admin, 2)
    seal_then(admin)
    assert problems(admin) == []
    assert admin.execute("SELECT max(seal) FROM event_store.seals").fetchone() == (5,)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (1, 3, "younger than the retention"),
        (3, 3, "cannot be retired"),
        (2, 2, "cannot be retired"),
        (2, 1, "cannot be retired"),
        (1, 4, "cannot be retired"),
        (0, 1, "cannot be retired"),
    ],
)
def test_what_must_not_leave_is_refused(admin: Connection, first: int, last: int, reason: str) -> None:
    error = refused(admin, lambda: retire(admin, first, last))
    assert error.sqlstate == "SE015"
    assert reason in str(error)
    assert error.diag.message_detail
    assert error.diag.message_hint
    assert stored(admin) == 14


def test_a_young_seal_over_old_events_is_refused(empty_store: Store) -> None:
    """Its time is in the chain of the seals: what verify_seals() can judge a retirement by."""
    admin = empty_store.connect("postgres")
    append_old(admin, 3)
    seal(admin)
    assert admin.execute("SELECT * FROM event_store.retirable_seals(now())").fetchall() == []
    assert "younger than the retention" in str(refused(admin, lambda: retire(admin, 1, 1)))


def test_what_has_left_does_not_leave_again(admin: Connection) -> None:
    retire(admin, 1, 1)
    assert refused(admin, lambda: retire(admin, 1, 1)).sqlstate == "SE015"


def test_the_retention_is_the_stores_setting(admin: Connection) -> None:
    admin.execute("UPDATE event_store.settings SET retention = '9 years'")
    assert admin.execute("SELECT * FROM event_store.retirable_seals(now())").fetchall() == []
    assert "retention is 9 years" in str(refused(admin, lambda: retire(admin, 1, 1)))


def test_before_keeps_what_is_younger(admin: Connection) -> None:
    assert admin.execute("SELECT * FROM event_store.retirable_seals(now() - interval '9 years')").fetchall() == []


def test_an_export_that_is_not_complete_is_refused(admin: Connection) -> None:
    lines = archive(admin, 1, 1)
    for wrong in (
        lines[:-1],
        [*lines, lines[-1]],
        [line.replace("system", "sYstem") for line in lines],
        archive(admin, 1, 2),
    ):
        error = refused(admin, lambda wrong=wrong: retire(admin, 1, 1, root_of(wrong)))  # type: ignore[misc]
        assert error.sqlstate == "SE015"
        assert "the export does not hold exactly" in str(error)
    for missing in ("NULL, 'file'", "sha256(''), ''", "sha256(''), NULL"):
        statement = f"SELECT event_store.retire_events(1, 1, {missing})"
        refused(admin, lambda statement=statement: admin.execute(statement))  # type: ignore[misc]
    assert stored(admin) == 14


def test_events_that_do_not_verify_do_not_leave(admin: Connection) -> None:
    with tampering(admin):
        admin.execute("UPDATE event_store.events SET actor = 'x' WHERE created_at < now() - interval '1 year'")
        assert refused(admin, lambda: retire(admin, 1, 1)).sqlstate == "SE016"


def test_a_reader_that_is_behind_is_waited_for(empty_store: Store, admin: Connection) -> None:
    app = empty_store.connect()
    app.execute("SELECT event_store.create_subscription('mails', 2)")
    error = refused(admin, lambda: retire(admin, 1, 1))
    assert error.sqlstate == "SE015"
    assert error.diag.message_detail == "behind are: subscription mails"
    app.execute("SELECT event_store.drop_subscription('mails')")
    retire(admin, 1, 1)


def test_a_projection_that_is_behind_is_waited_for(empty_store: Store, admin: Connection) -> None:
    admin.execute("SELECT event_store.enroll_projections()")
    detail = refused(admin, lambda: retire(admin, 1, 1)).diag.message_detail or ""
    assert "projection portfolio_positions" in detail
    deadline = time.monotonic() + 300
    while admin.execute("""
        SELECT FROM event_store.seals s, event_store.readers_behind(s.last_transaction_id, s.last_position) WHERE s.seal = 2
    """).fetchall():
        admin.execute("SELECT event_store.work_projections()")
        assert time.monotonic() < deadline
    retire(admin, 1, 2)


def test_a_store_without_an_event_left_goes_on_in_another_cluster(empty_store: Store) -> None:
    """Its seals say where the feed was."""
    admin, ahead = empty_store.connect("postgres"), 10**12
    admin.execute("UPDATE event_store.settings SET feed_offset = %s", [ahead])
    admin.execute(
        """
        INSERT INTO event_store.events (event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type,
                                        event_data, created_at)
        VALUES (gen_random_uuid(), (pg_current_xact_id()::text::bigint + %s)::text::xid8, 'Position', gen_random_uuid(), 1,
                'PositionUpdated', '{}', now() - interval '8 years')
        """,
        [ahead],
    )
    seal_then(admin)
    retire(admin, 1, 1)
    admin.execute("UPDATE event_store.settings SET feed_offset = 0, cluster_identifier = 1")
    restored = empty_store.connect("postgres")
    assert restored.execute("SELECT event_store.rebase_feed()").fetchone() == (True,)
    append(empty_store.connect(), 1)
    seal(restored)
    assert problems(restored) == []
    assert restored.execute("SELECT event_count FROM event_store.seals ORDER BY seal").fetchall() == [(1,), (1,)]


# Aggregates go on


def test_an_aggregate_that_goes_on_needs_a_snapshot(empty_store: Store) -> None:
    admin, app = empty_store.connect("postgres"), empty_store.connect()
    aggregate = append_old(admin, 3)
    seal_then(admin)
    append(app, 2, aggregate_id=aggregate, version=3)
    seal_then(admin)

    error = refused(admin, lambda: retire(admin, 1, 1))
    assert error.sqlstate == "SE015"
    assert error.diag.message_detail == f"without a snapshot are: Position {aggregate} at version 3 or later"
    app.execute("SELECT event_store.save_snapshot('Position', %s, 2, '{}')", [aggregate])
    assert refused(admin, lambda: retire(admin, 1, 1)).sqlstate == "SE015"
    app.execute("SELECT event_store.save_snapshot('Position', %s, 4, '{}')", [aggregate])

    retire(admin, 1, 1)
    assert app.execute("SELECT event_version FROM event_store.get_events('Position', %s)", [aggregate]).fetchall() == [
        (4,),
        (5,),
    ]
    append(app, 1, aggregate_id=aggregate, version=5)
    assert admin.execute("SELECT count(*) FROM event_store.retired_aggregates").fetchone() == (0,)


def test_many_aggregates_without_a_snapshot_are_counted(empty_store: Store) -> None:
    admin, app = empty_store.connect("postgres"), empty_store.connect()
    aggregates = [append_old(admin, 1) for _ in range(13)]
    seal_then(admin)
    for aggregate in aggregates:
        append(app, 1, aggregate_id=aggregate, version=1)
    detail = refused(admin, lambda: retire(admin, 1, 1)).diag.message_detail or ""
    assert detail.count("Position") == 10
    assert detail.endswith("and 3 more")


def test_an_aggregate_without_an_event_left_goes_on_counting(empty_store: Store) -> None:
    admin, app = empty_store.connect("postgres"), empty_store.connect()
    aggregate = append_old(admin, 3)
    seal_then(admin)
    retire(admin, 1, 1)
    assert admin.execute("SELECT * FROM event_store.retired_aggregates").fetchall() == [("Position", aggregate, 3)]

    conflict = refused(app, lambda: append(app, 1, aggregate_id=aggregate, version=0))
    assert (conflict.sqlstate, conflict.diag.message_detail) == ("SE001", "expected version 0, actual version 3")
    append(app, 2, aggregate_id=aggregate, version=3)
    assert version_of(app, aggregate) == 5

    # And once more, when those have left as well.
    with admin.transaction():
        for table in ("events", "seals"):
            admin.execute(f"ALTER TABLE event_store.{table} DISABLE TRIGGER ALL")
        admin.execute("UPDATE event_store.events SET created_at = created_at - interval '8 years'")
        for table, triggers in (
            ("events", ("append_only", "append_only_rows", "retired_only")),
            ("seals", ("append_only",)),
        ):
            for trigger in triggers:
                admin.execute(f"ALTER TABLE event_store.{table} ENABLE ALWAYS TRIGGER {table}_{trigger}")
    seal_then(admin)
    retire(admin, 2, 2)
    assert refused(app, lambda: append(app, 1, aggregate_id=aggregate, version=3)).sqlstate == "SE001"
    append(app, 1, aggregate_id=aggregate, version=5)


def version_of(connection: Connection, aggregate: UUID) -> int:
    row = connection.execute(
        "SELECT max(event_version) FROM event_store.events WHERE aggregate_id = %s", [aggregate]
    ).fetchone()
    assert row is not None
    return int(row[0])


# Nothing else leaves


@pytest.mark.parametrize("role", ["stock_analysis_user", "event_store_worker"])
def test_only_the_operator_can_retire(empty_store: Store, admin: Connection, role: str) -> None:
    session = empty_store.connect(role)
    statement = "SELECT event_store.retire_events(1, 1, sha256(''), 'nowhere')"
    assert refused(session, lambda: session.execute(statement)).sqlstate == "42501"


def test_a_delete_by_mistake_is_refused(admin: Connection) -> None:
    for statement in (
        "DELETE FROM event_store.events",
        "DELETE FROM event_store.events WHERE false",
        "DELETE FROM event_store.events WHERE created_at < now() - interval '8 years'",
        "TRUNCATE event_store.events",
        "TRUNCATE event_store.events CASCADE",
        "UPDATE event_store.events SET actor = 'x'",
        *(
            statement
            for table in ("retirements", "retired_aggregates", "erasures")
            for statement in (f"DELETE FROM event_store.{table}", f"TRUNCATE event_store.{table}")
        ),
    ):
        assert refused(admin, lambda statement=statement: admin.execute(statement)).sqlstate == "SE005", statement  # type: ignore[misc]
    assert stored(admin) == 14


def test_a_retirement_opens_the_door_for_its_own_events_only(admin: Connection) -> None:
    for statement in (
        "DELETE FROM event_store.events",
        "DELETE FROM event_store.events WHERE created_at > now() - interval '1 hour'",
        "UPDATE event_store.events SET actor = 'x'",
        "TRUNCATE event_store.events",
    ):

        def both(statement: str = statement) -> None:
            retire(admin, 1, 1)
            admin.execute(statement)

        assert refused(admin, both).sqlstate == "SE005", statement
    assert stored(admin) == 14

    retire(admin, 1, 1)
    statement = "DELETE FROM event_store.events"
    assert refused(admin, lambda: admin.execute(statement)).sqlstate == "SE005"


def test_an_event_forged_into_what_has_left_is_found(admin: Connection) -> None:
    with tampering(admin):
        admin.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM event_store.events")
        retire(admin, 1, 1)
        admin.execute("INSERT INTO event_store.events SELECT * FROM kept WHERE global_position = 2")
        assert problems(admin) == [(1, "inserted")]


def test_a_retired_stretch_without_a_retirement_is_found(admin: Connection) -> None:
    with tampering(admin):
        retire(admin, 1, 1)
        admin.execute("DELETE FROM event_store.retirements")
        assert problems(admin) == [(1, "deleted")]


def forge(admin: Connection, first: int, last: int, **columns: str) -> None:
    """A superuser's retirement without retire_events(): the record, and then the events."""
    values = {
        "from_seal": str(first),
        "to_seal": str(last),
        "after_transaction_id": "min(after_transaction_id::text)::xid8",
        "after_position": "0",
        "last_transaction_id": "(array_agg(last_transaction_id ORDER BY seal DESC))[1]",
        "last_position": "(array_agg(last_position ORDER BY seal DESC))[1]",
        "event_count": "sum(event_count)",
        "export_root": "event_store.merkle_root(string_agg(leaves, '' ORDER BY seal))",
        "exported_to": "'nowhere'",
    } | columns
    where = f"FROM event_store.seals WHERE seal BETWEEN {first} AND {last}"
    admin.execute(
        f"INSERT INTO event_store.retirements ({', '.join(values)}) SELECT {', '.join(values.values())} {where}"
    )
    admin.execute(f"""
        DELETE FROM event_store.events e USING event_store.seals s
         WHERE s.seal BETWEEN {first} AND {last}
           AND (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position)
           AND (e.transaction_id, e.global_position) <= (s.last_transaction_id, s.last_position)
    """)


@pytest.mark.parametrize("when", ["clock_timestamp()", "clock_timestamp() + interval '100 years'"])
def test_a_forged_retirement_of_young_events_is_found(admin: Connection, when: str) -> None:
    with tampering(admin):
        retire(admin, 1, 1)
        forge(admin, 2, 3, retired_at=when)
        assert problems(admin) == [(3, "retired too early")]
        assert problems(admin, 1, 2) == []


def test_a_retirement_that_does_not_fit_its_seals_is_found(admin: Connection) -> None:
    with tampering(admin):
        forge(admin, 1, 2, export_root="sha256('')")
        assert problems(admin) == [(2, "retirement edited")]


def test_only_the_seals_that_a_retirement_names_may_be_empty(admin: Connection) -> None:
    with tampering(admin):
        forge(admin, 2, 2)
        admin.execute(
            "DELETE FROM event_store.events e USING event_store.seals s WHERE s.seal = 1 AND (e.transaction_id,"
            " e.global_position) <= (s.last_transaction_id, s.last_position)"
        )
        assert problems(admin) == [(1, "deleted")]


def test_an_aggregate_that_goes_on_after_all_is_loaded_from_its_archive(empty_store: Store, admin: Connection) -> None:
    app = empty_store.connect()
    aggregate = admin.execute("SELECT aggregate_id FROM event_store.events ORDER BY global_position").fetchone()
    assert aggregate is not None
    load = "SELECT event_type, event_version FROM event_store.load_aggregate('Position', %s)"
    retire(admin, 1, 1)
    append(app, 1, aggregate_id=aggregate[0], version=3)
    error = refused(app, lambda: app.execute(load, aggregate))
    assert error.sqlstate == "SE015"
    assert "event_store.retirements" in (error.diag.message_hint or "")
    app.execute("SELECT event_store.save_snapshot('Position', %s, 3, '{}')", aggregate)
    assert app.execute(load, aggregate).fetchall() == [(None, 3), ("PositionUpdated", 4)]


def test_two_at_once_wait_for_each_other(empty_store: Store, admin: Connection) -> None:
    export_root = root_of(archive(admin, 1, 1))
    first, second = (empty_store.connect("postgres", autocommit=False) for _ in range(2))
    retire(first, 1, 1, export_root)
    second.execute("SET LOCAL lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        retire(second, 1, 1, export_root)
    second.rollback()
    first.commit()
    with pytest.raises(psycopg.Error) as caught:
        retire(second, 1, 1, export_root)
    assert caught.value.sqlstate == "SE015"
    second.rollback()


def test_appending_goes_on_meanwhile(empty_store: Store, admin: Connection) -> None:
    app = empty_store.connect(options="-c lock_timeout=2s")
    retiring = empty_store.connect("postgres", autocommit=False)
    retire(retiring, 1, 2)
    append(app, 1, aggregate_id=uuid4())
    retiring.commit()
    assert problems(admin) == []
