"""The one place where a psql command line is put together.

Safety contract: SQL that an operation runs travels over standard input, so that nothing of it reaches argv, the
process list, ``--dry``, ``-vvv``, ``--debug`` or ``--json``. SQL that a *fact* runs must never contain a secret, and it
must never select one: a fact that pyinfra itself asks is part of the printed command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyinfra.api import QuoteString, StringCommand

from deploy.machine.questions import Ask

#: What a fact's query prints, alone on a line, if the server could not be asked.
SERVER_DOWN: Final = "!server-down"
DATABASE_ABSENT: Final = "!database-absent"

# Debian's /usr/bin/psql is a Perl wrapper that costs more than most queries; the real one needs no PATH.
_BINARY: Final = "set -- /usr/lib/postgresql/*/bin/psql"
#: Before a command: run it as PostgreSQL's user. Not runuser, which opens a PAM session for each query.
AS_POSTGRES: Final = "setpriv --reuid=postgres --regid=postgres --init-groups"
#: What our own sessions are like, whatever the application, which owns its database, has set for all sessions there. No
#: name of ours is ever found in a schema of its; nor can it keep us out, slow us down, or have names written otherwise.
SESSION: Final[Mapping[str, str]] = {
    "search_path": "pg_catalog,pg_temp",
    "role": "none",
    "row_security": "on",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "local_preload_libraries": "",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}


def session_options(settings: Mapping[str, str] = SESSION) -> str:
    """``settings``, whose values have no blanks, as the PGOPTIONS of a session."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


_SAFE: Final = f"PGOPTIONS='{session_options()}'"
_OPTIONS: Final = "-X -q -A -t -v ON_ERROR_STOP=1"


def psql(sql: str, *, database: str = "postgres", single_transaction: bool = True) -> StringCommand:
    """A command that runs ``sql`` as the superuser over the local socket, all of it or nothing of it.

    ``single_transaction=False`` is for the statements that refuse to run inside one (CREATE DATABASE).
    """
    options = f"{_OPTIONS} --single-transaction" if single_transaction else _OPTIONS
    return StringCommand(
        f'{_BINARY}; cd / && exec env {_SAFE} {AS_POSTGRES} "$1" {options} -d',
        QuoteString(database),
        "-f -",
        _stdin=sql,
    )


def fact_query(sql: str, *, database: str = "postgres") -> str:
    """A shell command for a fact: prints the rows, or `SERVER_DOWN`, or `DATABASE_ABSENT`, or nothing if PostgreSQL
    is not installed at all.

    The server is asked only once on the usual path; why it did not answer is looked up only after it did not.
    """
    if "SQL_END" in sql:
        raise ValueError("the text SQL_END ends the here-document")
    name = QuoteString(database)
    quoted = StringCommand(name).get_raw_value()
    return (
        f'{_BINARY}; [ -x "$1" ] || exit 0; cd /\n'
        f"{_SAFE} {AS_POSTGRES} \"$1\" {_OPTIONS} -d {quoted} -f - <<'SQL_END' || {{ code=$?; [ $code = 2 ] || exit $code; "
        f'if "${{1%psql}}pg_isready" -q; then echo {DATABASE_ABSENT!r}; else echo {SERVER_DOWN!r}; fi; }} 2>/dev/null\n'
        f"{sql}\nSQL_END"
    )


#: A line between the answers to two queries.
_NEXT: Final = "!next-query"


@dataclass(frozen=True)
class Queries:
    """Queries of several facts in one session, whose start costs more than most of them. They change no setting of it."""

    database: str

    def command(self, asks: Sequence[Ask]) -> str:
        """One after the other, with a line between the answers."""
        queries = (ask.fact.sql(**ask.arguments) for ask in asks)  # type: ignore[attr-defined]
        return fact_query(f"\n;\n\\echo {_NEXT}\n".join(queries), database=self.database)

    def split(self, output: list[str], count: int) -> list[list[str]]:
        """A server that could not be asked says so once, and that holds for each of them."""
        answers: list[list[str]] = [[]]
        for line in output:
            if line == _NEXT:
                answers.append([])
            else:
                answers[-1].append(line)
        return answers * count if output[:1] in ([], [SERVER_DOWN], [DATABASE_ABSENT]) else answers
