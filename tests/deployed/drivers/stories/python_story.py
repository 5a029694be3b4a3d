"""The story of test_drivers.py with a synchronous driver of Python, which the argument names."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Rows = list[tuple[Any, ...]]
#: Runs a statement with `%s` for each value, in a transaction of its own.
Query = Callable[..., Rows]
#: SQLSTATE, detail and hint of what a driver raises.
Told = tuple[str | None, str | None, str | None]
#: How a session listens, and returns the payload that comes first.
Hear = Callable[[Callable[[], object]], str]
Driver = tuple[Query, Callable[[Any], Told], Hear | None]

DSN, AGGREGATE = os.environ["STORY_DSN"], os.environ["STORY_AGGREGATE"]


def with_psycopg2(dsn: str) -> Driver:
    """The text of JSON goes in, dicts come out."""
    import psycopg2

    connection = psycopg2.connect(dsn)
    connection.autocommit = True

    def query(sql: str, *values: object) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def hear(notify: Callable[[], object]) -> str:
        connection.cursor().execute("LISTEN event_store")
        notify()
        while not connection.notifies:
            connection.poll()
        return str(connection.notifies[0].payload)

    return query, lambda error: (error.pgcode, error.diag.message_detail, error.diag.message_hint), hear


def with_pg8000(parts: str) -> Driver:
    """Takes the parts one by one."""
    import pg8000.dbapi

    given = json.loads(parts)
    names = {name: given[name] for name in ("host", "port", "user", "password")}
    connection = pg8000.dbapi.connect(database=given["dbname"], ssl_context=True, **names)
    connection.autocommit = True

    def query(sql: str, *values: object) -> Rows:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        return [tuple(row) for row in cursor.fetchall()]

    def told(error: Any) -> Told:
        fields = error.args[0] if isinstance(error.args[0], dict) else {}
        return fields.get("C"), fields.get("D"), fields.get("H")

    def hear(notify: Callable[[], object]) -> str:
        connection.cursor().execute("LISTEN event_store")
        notify()
        while not connection.notifications:
            query("SELECT 1")
        return str(connection.notifications[0][-1])

    return query, told, hear


def with_sqlalchemy(url: str) -> Driver:
    """With psycopg below it, which is asked for the error."""
    from sqlalchemy import create_engine

    engine = create_engine(url, pool_size=1, max_overflow=0)

    def query(sql: str, *values: object) -> Rows:
        with engine.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql, values)]

    def told(error: Any) -> Told:
        return error.orig.sqlstate, error.orig.diag.message_detail, error.orig.diag.message_hint

    return query, told, None


def with_django(parts: str) -> Driver:
    """jsonb is text for it unless a model says otherwise."""
    import django
    from django.conf import settings
    from django.core.signals import request_started
    from django.db import connection

    given = json.loads(parts)
    names = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    database = {key: given[name] for key, name in names.items()} | {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"sslmode": given["sslmode"]},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
    settings.configure(DATABASES={"default": database})
    django.setup()

    def query(sql: str, *values: object) -> Rows:
        request_started.send(sender=None)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def told(error: Any) -> Told:
        cause = error.__cause__
        return cause.sqlstate, cause.diag.message_detail, cause.diag.message_hint

    return query, told, None


def with_odbc(parts: str) -> Driver:
    """pyodbc has no hint, and cannot listen; the detail is in the text."""
    import pyodbc

    given = json.loads(parts)
    password = given["password"].replace("}", "}}")
    connection = pyodbc.connect(
        f"DRIVER={{PostgreSQL Unicode}};SERVER={given['host']};PORT={given['port']};DATABASE={given['dbname']};"
        f"UID={given['user']};PWD={{{password}}};SSLmode={given['sslmode']}",
        autocommit=True,
    )

    def query(sql: str, *values: object) -> Rows:
        return [tuple(row) for row in connection.execute(sql.replace("%s", "?"), *values).fetchall()]

    def told(error: Any) -> Told:
        detail = error.args[1].partition("DETAIL: ")[2].partition(";")[0]
        return error.args[0], detail, None

    return query, told, None


DRIVERS: dict[str, Callable[[str], Driver]] = {
    "psycopg2": with_psycopg2,
    "pg8000": with_pg8000,
    "sqlalchemy": with_sqlalchemy,
    "django": with_django,
    "odbc": with_odbc,
}
EVENTS = json.dumps(
    [
        {"event_type": "DriverTried", "event_data": {"value": value, "list": [1, None]}}
        for value in ("10.5", "é\u2028\n")
    ]
)
APPEND = "SELECT event_version FROM event_store.append_events('Driver', %s, %s, %s)"
PAGE = """
    SELECT transaction_id::text, global_position::text
      FROM event_store.read_feed(%s::text::xid8, %s::text::bigint, 1) WHERE event_id IS NOT NULL
"""
BACK = """
    SELECT event_store.cursor_of(e)
      FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => %s) e
"""


def another_than_djangos() -> Driver:
    """Django has one connection for a thread."""
    from psycopg2.extensions import make_dsn

    return with_psycopg2(make_dsn(**json.loads(DSN)))


def outcome(query: Query) -> str:
    """What a query says of a connection that is lost."""
    try:
        query("SELECT 1")
    except Exception:
        return "lost"
    return "fine"


def main(name: str) -> None:
    """Tell it as JSON."""
    query, told_by, hear = DRIVERS[name](DSN)
    other, *_ = another_than_djangos() if name == "django" else DRIVERS[name](DSN)
    told: dict[str, object] = {}
    told["tls"] = query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0] in (True, "1")
    told["appended"] = query(APPEND, AGGREGATE, 0, EVENTS)[0][0]
    rows: Sequence[Any] = query("SELECT event_data FROM event_store.get_events('Driver', %s)", AGGREGATE)
    told["read"] = [json.loads(data) if isinstance(data, str) else data for (data,) in rows]
    try:
        query(APPEND, AGGREGATE, 0, EVENTS)
    except Exception as error:
        state, detail, hint = told_by(error)
        told["error"] = [state, detail, bool(hint)]
    told["without_version"] = query(APPEND, AGGREGATE, None, EVENTS)[0][0]
    cursors: Rows = [("0", "0")]
    for _ in range(2):
        cursors += query(PAGE, *cursors[-1])
    told["cursors"] = cursors[1:]
    back: Rows = [(None,)]
    for _ in range(4):
        back += query(BACK, *back[-1])
    told["back"] = [cursor for (cursor,) in back[1:]]
    if hear:
        told["heard"] = hear(lambda: other("SELECT pg_notify('event_store', '12,34')"))
    other("SELECT pg_terminate_backend(%s)", query("SELECT pg_backend_pid()")[0][0])
    time.sleep(0.2)
    told["after_loss"] = [outcome(query) for _ in range(2)]
    print(json.dumps(told))


main(sys.argv[1])
