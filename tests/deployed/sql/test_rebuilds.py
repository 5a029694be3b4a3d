"""Rebuilds: the old rows stay readable, until all of the new ones take their place at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from deploy.schema import catalogue

from .projecting import Connection, Numbers, append, register, settle, state, value, work
from .stores import Store


@pytest.fixture
def numbers(empty_store: Store) -> Numbers:
    """A projection with three rows; its function has been changed since."""
    projection = Numbers(empty_store, "numbers")
    register(projection.admin, projection)
    projection.append(1, 2, 4)
    work(projection.admin)
    projection.write("-(event.event_data ->> 'n')::integer", version=2)
    return projection


def rebuild(numbers: Numbers) -> None:
    numbers.admin.execute("SELECT event_store.rebuild_projection('numbers')")


def shadows(connection: Connection) -> int:
    counted = "SELECT count(*) FROM pg_class WHERE relnamespace = 'projections_rebuild'::regnamespace"
    return int(value(connection, counted))


def test_new_rows_take_the_place_of_the_old_ones(numbers: Numbers) -> None:
    rebuild(numbers)
    assert numbers.rows() == [1000, 500, 250]
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert numbers.rows() == [-1, -2, -4]
    assert (row["projection_version"], row["status"]) == (2, "active")
    assert shadows(numbers.admin) == 0
    numbers.append(8)
    work(numbers.admin)
    assert numbers.rows() == [-1, -2, -4, -8]


def test_the_old_rows_go_on_being_fed_meanwhile(numbers: Numbers) -> None:
    rebuild(numbers)
    numbers.append(5)
    settle(numbers.admin)
    assert value(numbers.admin, "SELECT event_store.advance_projection('numbers', 1)") == 2
    assert numbers.rows() == [1000, 500, 250, -5]
    assert value(numbers.admin, "SELECT rebuild_events_behind FROM event_store.projection_lag('numbers')") == 3
    work(numbers.admin)
    assert numbers.rows() == [-1, -2, -4, -5]


def test_rows_that_stay_equal_are_not_written(numbers: Numbers) -> None:
    numbers.write("1000 / (event.event_data ->> 'n')::integer")
    before = numbers.admin.execute("SELECT ctid, xmin, n FROM projections.numbers ORDER BY n").fetchall()
    rebuild(numbers)
    work(numbers.admin)
    assert numbers.admin.execute("SELECT ctid, xmin, n FROM projections.numbers ORDER BY n").fetchall() == before


def test_values_that_must_be_unique_may_change_places(numbers: Numbers) -> None:
    numbers.admin.execute("CREATE UNIQUE INDEX ON projections.numbers (n)")
    numbers.write("CASE WHEN event.event_data ->> 'n' = '1' THEN 500 ELSE 1000 END", version=2)
    numbers.admin.execute("DELETE FROM projections.numbers WHERE n = 250")
    numbers.admin.execute(
        "SELECT event_store.skip_event('numbers', event_id, 'for the test')"
        " FROM event_store.events WHERE event_data ->> 'n' = '4'"
    )
    rebuild(numbers)
    work(numbers.admin)
    assert numbers.rows() == [500, 1000]


def test_indexes_grants_row_security_and_views_stay(numbers: Numbers) -> None:
    numbers.admin.execute(
        "CREATE INDEX by_n ON projections.numbers (n); GRANT SELECT ON projections.numbers TO stock_analysis_user;"
        "CREATE VIEW projections.n AS SELECT n FROM projections.numbers; CREATE POLICY p ON projections.numbers USING (true);"
        "ALTER TABLE projections.numbers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    facts = """
        SELECT c.oid, relacl, relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid),
               array(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = c.oid ORDER BY 1)
          FROM pg_class c WHERE c.oid = 'projections.numbers'::regclass"""
    before = numbers.admin.execute(facts).fetchall()
    rebuild(numbers)
    work(numbers.admin)
    assert numbers.admin.execute(facts).fetchall() == before
    assert value(numbers.admin, "SELECT min(n) FROM projections.n") == -4


def test_an_error_leaves_the_old_rows_untouched(numbers: Numbers) -> None:
    numbers.write("1 / ((event.event_data ->> 'n')::integer - 2)", version=2)
    rebuild(numbers)
    work(numbers.admin)
    assert numbers.rows() == [1000, 500, 250]
    assert state(numbers.admin, "numbers")["status"] == "active"
    lag = "SELECT rebuild_status, rebuild_error_message FROM event_store.projection_lag('numbers')"
    assert numbers.admin.execute(lag).fetchall() == [("failed", "division by zero")]
    poison = value(numbers.admin, "SELECT failed_event_id FROM event_store.projection_rebuilds")
    numbers.admin.execute("SELECT event_store.skip_event('numbers', %s, 'for the test')", [poison])
    numbers.admin.execute("SELECT event_store.resume_projection('numbers')")
    work(numbers.admin)
    assert numbers.rows() == [-1, 0]


def test_a_failed_projection_is_mended_by_its_rebuild(numbers: Numbers) -> None:
    numbers.write("1 / (event.event_data ->> 'n')::integer")
    numbers.append(0)
    work(numbers.admin)
    assert state(numbers.admin, "numbers")["status"] == "failed"
    numbers.write("(event.event_data ->> 'n')::integer")
    rebuild(numbers)
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert (numbers.rows(), row["status"], row["error_message"]) == ([1, 2, 4, 0], "active", None)


def test_a_rebuild_can_be_given_up_and_begun_again(numbers: Numbers) -> None:
    rebuild(numbers)
    settle(numbers.admin)
    numbers.admin.execute("SELECT event_store.advance_projection('numbers', 1)")
    rebuild(numbers)
    assert str(value(numbers.admin, "SELECT last_transaction_id FROM event_store.projection_rebuilds")) == "0"
    assert value(numbers.admin, "SELECT event_store.cancel_rebuild('numbers')")
    assert not value(numbers.admin, "SELECT event_store.cancel_rebuild('numbers')")
    assert shadows(numbers.admin) == 0
    work(numbers.admin)
    assert numbers.rows() == [1000, 500, 250]


def test_a_newer_definition_is_built_by_itself(numbers: Numbers) -> None:
    register(numbers.admin, numbers, version=2)
    assert value(numbers.admin, "SELECT is_outdated FROM event_store.projection_lag('numbers')")
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert (numbers.rows(), row["definition_version"], row["projection_version"]) == ([-1, -2, -4], 2, 2)
    assert not value(numbers.admin, "SELECT is_outdated FROM event_store.projection_lag('numbers')")


def test_a_lost_checkpoint_is_made_good_by_a_rebuild(numbers: Numbers) -> None:
    numbers.admin.execute("DELETE FROM event_store.projections")
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert (numbers.rows(), row["status"], row["definition_version"]) == ([-1, -2, -4], "active", 1)


def test_a_projection_without_its_checkpoint_is_never_resumed_in_silence(numbers: Numbers) -> None:
    admin = numbers.admin
    admin.execute("SELECT event_store.pause_projection('numbers')")
    admin.execute("UPDATE event_store.projections SET definition_version = 0")
    with pytest.raises(psycopg.Error) as refusal:
        admin.execute("SELECT event_store.resume_projection('numbers')")
    assert refusal.value.sqlstate == "SE013"
    assert "rebuild_projection" in (refusal.value.diag.message_hint or "")
    rebuild(numbers)
    admin.execute("SELECT event_store.resume_projection('numbers')")
    work(admin)
    row = state(admin, "numbers")
    assert (numbers.rows(), row["status"], row["definition_version"]) == ([-1, -2, -4], "active", 1)


@pytest.mark.parametrize("table", ["positions", "users", "accounts", "journal", "user_preferences"])
@pytest.mark.parametrize("registry_is_there", [True, False])
def test_a_table_that_is_missing_is_built_again_alone(empty_store: Store, table: str, registry_is_there: bool) -> None:
    """The statement is what a repair runs: the files' own catalogue says how a missing table is made."""
    admin = empty_store.connect("postgres")
    work(admin)
    admin.execute("SET search_path = pg_catalog")
    snapshot = (catalogue.ROOT / "catalogue" / "snapshot.sql").read_text()
    # Without parameters: the text has percent signs.
    made = f"SELECT create_sql FROM ({snapshot}) s WHERE kind = 'table' AND identity = 'projections.{table}'"
    (create,) = admin.execute(made).fetchone() or [""]
    columns = "SELECT array_agg(attname || ' ' || attgenerated::text ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = "
    before = value(admin, f"{columns} 'projections.{table}'::regclass")
    admin.execute(f"DROP TABLE projections.{table} CASCADE")
    if not registry_is_there:
        admin.execute("DROP FUNCTION projections.registry() CASCADE")
    admin.execute(create)
    assert value(admin, f"{columns} 'projections.{table}'::regclass") == before
    lost = "SELECT array_agg(projection_name::text) FROM event_store.projections WHERE definition_version = 0"
    name = "portfolio_positions" if table == "positions" else table
    assert (value(admin, lost) == [name]) == registry_is_there
    # Fed from its old checkpoint on, the table would stay empty of all before, and nobody would be told.
    assert (state(admin, name)["status"], state(admin, name)["error_sqlstate"]) == ("failed", "SE013")


