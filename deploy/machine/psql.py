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

#: What a fact's query prints, at the beginning of its only line, if the server or the database could not be asked.
SERVER_DOWN: Final = "!server-down"
DATABASE_ABSENT: Final = "!database-absent"
#: The server runs and lets nobody in; its own message follows.
REFUSED: Final = "!refused "


def silence(output: Sequence[str]) -> str | None:
    """Why a query of `fact_query` was not answered, for people; None if it was."""
    first = output[0] if output else ""
    if first.startswith(REFUSED):
        return f"the server refuses connections: {first.removeprefix(REFUSED)}"
    return {
        SERVER_DOWN: "the server is not running, or is still starting",
        DATABASE_ABSENT: "there is no database",
    }.get(first)


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


def _safe(settings: Mapping[str, str]) -> str:
    """An assignment of the shell. In English, because messages are looked at."""
    return f"PGOPTIONS='{session_options(settings)} -c lc_messages=C'"


_SAFE: Final = _safe(SESSION)
_OPTIONS: Final = "-X -q -A -t -v ON_ERROR_STOP=1"
#: How long a statement of ours waits for a lock, and with it everybody who comes after it: a little longer than
#: deadlock_timeout, after which autovacuum makes way.
LOCK_TIMEOUT: Final = "2s"
#: For how many seconds it is tried again, with a second in between for those who waited.
_TRIES: Final = 15

# All of the SQL is read first. Whoever writes it would see a broken pipe otherwise, and not psql's message.
_RETRIED: Final = f"""
{_BINARY}; cd /; exec 3>&1; sql=$(cat); end=
while :; do
    errors=$(printf '%s\\n' "$sql" | COMMAND 2>&1 >&3 3>&-); code=$?
    case $code,$errors in
        0,*) ;;
        *"lock timeout"* | *"deadlock detected"*)
            : "${{end:=$(($(date +%s) + {_TRIES}))}}"
            [ "$(date +%s)" -ge "$end" ] || {{ sleep 1; continue; }} ;;
    esac
    break
done
printf '%s' "${{errors:+$errors
}}" >&2
case $code,$errors in
    0,*) ;;
    *"lock timeout"* | *"deadlock detected"*)
        echo "could not get a lock within {LOCK_TIMEOUT}, and tried again for {_TRIES} s. Open transactions:"
        echo "$open" | COMMAND ;;
esac >&2
exit $code
"""
# Not their statements, which may have passwords in them.
_OPEN_TRANSACTIONS: Final = """
    SELECT format('  process %s: %s (%s), %s, open for %s', pid, usename, application_name, state,
                  date_trunc('second', clock_timestamp() - xact_start))
      FROM pg_stat_activity WHERE xact_start < clock_timestamp() - interval '1 second' ORDER BY xact_start"""


def psql(sql: str, *, database: str = "postgres", single_transaction: bool = True) -> StringCommand:
    """A command that runs ``sql`` as the superuser over the local socket, all of it or nothing of it.

    Whoever uses the tables goes first: a lock that is not to be had within `LOCK_TIMEOUT` ends the transaction, and all
    of ``sql`` is tried again for a while. So each part of it has to be one that can be repeated.

    ``single_transaction=False`` is for the statements that refuse to run inside one (CREATE DATABASE).
    """
    script = _RETRIED.replace(
        "COMMAND", _command(database, single_transaction, {**SESSION, "lock_timeout": LOCK_TIMEOUT})
    )
    script = script.replace('"$open"', StringCommand(QuoteString(_OPEN_TRANSACTIONS)).get_raw_value())
    return StringCommand(script, _stdin=sql)


def psql_once(sql: str, *, database: str) -> StringCommand:
    """The same, tried once and however long it waits: for somebody who looks on, and reads what it prints meanwhile."""
    return StringCommand(f"{_BINARY}; cd / && exec {_command(database, True, SESSION)}", _stdin=sql)


def _command(database: str, single_transaction: bool, settings: Mapping[str, str]) -> str:
    """Runs the SQL of its standard input; ``$1`` is the path of psql."""
    options = f"{_OPTIONS} --single-transaction" if single_transaction else _OPTIONS
    name = StringCommand(QuoteString(database)).get_raw_value()
    return f'env {_safe(settings)} {AS_POSTGRES} "$1" {options} -d {name} -f -'


# After a failure: was it the connection, at the beginning? Then there is no database, no server, or its refusal.
_WHY_NOT: Final = f"""
code=$?
case $code,$error in
    0,*) exit ;;
    2,"psql: error: connection to server"*) ;;
    *) printf '%s\\n' "$error" >&2; exit $code ;;
esac
there=$(echo 'SELECT datname FROM pg_database' | {_SAFE} {AS_POSTGRES} "$1" {_OPTIONS} -d postgres -f - 2>/dev/null)
if [ $? = 0 ] && ! printf '%s\\n' "$there" | grep -qxF -e DATABASE; then echo '{DATABASE_ABSENT}'
elif "${{1%psql}}pg_isready" -q; then printf '{REFUSED}%s\\n' "$(printf %s "${{error##*failed: }}" | tr '\\n' ' ')"
else echo '{SERVER_DOWN}'; fi
"""


def fact_query(sql: str, *, database: str = "postgres") -> str:
    """A shell command for a fact: prints the rows; or why nobody answered, see `silence`; or nothing if PostgreSQL is not
    installed at all. A query that fails, or a connection that is lost meanwhile, fails with the server's message.

    The server is asked only once on the usual path; why it did not answer is looked up only after it did not.
    """
    if "SQL_END" in sql:
        raise ValueError("the text SQL_END ends the here-document")
    quoted = StringCommand(QuoteString(database)).get_raw_value()
    return (
        f'({_BINARY}; [ -x "$1" ] || exit 0; cd /; exec 3>&1\n'
        f"error=$({_SAFE} {AS_POSTGRES} \"$1\" {_OPTIONS} -d {quoted} -f - 2>&1 >&3 3>&- <<'SQL_END'\n{sql}\nSQL_END\n)"
        f"{_WHY_NOT.replace('DATABASE', quoted)})"
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

    def split(self, output: list[str], asks: Sequence[Ask]) -> list[list[str]]:
        """A server that could not be asked says so once, and that holds for each of them."""
        answers: list[list[str]] = [[]]
        for line in output:
            if line == _NEXT:
                answers.append([])
            else:
                answers[-1].append(line)
        return answers if output and not silence(output) else answers * len(asks)
