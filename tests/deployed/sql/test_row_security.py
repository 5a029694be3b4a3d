"""A session sees its own user's rows, whichever way it asks."""

from uuid import UUID, uuid4

import psycopg
import pytest

from .projecting import Connection, append, value, work
from .stores import Store

TABLES = ("users", "accounts", "journal", "user_preferences")
#: The same in each process that runs tests: one of them names parameters.
ANN, BEN = UUID("ad5434af-fdc1-4083-9a2d-ae8d3b763b99"), UUID("0f8c2a51-77b0-4c4e-8e0f-5d0a7c1be2d3")


@pytest.fixture(scope="module", autouse=True)
def two_users(store: Store) -> None:
    """Each with one row in each read model."""
    admin = store.connect("postgres")
    for user in (ANN, BEN):
        owned = {"user_id": str(user)}
        booked = {**owned, "account_id": str(uuid4()), "ts": "2025-01-01T00:00:00Z", "type": "deposit"}
        append(admin, "User", user, ("UserRegistered", {"email": f"{user}@example.org", "subscription_tier": "free"}))
        append(admin, "Account", uuid4(), ("AccountOpened", {**owned, "currency": "USD"}))
        append(admin, "JournalEntry", uuid4(), ("JournalEntryRecorded", booked))
        append(admin, "UserPreferences", user, ("UserPreferencesSet", {"preferences": {"theme": "dark"}}))
    work(admin)


def users(connection: Connection, relation: str, schema: str = "projections") -> set[UUID]:
    return {user for (user,) in connection.execute(f"SELECT user_id FROM {schema}.{relation}").fetchall()}


def become(connection: Connection, user: UUID | None, *, for_session: bool = True) -> None:
    connection.execute("SELECT event_store.set_user(%s, %s)", [user, for_session])


@pytest.mark.parametrize("table", TABLES)
def test_own_rows_and_no_others(app: Connection, table: str) -> None:
    assert users(app, table) == set()
    become(app, ANN)
    assert users(app, table) == {ANN}
    assert app.execute(f"SELECT FROM projections.{table} WHERE user_id = %s", [BEN]).fetchall() == []
    become(app, BEN)
    assert users(app, table) == {BEN}
    become(app, None)
    assert users(app, table) == set()


@pytest.mark.parametrize(
    "value_", ["", " ", "nobody", "0", "*", "NULL", f"{ANN}'", f"{{{ANN}}}", f"{ANN} ", str(ANN)[:-1]]
)
def test_what_is_no_user_sees_nothing_and_meets_no_error(app: Connection, value_: str) -> None:
    app.execute("SELECT set_config('event_store.user_id', %s, false)", [value_])
    for table in TABLES:
        assert users(app, table) == set()


def test_reset_is_nobody_and_a_plain_setting_does_as_well(app: Connection) -> None:
    app.execute(f"SET event_store.user_id = '{str(ANN).upper()}'")
    assert users(app, "journal") == {ANN}
    app.execute("RESET event_store.user_id")
    assert users(app, "journal") == set()
    app.execute(f"SET event_store.user_id = '{ANN}'")
    app.execute("DISCARD ALL")
    assert value(app, "SELECT current_setting('event_store.user_id', true) = ''")


def test_a_user_lasts_as_long_as_the_transaction(store: Store) -> None:
    """So a connection that goes back to a pool serves nobody."""
    app = store.connect(autocommit=False)
    for user in (ANN, BEN):
        become(app, user, for_session=False)
        assert users(app, "accounts") == {user}
        app.commit()
        assert users(app, "accounts") == set()
        app.rollback()


def test_prepared_statements_follow_the_user(app: Connection) -> None:
    """Past the fifth execution, when the server may have settled on one plan for all."""
    app.execute("PREPARE mine AS SELECT user_id FROM projections.journal")
    app.execute("PREPARE one (uuid) AS SELECT count(*) FROM projections.journal WHERE user_id = $1")
    for turn in range(16):
        user, other = (ANN, BEN) if turn % 2 else (BEN, ANN)
        become(app, user)
        assert app.execute("EXECUTE mine").fetchall() == [(user,)]
        assert app.execute(f"EXECUTE one ('{other}')").fetchall() == [(0,)]
    for mode in ("force_generic_plan", "force_custom_plan"):
        app.execute(f"SET plan_cache_mode = {mode}")
        for someone in (ANN, BEN, None):
            become(app, someone)
            assert app.execute("EXECUTE mine").fetchall() == ([(someone,)] if someone else [])