def test_after_a_retirement_it_is_refused_unless_that_is_known(numbers: Numbers) -> None:
    numbers.admin.execute(
        "INSERT INTO event_store.retirements (from_seal, to_seal, after_transaction_id, after_position,"
        " last_transaction_id, last_position, event_count, export_root, exported_to)"
        " VALUES (1, 1, '0', 0, '0', 0, 5, sha256('x'), 'file')"
    )
    with pytest.raises(psycopg.Error) as refusal:
        rebuild(numbers)
    assert refusal.value.sqlstate == "SE015"
    assert "without_retired" in (refusal.value.diag.message_hint or "")
    register(numbers.admin, numbers, version=2)
    work(numbers.admin)
    assert numbers.rows() == [1000, 500, 250]
    numbers.admin.execute("SELECT event_store.rebuild_projection('numbers', without_retired => true)")
    work(numbers.admin)
    assert numbers.rows() == [-1, -2, -4]


@pytest.mark.parametrize("status", ["failed", "paused"])
def test_a_rebuild_that_could_not_begin_is_none_that_is_under_way(numbers: Numbers, status: str) -> None:
    admin = numbers.admin
    admin.execute("UPDATE event_store.projections SET definition_version = 0, status = %s", [status])
    admin.execute("SELECT event_store.note_failed_rebuild('numbers', 'XX000', 'no room')")
    with pytest.raises(psycopg.Error) as refusal:
        admin.execute("SELECT event_store.resume_projection('numbers')")
    assert refusal.value.sqlstate == "SE013"


