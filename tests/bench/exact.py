"""Appends with the exact version that a client has read: what each store is asked, by pgbench and by Python."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.portfolio import AGGREGATE_TYPE

from .stores import Store
from .stores.bare_table import BareTable
from .stores.base import payload
from .stores.event_store import EventStore
from .stores.message_db import MessageDb

PROGRAM: Final = Path(__file__).with_name("exact_clients.py")
#: Processes of Python, and clients in each of them.
PROCESSES: Final = 4
CLIENTS: Final = 16


@dataclass(frozen=True)
class Exact:
    """In terms of $1, the stream, $2, the version that was read, and $3, the payload; ``conflict`` is an SQLSTATE."""

    version: str
    append: str
    conflict: str


STATEMENTS: Final = {
    EventStore: Exact(
        f"SELECT event_version FROM event_store.get_events_backward('{AGGREGATE_TYPE}', $1::uuid, NULL, 1)",
        f"""SELECT event_version FROM event_store.append_event(
            aggregate_type => '{AGGREGATE_TYPE}', aggregate_id => $1::uuid, expected_version => $2::integer,
            event_type => 'PositionUpdated', event_data => $3::jsonb, actor => 'bench', actor_type => 'service',
            source => 'api')""",
        "SE001",
    ),
    BareTable: Exact(
        f"""SELECT event_version FROM bench.events WHERE aggregate_type = '{AGGREGATE_TYPE}' AND aggregate_id = $1::uuid
             ORDER BY event_version DESC LIMIT 1""",
        f"""INSERT INTO bench.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                      metadata, causation_id, correlation_id, actor, actor_type, source)
            VALUES (event_store.new_event_id(), '{AGGREGATE_TYPE}', $1::uuid, $2::integer + 1, 'PositionUpdated', $3::jsonb,
                    '{{}}', NULL, NULL, 'bench', 'service', 'api') RETURNING event_version""",
        "23505",
    ),
    MessageDb: Exact(
        "SELECT stream_version('position-' || $1::text) + 1",
        """SELECT write_message(gen_random_uuid()::varchar, 'position-' || $1::text, 'PositionUpdated', $3::jsonb, '{}',
                                $2::integer - 1)""",
        "P0001",
    ),
}
# The same for all of them: a conflict becomes the error that pgbench counts and goes on after.
_FUNCTION: Final = """
    CREATE FUNCTION public.append_exact(text, integer, text) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        RETURN ({append});
    EXCEPTION WHEN SQLSTATE '{conflict}' THEN
        RAISE EXCEPTION 'version conflict' USING ERRCODE = 'serialization_failure';
    END
    $$
"""
_INSERT: Final = """
    CREATE FUNCTION public.append_exact(text, integer, text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
        stored integer;
    BEGIN
        {append} INTO stored;
        RETURN stored;
    EXCEPTION WHEN SQLSTATE '{conflict}' THEN
        RAISE EXCEPTION 'version conflict' USING ERRCODE = 'serialization_failure';
    END
    $$
"""


def prepare(store: Store) -> str:
    """Make what the store's script for pgbench calls; the script."""
    wanted = STATEMENTS[type(store)]
    text = _INSERT if wanted.append.startswith("INSERT") else _FUNCTION
    with store.server.connect(store.database) as connection:
        connection.execute(text.format(append=wanted.append, conflict=wanted.conflict))
    version = wanted.version.replace("$1", ":stream")
    return (
        f"SELECT coalesce(({version}), 0) AS version \\gset\nSELECT public.append_exact(:stream, :version, :payload);\n"
    )


@dataclass(frozen=True)
class Done:
    """What the clients of a store have done in a round."""

    stored: int
    conflicts: int


class Clients:
    """Programs with clients of one store, connected, that wait to be told the stream."""

    def __init__(self, programs: "Sequence[subprocess.Popen[str]]") -> None:
        self.programs = programs

    def run(self, stream: str, seconds: int) -> Done:
        """One round."""
        for program in self.programs:
            assert program.stdin
            program.stdin.write(json.dumps({"stream": stream, "seconds": seconds}) + "\n")
            program.stdin.flush()
        answers = []
        for program in self.programs:
            assert program.stdout
            line = program.stdout.readline()
            assert line, "a program of the clients has ended"
            answers.append(json.loads(line))
        return Done(sum(one["stored"] for one in answers), sum(one["conflicts"] for one in answers))


@contextmanager
def clients(store: Store, way: str) -> Iterator[Clients]:
    """``way``: "statements", as each store's are, or "decide", of this store's client."""
    wanted = STATEMENTS[type(store)]
    arguments = {
        "way": way,
        "type": AGGREGATE_TYPE,
        "payload": payload(),
        "version": wanted.version,
        "append": wanted.append,
        "conflict": wanted.conflict,
        "clients": CLIENTS // PROCESSES,
    }
    role = {"PGOPTIONS": f"-c role={store.role}"} if store.role else {}
    command = [sys.executable, str(PROGRAM), json.dumps(arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        started = [
            stack.enter_context(store.server.program(store.database, command, role, **pipes)) for _ in range(PROCESSES)
        ]
        for program in started:
            assert program.stdout
            assert program.stdout.readline() == "ready\n"
        yield Clients(started)
        for program in started:
            assert program.stdin
            program.stdin.close()
