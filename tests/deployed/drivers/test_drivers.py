"""docs/drivers.md holds for real drivers: each tells one and the same story in its own words.

Those of four languages are in `make test`, the others in `make soak`.
"""

import json
import os
import re
from typing import Final

import psycopg
import pytest

from deploy.commands.dsn_formats import FORMATS, WayIn, uri

from ..deployment import run
from .telling import DRIVERS, IN_SOAK, tell


@pytest.mark.parametrize("name", [*DRIVERS, *(pytest.param(name, marks=pytest.mark.soak) for name in IN_SOAK)])
def test_a_driver_reads_and_writes_all_of_it(way_in: WayIn, name: str) -> None:
    driver = (DRIVERS | IN_SOAK)[name]
    told = tell(driver.program, FORMATS[driver.form](way_in))
    with psycopg.connect(uri(way_in), autocommit=True) as client:
        first_two = client.execute("""
            SELECT transaction_id::text, global_position::text FROM event_store.read_feed('0', 0, 2)
        """).fetchall()
        feed = client.execute("SELECT event_store.cursor_of(e) FROM event_store.read_feed_after(NULL, 2) e").fetchall()
        back = client.execute("""
            SELECT event_store.cursor_of(e)
              FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 4) e
        """).fetchall()
    # Also the worker says so, where there is one.
    assert bool(re.fullmatch(r"\d+,\d+", told.pop("heard", ""))) == driver.hears
    assert bool(re.fullmatch(r"a\d+\.\d+\.[0-9a-f]{32}\.\d*", told.pop("heard_cursor", ""))) == driver.follows
    # In pages of one, like those below.
    assert told.pop("feed", None) == ([cursor for (cursor,) in feed] if driver.follows else None)
    assert told.pop("undefined", None) == driver.undefined
    assert told == {
        "tls": True,
        "appended": 2,
        "read": [{"value": "10.5", "list": [1, None]}, {"value": "é\u2028\n", "list": [1, None]}],
        "error": ["SE001", "expected version 0, actual version 2", driver.hints],
        "without_version": 4,
        "cursors": [list(cursor) for cursor in first_two],
        # In pages of one, of events that one call has given one time.
        "back": [cursor for (cursor,) in back],
        "after_loss": [*driver.after_loss],
    }


_WHO: Final = "SELECT current_database()"


def _psycopg(text: str) -> str:
    with psycopg.connect(text) as client:
        [name] = client.execute(_WHO).fetchone() or [""]
        return str(name)


def _parts(text: str) -> str:
    return _psycopg(psycopg.conninfo.make_conninfo(**json.loads(text)))


def _env(text: str) -> str:
    return run("bash", "-c", f'eval "$STORY"; psql -XAtqc "{_WHO}"', env=os.environ | {"STORY": text}).stdout.strip()


def _sqlalchemy(text: str) -> str:
    from sqlalchemy import create_engine
    from sqlalchemy import text as statement

    engine = create_engine(text)
    with engine.connect() as client:
        name = str(client.execute(statement(_WHO)).scalar())
    engine.dispose()
    return name


def _sqlalchemy_asyncpg(text: str) -> str:
    import asyncio

    from sqlalchemy import text as statement
    from sqlalchemy.ext.asyncio import create_async_engine

    async def ask() -> str:
        engine = create_async_engine(text)
        async with engine.connect() as client:
            name = str((await client.execute(statement(_WHO))).scalar())
        await engine.dispose()
        return name

    return asyncio.run(ask())


#: The others are those of the stories.
CONNECTING: Final = {
    "uri": _psycopg,
    "parts": _parts,
    "env": _env,
    "sqlalchemy": _sqlalchemy,
    "sqlalchemy-asyncpg": _sqlalchemy_asyncpg,
}


@pytest.mark.parametrize("form", CONNECTING)
def test_each_format_connects(way_in: WayIn, form: str) -> None:
    assert CONNECTING[form](FORMATS[form](way_in)) == way_in.dbname


def test_no_format_is_left_out() -> None:
    assert {*CONNECTING, *(driver.form for driver in DRIVERS.values())} == set(FORMATS)
