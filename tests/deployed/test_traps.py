"""The application owns the database and may make schemas: nothing in them is taken for what the store means.

Not by the store's functions, which run as its owner; not by the worker; and not by the superuser who deploys.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from deploy.model.event_stores import DATABASE

from .attacks.target import Connection, Target
from .attacks.traps import SAMPLES, SET_TRAPS, SPRUNG
from .containers import SERVERS
from .deployment import Deployment

PATHS = ["mine, pg_catalog, pg_temp", "pg_temp, mine, pg_catalog", "mine"]
#: What goes through with traps all around. Without operators and functions of the session itself: it is in the traps, too.
CALLS = [
    "append_event('Trap', '6f1c2a4e-0000-4000-8000-0000000000a1', 0, 'Trapped', '{\"a\": 1}')",
    "append_events('Trap', '6f1c2a4e-0000-4000-8000-0000000000a2', 0, '[{\"event_type\": \"T\", \"event_data\": {}}]')",
    "get_events('Trap', '6f1c2a4e-0000-4000-8000-0000000000a1')",
    "save_snapshot('Trap', '6f1c2a4e-0000-4000-8000-0000000000a1', 1, '{}')",
    "load_aggregate('Trap', '6f1c2a4e-0000-4000-8000-0000000000a1')",
    "record_command('6f1c2a4e-0000-4000-8000-0000000000a3', 'T', 'Trap', '6f1c2a4e-0000-4000-8000-0000000000a1')",
    "get_events_by_category('Target')",
    "create_subscription('trap')",
    "claim_partition('trap', 'me')",
    "verify_seals()",
]


@pytest.fixture(scope="module", params=SERVERS)
def target(request: pytest.FixtureRequest, deployed_server: Callable[[str], Deployment]) -> Iterator[Target]:
    target = Target.prepare(request.param, deployed_server(request.param))
    yield target
    target.close()


def functions(connection: Connection) -> list[tuple[str, list[str]]]:
    """The functions that a role may call, with the types of their arguments."""
    return connection.execute(
        """
        SELECT p.oid::regproc::text, array(SELECT t::regtype::text FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n)
          FROM pg_proc p
         WHERE p.pronamespace::regnamespace::text IN ('event_store', 'public')
           AND p.prorettype <> 'trigger'::regtype AND has_function_privilege(p.oid, 'EXECUTE')
         ORDER BY 1
        """
    ).fetchall()


def spring(connection: Connection, call: str) -> str | None:
    """Call a function in the middle of traps; the SQLSTATE if it ends with an error."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SELECT FROM {call}")
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_a_trap_works(target: Target) -> None:
    """Otherwise the other tests would say nothing."""
    target.superuser.execute(
        "CREATE FUNCTION public.careless(value jsonb) RETURNS text LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT jsonb_typeof(value)'; GRANT EXECUTE ON FUNCTION public.careless TO stock_analysis_user"
    )
    try:
        app = target.session("application")
        with app.transaction(force_rollback=True):
            app.execute(SET_TRAPS)
            app.execute("SET LOCAL search_path = mine, pg_catalog")
            assert spring(app, "public.careless('{}')") == SPRUNG
    finally:
        target.superuser.execute("DROP FUNCTION public.careless")


@pytest.mark.parametrize("path", PATHS)
def test_the_stores_functions_see_no_trap(target: Target, path: str) -> None:
    app = target.session("application")
    callable_by_app = functions(app)
    assert len(callable_by_app) > 40
    with app.transaction(force_rollback=True):
        app.execute(SET_TRAPS)
        app.execute(f"SET LOCAL search_path = {path}")
        for call in CALLS:
            app.execute(f"SELECT FROM event_store.{call}")
        for name, types in callable_by_app:
            for arguments in ([SAMPLES[type_] for type_ in types], ["NULL" for _ in types]):
                assert spring(app, f"{name}({', '.join(arguments)})") != SPRUNG, name


def test_neither_the_worker_nor_the_deploy_is_led_astray(target: Target) -> None:
    """The owner of the database says where all who connect to it look for names."""
    app = target.session("application")
    services = [name for name, _ in functions(target.session("worker")) if "work_" in name]
    assert services
    app.execute(SET_TRAPS)
    app.execute(f"ALTER DATABASE {DATABASE} SET search_path = mine, pg_catalog")
    try:
        worker = target.fresh_session("worker")
        for name in services:
            assert spring(worker, f"{name}()") is None
        worker.close()

        status, report = target.deployment.drift()
        assert status == 2, report
        assert "has a setting of its own for search_path" in report
        target.deployment.apply()
        target.deployment.assert_as_declared()
    finally:
        app.execute(f"ALTER DATABASE {DATABASE} RESET search_path")
        app.execute("DROP SCHEMA mine CASCADE")
