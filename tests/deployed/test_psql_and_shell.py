"""`event-store psql` and `event-store shell` on this machine; test_ssh.py has them over SSH."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .containers import INNER_TRIXIE as TRIXIE
from .deployment import Deployment, run, sql

PROGRAM = [sys.executable, "-m", "deploy.commands"]


def program(command: str, deployed: Deployment, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return run(*PROGRAM, command, "-i", deployed.inventory, *arguments, check=False, input=stdin)


def test_psql_is_the_application_over_tls(deployed: Deployment) -> None:
    query = "SELECT current_user, current_database(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    done = program("psql", deployed, "-c", TRIXIE, "--", "-Atc", query)
    assert done.stdout == "stock_analysis_user|stock_analysis_event_store|t\n", done.stderr


def test_psql_takes_a_script(deployed: Deployment) -> None:
    done = program("psql", deployed, "-c", TRIXIE, "--", "-At", stdin="SELECT 6 * 7;\n")
    assert (done.returncode, done.stdout) == (0, "42\n")


def test_make_passes_arguments_on(deployed: Deployment) -> None:
    done = run("make", "-s", "psql", f"INVENTORY={deployed.inventory}", f"CONTAINER={TRIXIE}", "ARGS=-Atc 'SELECT 42'")
    assert done.stdout == "42\n"
    done = run(
        "make", "-s", "shell", f"INVENTORY={deployed.inventory}", f"CONTAINER={TRIXIE}", "ARGS=cat /etc/hostname"
    )
    assert done.stdout == f"{TRIXIE}\n"


def test_a_statement_that_fails_is_a_failure_and_nothing_else(deployed: Deployment) -> None:
    done = program("psql", deployed, "-c", TRIXIE, "--", "-c", "nonsense")
    assert done.returncode == 1
    assert "syntax error" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_does_not_answer_gets_a_remedy(deployed: Deployment) -> None:
    done = program("psql", deployed, "-c", TRIXIE, "--", "-p", "1", "-c", "SELECT 1")
    assert done.returncode == 1
    assert f"`make status INVENTORY={deployed.inventory}` says how @lxc/{TRIXIE} is" in done.stderr


def test_the_password_is_in_no_command_line_environment_or_file(deployed: Deployment, tmp_path: Path) -> None:
    password = re.search("//[^:]*:([^@]*)@", deployed.dsn(TRIXIE))
    assert password is not None
    secret = password[1].encode()
    environment = os.environ | {"TMPDIR": str(tmp_path), "PGAPPNAME": "watched"}
    command = [*PROGRAM, "psql", "-i", deployed.inventory, "-c", TRIXIE, "--", "-Atc", "SELECT 'ready', pg_sleep(30)"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        [psql] = _wait_for(lambda: [pid for pid in _descendants(process.pid) if _reads(pid, "comm") == b"psql\n"])
        watched = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'watched'"
        _wait_for(lambda: sql(TRIXIE, watched))
        # What other users can read of a process, and what its own user can; memory is neither.
        for pid in (process.pid, *_descendants(process.pid)):
            assert secret not in _reads(pid, "cmdline")
            assert secret not in _reads(pid, "environ")
        file = re.search(rb"PGPASSFILE=([^\0]*)", _reads(psql, "environ"))
        assert file is not None
        passfile = Path(file[1].decode().replace("/self/", f"/{psql}/"))
        assert secret in passfile.read_bytes()
        assert passfile.stat().st_mode & 0o777 == 0o600
        assert passfile.stat().st_nlink == 0, "no directory has it"
        assert list(tmp_path.iterdir()) == []
    finally:
        for pid in (*_descendants(process.pid), process.pid):
            os.kill(pid, 9)
        process.communicate()


def test_ctrl_c_cancels_the_statement_and_psql_goes_on(deployed: Deployment) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PAGER"] = "cat"
        os.execv(PROGRAM[0], [*PROGRAM, "psql", "-i", deployed.inventory, "-c", TRIXIE, "--", "-X"])  # noqa: S606  a terminal of its own
    try:
        _read_until(terminal, "=> ")
        os.write(terminal, b"SELECT pg_sleep(60);\n")
        time.sleep(1)
        os.write(terminal, b"\x03")
        _read_until(terminal, "canceling statement due to user request")
        os.write(terminal, b"SELECT 6 * 7 AS answer;\n\\q\n")
        assert "42" in _read_until(terminal, None)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        os.close(terminal)


def test_a_shell_is_roots_with_a_clean_environment(deployed: Deployment) -> None:
    environment = os.environ | {"PLANTED": "from the host"}
    command = [*PROGRAM, "shell", "-i", deployed.inventory, "-c", TRIXIE, "--", "env"]
    done = run(*command, env=environment)
    assert "HOME=/root" in done.stdout
    assert "PLANTED" not in done.stdout
    done = program("shell", deployed, "-c", TRIXIE, stdin="hostname; pwd; id -u\n")
    assert done.stdout.split() == [TRIXIE, "/root", "0"]


def test_a_shells_exit_status_is_the_commands(deployed: Deployment) -> None:
    done = program("shell", deployed, "-c", TRIXIE, "--", "sh", "-c", "echo 'it'\\''s one word'; exit 7")
    assert (done.returncode, done.stdout) == (7, "it's one word\n")


def test_a_container_that_is_down_is_said(deployed: Deployment) -> None:
    run("lxc-stop", "-n", TRIXIE)
    try:
        done = program("shell", deployed, "-c", TRIXIE, "--", "true")
        assert done.returncode == 1
        assert f"container {TRIXIE} is not running" in done.stderr
        done = program("psql", deployed, "-c", TRIXIE, "--", "-c", "SELECT 1")
        assert done.returncode == 1
        assert "could not connect" in done.stderr or "connection to server" in done.stderr
    finally:
        deployed.apply()


def _wait_for(look: Callable[[], Sequence[Any]]) -> list[Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := look():
            return list(found)
        time.sleep(0.1)
    raise AssertionError("it did not come")


def _descendants(pid: int) -> list[int]:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [one for child in children for one in (int(child), *_descendants(int(child)))]


def _reads(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return b""


def _read_until(terminal: int, text: str | None) -> str:
    said = ""
    deadline = time.monotonic() + 60
    while text is None or text not in said:
        assert time.monotonic() < deadline, said
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            assert text is None, said
            return said
        said += piece.decode(errors="replace")
    return said