def test_a_cursor_keeps_the_user_it_was_opened_for(store: Store) -> None:
    app = store.connect(autocommit=False)
    become(app, ANN)
    app.execute("DECLARE held CURSOR WITH HOLD FOR SELECT user_id FROM projections.users")
    app.commit()
    become(app, BEN)
    assert app.execute("FETCH ALL FROM held").fetchall() == [(ANN,)]


def test_the_applications_own_views_and_functions_show_the_same(app: Connection) -> None:
    app.execute("CREATE SCHEMA IF NOT EXISTS app")
    for table in TABLES:
        app.execute(f"CREATE OR REPLACE VIEW app.{table} AS SELECT * FROM projections.{table}")
        app.execute(
            f"CREATE OR REPLACE FUNCTION app.of_{table}() RETURNS TABLE (user_id uuid) LANGUAGE sql SECURITY DEFINER"
            f" AS 'SELECT user_id FROM projections.{table}'"
        )
        for user in (ANN, BEN):
            become(app, user)
            assert users(app, table, "app") == {user}
            assert users(app, f"of_{table}()", "app") == {user}


@pytest.mark.parametrize("kind", ["VIEW", "FUNCTION"])
def test_even_what_runs_as_the_owner_shows_the_same(admin: Connection, app: Connection, kind: str) -> None:
    """FORCE: a view or a function of the owner's is no way round."""
    with admin.transaction():
        admin.execute("SET LOCAL ROLE event_store_owner")
        if kind == "VIEW":
            admin.execute("CREATE VIEW projections.leak AS SELECT user_id FROM projections.journal")
            admin.execute("GRANT SELECT ON projections.leak TO stock_analysis_user")
        else:
            admin.execute(
                "CREATE FUNCTION projections.leak() RETURNS TABLE (user_id uuid) LANGUAGE sql SECURITY DEFINER"
                " AS 'SELECT user_id FROM projections.journal'"
            )
            admin.execute("GRANT EXECUTE ON FUNCTION projections.leak() TO stock_analysis_user")
    relation = "leak" if kind == "VIEW" else "leak()"
    try:
        assert users(app, relation) == set()
        become(app, ANN)
        assert users(app, relation) == {ANN}
        app.execute("SELECT event_store.find_user('somebody'), public.refresh_materialized_views()")
        assert users(app, relation) == {ANN}
    finally:
        admin.execute(f"DROP {kind} projections.{relation}")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE projections.{} SET user_id = user_id",
        "DELETE FROM projections.{}",
        "INSERT INTO projections.{} DEFAULT VALUES",
        "TRUNCATE projections.{}",
        "COPY projections.{} FROM STDIN",
        "ALTER TABLE projections.{} DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_rows ON projections.{}",
        "CREATE POLICY all_rows ON projections.{} USING (true)",
        "SELECT * FROM projections.{} FOR UPDATE",
    ],
)
def test_the_application_changes_neither_rows_nor_rules(app: Connection, table: str, statement: str) -> None:
    become(app, ANN)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement.replace("{}", table))


def test_row_security_cannot_be_switched_off(app: Connection) -> None:
    become(app, ANN)
    app.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        users(app, "journal")
    app.execute("RESET row_security")
    app.execute("SET event_store.projecting = 'on'")
    assert users(app, "journal") == {ANN}


def test_a_leaky_function_sees_no_other_rows(app: Connection) -> None:
    """The policy is asked before a condition of the caller's, however cheap that claims to be."""
    app.execute("CREATE SCHEMA IF NOT EXISTS app")
    app.execute(
        "CREATE OR REPLACE FUNCTION app.peek(id uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0001"
        " AS 'BEGIN RAISE NOTICE ''%', id; RETURN true; END'".replace("''%', id", "''%'', id")
    )
    seen: list[str | None] = []
    app.add_notice_handler(lambda notice: seen.append(notice.message_primary))
    become(app, ANN)
    app.execute("SELECT count(*) FROM projections.journal WHERE app.peek(user_id)")
    assert seen == [str(ANN)]


def test_an_index_answers_a_users_queries(app: Connection) -> None:
    app.execute("SET enable_seqscan = off")
    become(app, ANN)

    leaf = value(app, "EXPLAIN (FORMAT JSON) SELECT * FROM projections.journal WHERE deleted_at IS NULL")[0]["Plan"]
    while "Plans" in leaf:
        leaf = leaf["Plans"][0]
    assert leaf["Index Name"].startswith("idx_journal_")
    assert "user_id = " in leaf["Index Cond"]
