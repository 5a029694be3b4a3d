"""The console of PgBouncer: who has the user id of its process is let in over its socket, without a password."""

from typing import Final

from pyinfra.api import QuoteString, StringCommand

from deploy.machine.psql import fact_query
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE
from deploy.model.pooling import POOLED_PORT, POOLER_FOLDER, POOLER_ROLE

#: For how many seconds the console may take for an answer, and transactions for their end before a restart cuts them off.
#: Clients wait for 25 s.
PATIENCE: Final = 10
_PSQL: Final = (
    f"timeout {PATIENCE} setpriv --reuid={POOLER_ROLE} --regid={POOLER_ROLE} --clear-groups psql -XAq -v ON_ERROR_STOP=1 -P footer=off "
    f"-h {POOLER_FOLDER} -p {POOLED_PORT} -U pgbouncer -d pgbouncer"
)
_SOCKET: Final = f"{POOLER_FOLDER}/.s.PGSQL.{POOLED_PORT}"


def console(*commands: str) -> str:
    """The shell's words for commands of the console, one after the other; prints each table with its header."""
    said = " ".join(f"-c {StringCommand(QuoteString(command)).get_raw_value()}" for command in commands)
    return f"cd / && {_PSQL} {said}"


#: Who has a transaction open. Not their statements, which may have passwords in them.
_OPEN: Final = f"""
    SELECT format('cut off by the restart: process %s of %s (%s), in a transaction for %s', pid, usename,
                  application_name, date_trunc('second', clock_timestamp() - xact_start))
      FROM pg_stat_activity WHERE datname = '{DATABASE}' AND client_addr IS NULL AND usename LIKE '{APPLICATION_ROLE}%'
       AND xact_start IS NOT NULL ORDER BY xact_start"""


def paused(command: StringCommand) -> StringCommand:
    """``command``, which restarts the server, while clients of the pooler wait for it, and with open transactions ended.

    Without a pooler, or if a transaction does not end within `PATIENCE`, it runs all the same. Whose those are is said, also
    in the journal. Its exit status is that of ``command``.
    """
    pause, resume = console(f"PAUSE {DATABASE}"), console(f"RESUME {DATABASE}")
    tell = f"{fact_query(_OPEN)} | tee /dev/stderr | logger --tag event-store"
    return StringCommand(
        f"pooled=; if [ -S {_SOCKET} ]; then pooled=yes; ( {pause} ) >/dev/null 2>&1 || {tell}; fi; (", command,
        f"); status=$?; [ -z \"$pooled\" ] || ( {resume} ) >/dev/null 2>&1 || true; exit $status",
    )  # fmt: skip


def reconnected() -> StringCommand:
    """A command that has the pooler connect anew, after statements may give other results than it has prepared them for.

    Nothing is done where there is no pooler. One that does not answer ends nothing: what was changed is there, and the
    pooler's own part starts it again.
    """
    return StringCommand(f"[ ! -S {_SOCKET} ] || ( {console(f'RECONNECT {DATABASE}')} ) >/dev/null || true")


def clients_dropped() -> StringCommand:
    """A command that has the pooler forget what its clients have shown of a password that is another one now.

    Until then each of them that gets a new connection to the server has all others refused for a while.
    """
    killed, resumed = console(f"KILL {DATABASE}"), console(f"RESUME {DATABASE}")
    return StringCommand(f"[ ! -S {_SOCKET} ] || ( {killed}; {resumed} ) >/dev/null || true")


#: The line before what `clients` prints.
CLIENTS: Final = "! clients"


def clients() -> str:
    """The shell's words that print who is connected to the pooler; nothing where there is none."""
    return f"[ ! -S {_SOCKET} ] || ( echo '{CLIENTS}'; {console('SHOW CLIENTS')} ) 2>/dev/null || true"
