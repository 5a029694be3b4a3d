"""docs/drivers.md holds for real drivers: each tells one and the same story in its own words.

Those of four languages are in `make test`, the others in `make soak`.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest

from deploy.commands.dsn_formats import FORMATS, WayIn, uri

from ..deployment import run

STORIES: Final = Path(__file__).parent / "stories"
#: Debian's packages of Go libraries.
_GO: Final = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}


@dataclass(frozen=True)
class Driver:
    """How its program is run, and what it tells otherwise than the others."""

    form: str
    """The format of `make dsn` that it takes."""
    program: tuple[str, ...]
    after_loss: tuple[str, str]
    """What a query says of a connection that the server has ended, and what the next one says."""
    undefined: str | None = None
    """JavaScript only."""
    hears: bool = True
    hints: bool = True
    follows: bool = True
    """Its program also reads the feed by the cursor as text, and hears one."""


def _node(package: str, undefined: str, form: str = "node") -> Driver:
    return Driver(form, ("node", "node_story.mjs", package), ("fine", "fine"), undefined)


def _python(driver: str, form: str, *after_loss: str, python: str = sys.executable, **more: bool) -> Driver:
    first, then = after_loss
    return Driver(form, (python, "python_story.py", driver), (first, then), follows=False, **more)  # type: ignore[arg-type]


DRIVERS: Final = {
    "asyncpg": Driver("uri", (sys.executable, "asyncpg_story.py"), ("fine", "fine")),
    "pg": _node("pg", "any version"),
    "pgjdbc": Driver("jdbc", ("java", "-cp", "/usr/share/java/postgresql.jar", "Pgjdbc.java"), ("57P01", "fine")),
    "lib-pq": Driver("uri", ("go", "run", "lib_pq.go"), ("fine", "fine")),
}
IN_SOAK: Final = {
    "pg-promise": _node("pg-promise", "any version"),
    "kysely": _node("kysely", "any version"),
    "knex": _node("knex", "refused"),
    "drizzle": _node("drizzle", "refused"),
    "postgres": _node("postgres", "refused", "uri"),
    "psycopg2": _python("psycopg2", "uri", "lost", "lost"),
    "pg8000": _python("pg8000", "parts", "lost", "lost"),
    "sqlalchemy": _python("sqlalchemy", "sqlalchemy", "lost", "fine", hears=False),
    "django": _python("django", "parts", "fine", "fine", hears=False),
    "odbc": _python("odbc", "parts", "lost", "lost", python="/usr/bin/python3", hears=False, hints=False),
    "pgx": Driver("uri", ("go", "run", "pgx.go"), ("57P01", "fine"), follows=False),
    "ruby-pg": Driver("uri", ("ruby", "ruby_pg.rb"), ("lost", "fine"), follows=False),
    "dbd-pg": Driver("parts", ("perl", "dbd_pg.pl"), ("lost", "fine"), follows=False),
    "pdo": Driver("parts", ("php", "pdo.php"), ("lost", "fine"), follows=False),
}


@pytest.mark.parametrize("name", [*DRIVERS, *(pytest.param(name, marks=pytest.mark.soak) for name in IN_SOAK)])
def test_a_driver_reads_and_writes_all_of_it(way_in: WayIn, name: str) -> None:
    driver = (DRIVERS | IN_SOAK)[name]
    told = _tell(driver.program, FORMATS[driver.form](way_in))
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


def _tell(program: tuple[str, ...], dsn: str) -> dict[str, Any]:
    """Run the program of a story: it has a password, so its way in is no argument."""
    environment = os.environ | _GO | {"STORY_DSN": dsn, "STORY_AGGREGATE": str(uuid4())}
    done = subprocess.run(
        program, cwd=STORIES, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.replace(dsn, "DSN")[-4000:]
    # knex says above it that it has lost a connection.
    told: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return told


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
