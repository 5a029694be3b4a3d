"""Runs the programs of the stories: each is a real driver, in its own language."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

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
#: Through a pooler: a story of its own, because nobody is heard there. Name → format of `make dsn`, and the program.
POOLED: Final = {
    "asyncpg": ("uri", (sys.executable, "pooled_asyncpg.py")),
    "pg": ("node", ("node", "pooled_node.mjs")),
    "pgjdbc": ("jdbc", ("java", "-cp", "/usr/share/java/postgresql.jar", "Pooled.java")),
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


def tell(program: tuple[str, ...], dsn: str, **variables: str) -> Any:
    """Run the program of a story: it has a password, so its way in is no argument."""
    environment = os.environ | _GO | {"STORY_DSN": dsn, "STORY_AGGREGATE": str(uuid4())} | variables
    done = subprocess.run(
        program, cwd=STORIES, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.replace(dsn, "DSN")[-4000:]
    # knex says above it that it has lost a connection.
    return json.loads(done.stdout.strip().rpartition("\n")[2])
