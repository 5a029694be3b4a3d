"""The psql builders keep SQL out of what is printed, and take hostile names for what they are."""

import os
import subprocess
from pathlib import Path

import pytest
from pyinfra.api import StringCommand

from deploy.machine.psql import DATABASE_ABSENT, REFUSED, SERVER_DOWN, fact_query, psql, silence

SECRET = "SCRAM-SHA-256$4096:planted"
HOSTILE = "a b'c\"d; touch $(id) `id` \\ é"


def printed(command: StringCommand) -> str:
    return f"{command} {command!r} {command.get_raw_value()} {command.get_masked_value()}"


def test_sql_travels_over_standard_input_and_is_printed_nowhere() -> None:
    command = psql(f"ALTER ROLE r PASSWORD '{SECRET}'")
    assert SECRET not in printed(command)
    assert command.connector_arguments["_stdin"] == f"ALTER ROLE r PASSWORD '{SECRET}'"


def test_the_safe_options_are_always_there() -> None:
    for command in (psql("SELECT 1"), psql("SELECT 1", single_transaction=False)):
        words = command.get_raw_value().split()
        assert {"-X", "-q", "-v", "ON_ERROR_STOP=1"} <= set(words)


def test_one_transaction_unless_the_statement_refuses_that() -> None:
    assert "--single-transaction" in psql("SELECT 1").get_raw_value()
    assert "--single-transaction" not in psql("CREATE DATABASE d", single_transaction=False).get_raw_value()


@pytest.fixture
def shell(tmp_path: Path) -> "Shell":
    return Shell(tmp_path)


class Shell:
    """Runs a command's text with executables that note what they are given, in place of the server's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stub("setpriv", f'printf "%s\\0" "$@" > {folder}/argv; cat > {folder}/stdin')

    def stub(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, text: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        # In place of the installed ones: the builders name psql by its full path.
        text = text.replace("/usr/lib/postgresql/*/bin/psql", f"{self.folder}/psql")
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(
            ["sh", "-c", text], input=stdin, capture_output=True, text=True, check=False, env=environment
        )

    @property
    def argv(self) -> list[str]:
        return (self.folder / "argv").read_text().split("\0")[:-1]

    @property
    def stdin(self) -> str:
        return (self.folder / "stdin").read_text()


def test_a_database_of_any_name_is_one_argument(shell: Shell) -> None:
    done = shell.run(psql("SELECT 1", database=HOSTILE).get_raw_value(), stdin="SELECT 1")
    assert done.returncode == 0, done.stderr
    assert shell.argv[shell.argv.index("-d") + 1] == HOSTILE
    assert shell.stdin == "SELECT 1\n"


def test_a_facts_query_reaches_psql_as_it_is(shell: Shell) -> None:
    shell.stub("psql", "")
    sql = "SELECT '$HOME `id` \\', \"a\" -- $(id)"
    done = shell.run(fact_query(sql, database=HOSTILE))
    assert (done.returncode, done.stderr) == (0, "")
    assert shell.stdin == f"{sql}\n"
    assert shell.argv[shell.argv.index("-d") + 1] == HOSTILE


def test_a_query_cannot_end_its_own_here_document() -> None:
    with pytest.raises(ValueError, match="SQL_END"):
        fact_query("SELECT 1\nSQL_END\nreboot")


NOT_LET_IN = 'psql: error: connection to server on socket "/run/x" failed: FATAL:  could not open it: *'


@pytest.mark.parametrize(
    ("databases", "ready", "said"),
    [
        ("postgres\nother\n", 0, DATABASE_ABSENT),
        ("postgres\nmine\n", 0, f"{REFUSED}FATAL:  could not open it: *"),
        (None, 0, f"{REFUSED}FATAL:  could not open it: *"),
        (None, 2, SERVER_DOWN),
    ],
)
def test_why_there_was_no_connection_is_looked_up_afterwards(
    shell: Shell, databases: str | None, ready: int, said: str
) -> None:
    """``databases``: what the server says that there is; None if it lets nobody into any."""
    shell.stub("psql", "")
    (shell.folder / "said").write_text(NOT_LET_IN)
    (shell.folder / "databases").write_text(databases or "")
    let_in = f"cat {shell.folder}/databases" if databases else f"cat {shell.folder}/said >&2; exit 2"
    shell.stub("setpriv", f'case "$*" in *"-d postgres"*) {let_in} ;; *) cat {shell.folder}/said >&2; exit 2 ;; esac')
    shell.stub("pg_isready", f"exit {ready}")
    done = shell.run(fact_query("SELECT 1", database="mine"))
    assert (done.returncode, done.stdout) == (0, f"{said}\n")
    assert silence(done.stdout.splitlines())


def test_a_connection_that_is_lost_meanwhile_is_an_error_with_its_message(shell: Shell) -> None:
    shell.stub("psql", "")
    shell.stub("setpriv", "echo 1; echo 'psql:<stdin>:1: server closed the connection unexpectedly' >&2; exit 2")
    done = shell.run(fact_query("SELECT 1; SELECT 2"))
    assert done.returncode == 2
    assert "closed the connection" in done.stderr


def test_the_rest_of_the_sql_after_an_error_is_read_by_somebody(shell: Shell) -> None:
    """Or whoever writes it would report a broken pipe, and not what psql said."""
    shell.stub("setpriv", "head -c 10 > /dev/null; echo the message >&2; exit 3")
    done = shell.run(psql("SELEC 1").get_raw_value(), stdin="SELEC 1;\n" * 100_000)
    assert (done.returncode, done.stderr) == (3, "the message\n")


def test_an_error_in_the_query_is_an_error_of_the_fact(shell: Shell) -> None:
    shell.stub("psql", "")
    shell.stub("setpriv", "exit 3")
    assert shell.run(fact_query("SELEC 1")).returncode == 3


def test_without_postgresql_a_fact_reads_as_on_a_blank_machine(shell: Shell) -> None:
    done = shell.run(fact_query("SELECT 1"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