def test_a_table_needs_a_primary_key(numbers: Numbers) -> None:
    numbers.admin.execute("ALTER TABLE projections.numbers DROP CONSTRAINT numbers_pkey")
    with pytest.raises(psycopg.Error) as refusal:
        rebuild(numbers)
    assert refusal.value.sqlstate == "SE013"


@pytest.mark.parametrize(
    ("spoil", "sqlstate", "mend"),
    [
        (
            "ALTER TABLE projections.numbers DROP CONSTRAINT numbers_pkey",
            "SE013",
            "ALTER TABLE projections.numbers ADD CONSTRAINT numbers_pkey PRIMARY KEY (event_id)",
        ),
        (
            "CREATE VIEW projections_rebuild.numbers AS SELECT 1",
            "42809",
            "DROP VIEW projections_rebuild.numbers",
        ),
        (
            "REVOKE CREATE ON SCHEMA projections_rebuild FROM event_store_owner",
            "42501",
            "GRANT CREATE ON SCHEMA projections_rebuild TO event_store_owner",
        ),
    ],
    ids=["no primary key", "a view in the way", "no privilege"],
)
def test_a_rebuild_that_cannot_begin_stops_no_other_projection(
    numbers: Numbers, empty_store: Store, spoil: str, sqlstate: str, mend: str
) -> None:
    other = Numbers(empty_store, "other")
    admin = numbers.admin
    register(admin, numbers, other)
    work(admin)
    admin.execute(spoil)
    register(admin, numbers, other, version=2)
    admin.execute("UPDATE event_store.projections SET definition_version = 2 WHERE projection_name = 'other'")
    for number in (1, 2):
        other.append(number)
        numbers.append(number)
        work(admin)
        assert other.rows() == [1000, 500][:number]
        assert numbers.rows()[3:] == [-1, -2][:number], "the old rows are fed as well"
    lag = "SELECT is_outdated, rebuild_status FROM event_store.projection_lag('numbers')"
    assert admin.execute(lag).fetchone() == (True, "failed")
    assert value(admin, "SELECT error_sqlstate FROM event_store.projection_rebuilds") == sqlstate

    admin.execute(mend)
    while state(admin, "numbers")["definition_version"] < 2:
        work(admin)
        time.sleep(0.05)
    assert numbers.rows() == [-1, -2, -4, -1, -2]


def test_a_table_that_cannot_be_looked_at_stops_no_other_projection(numbers: Numbers, empty_store: Store) -> None:
    other = Numbers(empty_store, "other")
    admin = numbers.admin
    register(admin, numbers, other)
    admin.execute("DELETE FROM event_store.projections; ALTER TABLE projections.numbers OWNER TO postgres")
    other.append(1)
    work(admin)
    assert other.rows() == [1000]
    row = state(admin, "numbers")
    assert (row["status"], row["error_sqlstate"], row["definition_version"]) == ("failed", "42501", 0)
    admin.execute("ALTER TABLE projections.numbers OWNER TO event_store_owner")
    while state(admin, "numbers")["status"] == "failed":
        work(admin)
        time.sleep(0.05)
    assert numbers.rows() == [-1, -2, -4]


