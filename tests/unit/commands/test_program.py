"""The operators' program: its options, its exit statuses, its messages."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click
import pytest

from deploy.commands import exits, running, runs
from deploy.commands.program import main, program
from deploy.model.project import ROOT

_CONTEXT = click.Context(program)
COMMANDS = program.list_commands(_CONTEXT)


def parameters(command: str) -> list[click.Parameter]:
    found = program.get_command(_CONTEXT, command)
    assert found
    return found.params


#: What they need beside an inventory.
REQUIRED = {
    "destroy": ["--confirm", "x"],
    "rollback": ["--to", "1"],
    "export-seals": ["--export", "x"],
    "retire": ["--before", "2000-01-01", "--export", "x"],
    "trust": ["--out", "x"],
    "rollover": ["--step", "begin"],
    "revoke": ["--serial", "1"],
    "discard": ["--confirm", "x"],
    "restore-point": ["--name", "x"],
}
#: Those that are about one container of the inventory.
OF_A_CONTAINER = sorted(name for name in COMMANDS if "container" in {p.name for p in parameters(name)})
PAGE = (ROOT / "docs" / "operations" / "commands.md").read_text(encoding="utf-8")

TWO = """
lxc_hosts = ["@local"]
event_stores = [("@lxc/one", {"address": "10.0.3.11"}), ("@lxc/two", {"address": "10.0.3.12"})]
"""


def test_what_others_have_set_for_their_programs_is_not_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """With PYINFRA_YES a plan is carried out; PGOPTIONS changes every session."""
    for name in ("PYINFRA_YES", "PYTEST_ADDOPTS", "PGOPTIONS", "PGSERVICE", "PGCONNECT_TIMEOUT"):
        monkeypatch.setenv(name, "1")
    assert main(["--help"]) == exits.OK
    assert [name for name in os.environ if name.startswith(("PYINFRA_", "PYTEST_ADD", "PG"))] == ["PGCONNECT_TIMEOUT"]


@pytest.mark.parametrize(("module", "name"), running._EXPECTED.items())
def test_what_libraries_raise_is_a_message_once_they_are_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str, name: str
) -> None:
    error = getattr(import_module(module), name)

    def fail() -> None:
        raise error("what is wrong, and the remedy")

    assert running.run(click.command(fail), "event-store", []) == exits.FAILED
    assert capsys.readouterr().err == "what is wrong, and the remedy\n"


@pytest.mark.parametrize(
    ("arguments", "shown"), [([], True), (["--limit", "@lxc/one"], False), (["--limit=@lxc/one"], False)]
)
def test_a_summary_is_shown_if_everything_is_up(
    two: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], shown: bool
) -> None:
    monkeypatch.setattr(runs, "run_child", lambda _: 0)
    monkeypatch.setattr("deploy.commands.summary.show", lambda _: click.echo("the summary"))
    assert main(["deploy", "-i", two, *arguments]) == exits.OK
    assert ("the summary" in capsys.readouterr().out) is shown


@pytest.fixture
def two(tmp_path: Path) -> str:
    """An inventory with two event stores that are not deployed."""
    file = tmp_path / "two.py"
    file.write_text(TWO)
    return str(file)


def options(command: str) -> dict[str, tuple[str, ...]]:
    return {option.name or "": tuple(option.opts) for option in parameters(command)}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_the_same_everywhere(command: str) -> None:
    taken = options(command)
    assert taken["inventory"] == ("-i", "--inventory")
    about_one = {
        "dsn", "types", "psql", "rotate", "shell", "demo", "seals", "export-seals", "retire", "backup", "backups", "drill",
        "restore", "restore-point", "copy", "restore-repository",
    }  # fmt: skip
    lists = {"drift", "status", "summary", "seals", "authorities", "backups"}
    assert taken.get("container") == (("-c", "--container") if command in about_one else None)
    assert taken.get("as_json") == (("--json",) if command in lists else None)
    [inventory] = [option for option in parameters(command) if option.name == "inventory"]
    assert isinstance(inventory, click.Option)
    assert (inventory.default, inventory.envvar) == ("inventory/local.py", "INVENTORY")


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["nonsense"],
        *([command, "--inventory"] for command in COMMANDS),
        *([command, "--nonsense"] for command in COMMANDS if command not in ("deploy", "plan", "verify", "psql")),
        *([command] for command in REQUIRED),
    ],
    ids=" ".join,
)
def test_a_usage_error_is_64(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == exits.USAGE == 64
    assert "Error: " in capsys.readouterr().err or not line


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_fine(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == exits.OK
    assert "--inventory" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_an_inventory_that_is_not_there_is_said(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command, "-i", "nowhere.py", *REQUIRED.get(command, [])]) == exits.FAILED
    said = "".join(capfd.readouterr())
    assert "nowhere.py: no such inventory file" in said
    assert "Traceback" not in said


def test_an_inventory_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.py"
    file.write_text("lxc_hosts = [\n")
    assert main(["dsn", "-i", str(file)]) == exits.FAILED
    message = capsys.readouterr().err
    assert f"{file} cannot be read; fix" in message
    assert "'[' was never closed" in message


@pytest.mark.parametrize("command", OF_A_CONTAINER)
def test_a_container_has_to_be_one_of_those_there(two: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "-i", two, "-c", "three", *REQUIRED.get(command, [])]) == exits.FAILED
    assert re.search(r"there is no .* three; .* to make; there is one, two", capsys.readouterr().err)


def test_what_is_not_deployed_has_no_password(two: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dsn", "-i", two, "-c", "one"]) == exits.FAILED
    assert "@lxc/one has no password yet for stock_analysis_user; deploy it first" in capsys.readouterr().err


def test_an_empty_password_of_the_environment_is_no_traceback(
    two: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER", "")
    assert main(["dsn", "-i", two, "-c", "one"]) == exits.FAILED
    assert "is set, but empty" in capsys.readouterr().err


def test_the_inventory_of_the_environment_is_taken(
    two: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVENTORY", two)
    assert main(["dsn"]) == exits.FAILED
    assert two in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        (["drift", "nowhere.py"], exits.FAILED, "nowhere.py: no such inventory file"),
        (["summary", "nowhere.py"], exits.FAILED, "nowhere.py: no such inventory file"),
        (["drift"], exits.USAGE, "say the file of the inventory first"),
        (["dsn", "TWO"], exits.FAILED, "there is one, two"),
        (["dsn", "TWO", ""], exits.FAILED, "there is one, two"),
        (["dsn", "TWO", "@lxc/two"], exits.FAILED, "@lxc/two has no password yet"),
        (["demo", "TWO", "two"], exits.FAILED, "@lxc/two has no password yet"),
        (["seals", "TWO", "", "verify"], exits.FAILED, "there is one, two"),
        (["seals", "TWO", "three", "verify", ""], exits.FAILED, "there is one, two"),
        (["seals", "TWO", "one", "export", ""], exits.FAILED, "say --export FILE"),
        (["seals", "TWO", "one", "nonsense"], exits.USAGE, "'nonsense' is neither verify nor export"),
        (["retire", "TWO", "one", "", ""], exits.FAILED, "say --before DATE and --export FOLDER"),
        (["retire", "TWO", "", "2000-01-01", "x"], exits.FAILED, "there is one, two"),
        (["dsn", "TWO", "one", "two"], exits.USAGE, "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_old_paths_take_their_old_arguments(two: str, line: list[str], status: int, message: str) -> None:
    module, *arguments = (two if word == "TWO" else word for word in line)
    done = run("-m", f"deploy.commands.{module}", *arguments)
    assert (done.returncode, message in done.stderr) == (status, True), done.stdout + done.stderr


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    command = f"{sys.executable} -m deploy.commands --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "completions"),
    [("s", {"seals", "shell", "status", "summary"}), ("status --js", {"--json"}), ("drift --inv", {"--inventory"})],
)
def test_a_shell_can_complete(words: str, completions: set[str]) -> None:
    line = f"event-store {words}"
    environment = {"_EVENT_STORE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = run("-m", "deploy.commands", environment=environment)
    assert {answer.partition(",")[2] for answer in done.stdout.split()} == completions


def test_the_page_says_how_to_turn_completion_on() -> None:
    [variable, value] = re.findall(r"\$\((\w+)=(\w+) event-store\)", PAGE)[0]
    done = run("-m", "deploy.commands", environment={variable: value})
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False).returncode == 0
    assert "complete -o nosort -F" in done.stdout


def test_every_command_and_status_is_on_the_page() -> None:
    assert set(re.findall(r"^\| `event-store ([a-z-]+)", PAGE, re.MULTILINE)) == set(COMMANDS)
    statuses = {value for name, value in vars(exits).items() if name.isupper()}
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == statuses


def test_every_target_of_the_makefile_that_is_a_command_is_called_so() -> None:
    makefile = (ROOT / "Makefile").read_text()
    called = dict(re.findall(r"^([a-z-]+):.*\n\t@\$\(EVENT_STORE\) ([a-z-]+)", makefile, re.MULTILINE))
    assert all(target == command for target, command in called.items())
    assert set(called) == set(COMMANDS) - {"summary"}


def test_every_target_runs_whatever_files_there_are() -> None:
    """A file of a target's name, for example `rollback`, must not make it "up to date"."""
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) == set(phony.split())


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """A Python process in the checkout."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["drift", "plan"])
def test_an_inventory_without_machines_is_no_success(tmp_path: Path, command: str) -> None:
    """pyinfra itself is content with it."""
    file = tmp_path / "empty.py"
    file.write_text("event_stores = []\n")
    done = run("-m", "deploy.commands", command, "-i", str(file))
    assert (done.returncode, "no machine in group lxc_hosts" in done.stderr) == (exits.FAILED, True), done.stderr
