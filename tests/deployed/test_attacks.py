"""Every role × every attack, on both versions: what is refused, and what is found afterwards.

Each attack is taken back, so that each meets the store as it was deployed; of those that are refused nothing is left.

Known and not prevented: whoever may append can hold the lock of an aggregate, and so stop the others' appends to it.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.model.event_stores import DATABASE

from .attacks import ATTACKS
from .attacks.rows import BEYOND, Attack
from .attacks.target import NAMES, Connection, Target
from .containers import SERVERS
from .deployment import Deployment


@pytest.fixture(scope="module", params=SERVERS)
def target(request: pytest.FixtureRequest, deployed_server: Callable[[str], Deployment]) -> Iterator[Target]:
    target = Target.prepare(request.param, deployed_server(request.param))
    yield target
    target.close()


@pytest.mark.parametrize("role", NAMES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(target: Target, attack: Attack, role: str) -> None:
    expected = attack.outcome(role, target.version)
    if expected == BEYOND:
        pytest.skip("a superuser is the account of the server")
    before = target.digest()
    assert attempt(target, attack, target.session(role), role) == expected
    assert target.digest() == before


def attempt(target: Target, attack: Attack, connection: Connection, role: str) -> str:
    """The SQLSTATE of the refusal, or what is different afterwards. Taken back."""
    try:
        if attack.autocommit:
            connection.execute(attack.sql)
            # It cannot be taken back.
            with target.superuser.transaction():
                return target.outcome(target.superuser)
        with connection.transaction(force_rollback=True):
            run(connection, attack)
            if role not in ("application", "worker"):
                return target.outcome(connection)
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    finally:
        if role not in ("application", "worker") and not connection.closed:
            connection.execute(f"SET SESSION AUTHORIZATION {NAMES[role]}")
    # It went through. The same again in a session that can look at what is different.
    with target.taken_on(role) as again, again.transaction(force_rollback=True):
        run(again, attack)
        return target.outcome(again)


def run(connection: Connection, attack: Attack) -> None:
    """The statements of an attack."""
    if attack.copy:
        with connection.cursor() as cursor, cursor.copy(attack.sql) as copy:
            copy.write(attack.copy)
    else:
        connection.execute(attack.sql)


@pytest.mark.parametrize("name", ["event_store_owner", "postgres", "stock_analysis_user", "event_store_worker"])
@pytest.mark.parametrize("role", ["application", "worker"])
def test_who_has_logged_in_stays_who_he_is(target: Target, role: str, name: str) -> None:
    if name == NAMES[role]:
        pytest.skip("that is he himself")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        target.session(role).execute(f"SET SESSION AUTHORIZATION {name}")


@pytest.mark.parametrize(
    "options",
    [
        {"user": "attack_nobody", "password": "nobody"},
        {"user": "attack_creator", "password": "creator"},
        {"user": "event_store_owner"},
        {"user": "event_store_worker"},
        {"user": "postgres"},
        {"dbname": "postgres"},
        {"dbname": "template1"},
        {"sslmode": "disable"},
        {"replication": "database"},
        {"password": "wrong"},
    ],
    ids=str,
)
def test_nobody_else_gets_in(target: Target, options: dict[str, str]) -> None:
    refused = r"no pg_hba.conf entry|authentication failed|permission denied|must be superuser"
    with pytest.raises(psycopg.OperationalError, match=refused):
        psycopg.connect(target.deployment.conninfo(target.container), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "column",
    [
        "created_at",
        "created_by",
        "global_position",
        "transaction_id",
        "event_version",
        "aggregate_type",
        "aggregate_id",
    ],
)
def test_what_the_server_gives_cannot_be_passed_to_an_append(target: Target, column: str) -> None:
    before = target.digest()
    event = {"event_type": "Forged", "event_data": {}, column: "1"}
    with pytest.raises(psycopg.Error) as caught:
        target.session("application").execute(
            "SELECT event_store.append_events('Target', %s, 0, %s)", [uuid4(), Jsonb([event])]
        )
    assert caught.value.sqlstate == "SE002"
    assert target.digest() == before


def test_commands_of_other_sessions_are_not_shown(target: Target) -> None:
    target.superuser.execute("SELECT 'secret of the superuser'")
    for role in ("application", "worker", "nobody", "creator", "owner"):
        seen = target.session(role).execute("SELECT query FROM pg_stat_activity WHERE usename = 'postgres'").fetchall()
        assert seen
        # What was taken on from the superuser is its own session.
        assert not [query for (query,) in seen if "secret of" in query]


def test_whoever_holds_the_lock_of_an_aggregate_stops_that_aggregate_only(target: Target) -> None:
    append = "SELECT event_store.append_event('Target', %s, NULL, 'Stored', '{}')"
    app, held = target.session("application"), uuid4()
    key = target.superuser.execute("SELECT event_store.aggregate_lock('Target', %s)", [held]).fetchone()
    with target.deployment.connect(target.container) as other:
        other.execute("SELECT pg_advisory_lock(%s)", key)
        with app.transaction():
            app.execute("SET LOCAL lock_timeout = '100ms'")
            app.execute(append, [uuid4()])
            with pytest.raises(psycopg.errors.LockNotAvailable), app.transaction():
                app.execute(append, [held])
    app.execute(append, [held])


def test_definers_say_where_they_look_and_are_granted_one_by_one(target: Target) -> None:
    rows: list[Any] = target.superuser.execute(
        """
        SELECT p.oid::regprocedure
          FROM pg_proc p
         WHERE p.pronamespace::regnamespace::text IN ('event_store', 'projections', 'deployment', 'public')
           AND (has_function_privilege('attack_nobody', p.oid, 'EXECUTE')
                OR p.prosecdef AND NOT EXISTS (
                    SELECT FROM unnest(p.proconfig) AS setting WHERE setting ~ '^search_path=pg_catalog,.* pg_temp$'))
        """
    ).fetchall()
    assert rows == []


def test_the_database_is_let_into_by_name_only(target: Target) -> None:
    with target.server.connect("postgres") as connection:
        connection.execute("SET SESSION AUTHORIZATION attack_nobody")
        row = connection.execute("SELECT has_database_privilege(%s, 'CONNECT')", [DATABASE]).fetchone()
    assert row == (False,)