@contextmanager
def in_threads(*loops: Any) -> Iterator[None]:
    """Call each again and again until the block ends; an exception in one of them is the block's."""
    over, errors = threading.Event(), list[BaseException]()

    def run(loop: Any) -> None:
        try:
            while not over.is_set():
                loop()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not errors, errors


def test_readers_see_the_old_or_the_new_table_while_writers_append(numbers: Numbers, empty_store: Store) -> None:
    """Never an empty one, never a mixed one: rows of both versions are there only beyond where the rebuild began."""
    numbers.append(*range(1, 3000))
    numbers.write("1", version=1)
    work(numbers.admin)
    first = value(numbers.admin, "SELECT max(global_position) FROM event_store.events")
    numbers.write("1", version=2)
    reader, writer, workers = empty_store.connect("postgres"), empty_store.connect("postgres"), []
    seen = set[tuple[int, int]]()
    look = """
        SELECT count(DISTINCT version), count(*) FROM projections.numbers JOIN event_store.events USING (event_id)
         WHERE global_position <= %s"""

    def read() -> None:
        seen.update(reader.execute(look, [first]).fetchall())

    def write() -> None:
        append(writer, "Number", numbers.stream, (numbers.event_type, {"n": 1}))

    workers = [empty_store.connect("postgres") for _ in range(2)]
    calls = [lambda worker=worker: worker.execute("SELECT event_store.work_projections()") for worker in workers]
    with in_threads(read, write, *calls):
        for version in (2, 3):
            rebuild(numbers)
            while state(numbers.admin, "numbers")["projection_version"] < version:
                time.sleep(0.01)
    work(numbers.admin)
    assert seen == {(1, first)}
    stored = value(numbers.admin, "SELECT count(*) FROM event_store.events")
    assert value(numbers.admin, "SELECT count(*) FROM projections.numbers WHERE version = 2") == stored


def test_two_workers_apply_each_event_once(empty_store: Store) -> None:
    projections = [Numbers(empty_store, name) for name in ("a", "b", "c")]
    register(projections[0].admin, *projections)
    workers = [empty_store.connect("postgres") for _ in range(3)]
    calls = [lambda worker=worker: worker.execute("SELECT event_store.work_projections()") for worker in workers]
    with in_threads(*calls):
        for _ in range(20):
            for projection in projections:
                projection.append(1, 2, 4, 5)
    work(projections[0].admin)
    for projection in projections:
        assert projection.rows() == [1000, 500, 250, 200] * 20
        assert state(projection.admin, projection.name)["revision"] == 80


def work_until_killed(worker: Connection, killer: Connection) -> None:
    """The server ends the worker's session while its function runs."""
    pid = worker.info.backend_pid
    is_working = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND query LIKE '%%work_projections%%'"

    def kill() -> None:
        while not value(killer, is_working, [pid]):
            time.sleep(0.001)
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    thread = threading.Thread(target=kill)
    thread.start()
    with suppress(psycopg.OperationalError):
        while True:
            worker.execute("SELECT event_store.work_projections()")
    thread.join()
    assert worker.broken


@pytest.mark.parametrize("is_rebuild", [False, True], ids=["rows", "rebuild"])
def test_a_worker_killed_in_a_batch_leaves_rows_and_checkpoint_together(
    numbers: Numbers, empty_store: Store, is_rebuild: bool
) -> None:
    numbers.append(*[1] * 30, sleep=0.01)
    if is_rebuild:
        work(numbers.admin)
        rebuild(numbers)
    settle(numbers.admin)
    killer = empty_store.connect("postgres")
    for _ in range(5):
        work_until_killed(empty_store.connect("postgres"), killer)
        table = "projections_rebuild.numbers" if is_rebuild else "projections.numbers"
        checkpoint = "projection_rebuilds" if is_rebuild else "projections"
        passed = f"SELECT last_global_position FROM event_store.{checkpoint}"
        rows = f"SELECT count(*) FROM {table}"
        if not is_rebuild or shadows(numbers.admin):  # or else it was over before the last kill
            assert value(numbers.admin, passed) == value(numbers.admin, rows)
    work(numbers.admin)
    expected = [-1, -2, -4] if is_rebuild else [1000, 500, 250]
    assert numbers.rows() == expected + [-1] * 30
