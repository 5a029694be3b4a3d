"""The command line around lxc-attach, run by a real shell with executables that note what they are given."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyinfra.api import MaskString, QuoteString, StringCommand
from pyinfra.api.exceptions import InventoryError

from deploy.machine.connectors.attach import NOT_RUNNING, attach_command, check_container_name
from deploy.machine.connectors.lxc import LxcConnector
from deploy.machine.connectors.lxcssh import LxcSshConnector

HOSTILE = ["a b", "a'b", 'a"b', "$(touch pwned)", "`id`", "a;reboot", "a\nb", "-n", "*", "\\", "é", "$HOME", "a&&b"]


class Stubs:
    """lxc-attach that runs its command here, and lxc-info that answers what it is told to."""

    def __init__(self, folder: Path, state: str = "RUNNING") -> None:
        self.folder = folder
        self._write("lxc-attach", f"printf '%s\\0' \"$@\" > {folder}/attach\nwhile [ \"$1\" != -- ]; do shift; done; shift\n"
                    'exec "$@"')  # fmt: skip
        self._write("lxc-info", f"printf '%s\\0' \"$@\" > {folder}/info\necho {state}")

    def _write(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, command: StringCommand, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        for name in ("attach", "info"):
            (self.folder / name).unlink(missing_ok=True)
        return subprocess.run(
            ["sh", "-c", command.get_raw_value()],
            input=stdin,
            cwd=self.folder,
            env={"PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    def argv(self, name: str) -> list[str]:
        return (self.folder / name).read_bytes().decode().split("\0")[:-1]


@pytest.fixture
def stubs(tmp_path: Path) -> Stubs:
    return Stubs(tmp_path)


def test_a_command_runs_as_root_with_a_clean_environment(stubs: Stubs) -> None:
    done = stubs.run(attach_command("one", StringCommand("echo", "hello")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    argv = stubs.argv("attach")
    assert argv[:3] == ["-n", "one", "--clear-env"]
    assert argv[-4:-1] == ["--", "sh", "-c"]
    assert argv[-1].endswith("; echo hello")
    variables = dict(argv[place + 1].split("=", 1) for place, word in enumerate(argv) if word == "--set-var")
    assert variables["PATH"].split(":")[-1] == "/bin"
    assert variables.keys() == {"PATH", "HOME", "LANG", "DEBIAN_FRONTEND"}


@pytest.mark.parametrize("text", HOSTILE)
def test_an_argument_arrives_as_it_is(stubs: Stubs, text: str) -> None:
    done = stubs.run(attach_command("one", StringCommand("printf", "%s", QuoteString(text))))
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")
    assert not (stubs.folder / "pwned").exists()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_command_arrives_in_one_piece_whatever_is_in_it(stubs: Stubs, text: str) -> None:
    stubs.run(attach_command("one", StringCommand(":", QuoteString(text))))
    assert shlex.split(stubs.argv("attach")[-1])[-2:] == [":", text]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_one_argument_though_check_container_name_would_refuse_it(stubs: Stubs, name: str) -> None:
    stubs.run(attach_command(name, StringCommand("false")))
    assert stubs.argv("attach")[:2] == ["-n", name]
    assert stubs.argv("info") == ["-sH", "-n", name]
    assert not (stubs.folder / "pwned").exists()


def test_standard_input_reaches_the_command(stubs: Stubs) -> None:
    assert stubs.run(attach_command("one", StringCommand("cat")), stdin="SELECT 1").stdout == "SELECT 1"


def test_a_failure_keeps_its_status_and_is_not_taken_for_a_stopped_container(stubs: Stubs) -> None:
    done = stubs.run(attach_command("one", StringCommand("exit 7")))
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("state", ["STOPPED", "FROZEN", ""])
def test_a_container_that_does_not_run_is_said_so_on_standard_error(tmp_path: Path, state: str) -> None:
    done = Stubs(tmp_path, state).run(attach_command("one", StringCommand("exit 1")))
    assert (done.returncode, done.stderr) == (1, f"{NOT_RUNNING}\n")


@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_files_are_made_with_the_same_mode_whoever_deploys(stubs: Stubs, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert stubs.run(attach_command("one", StringCommand("umask"))).stdout == "0022\n"
    finally:
        os.umask(before)


def test_the_state_is_not_asked_after_a_success(stubs: Stubs) -> None:
    stubs.run(attach_command("one", StringCommand("true")))
    assert not (stubs.folder / "info").exists()


def test_what_is_masked_inside_is_masked_outside() -> None:
    command = attach_command("one", StringCommand("echo", QuoteString(MaskString("planted"))))
    assert "planted" in command.get_raw_value()
    assert "planted" not in str(command)


@pytest.mark.parametrize("name", ["a", "stock-analysis", "A_1", "0", "x" * 63])
def test_a_container_name_is_taken(name: str) -> None:
    assert check_container_name(name) == name


@pytest.mark.parametrize("name", [None, "", "-a", "_a", ".", "..", "a/b", "x" * 64, "é", "a\n", *HOSTILE])
def test_what_is_no_container_name_is_refused_with_what_one_is(name: str | None) -> None:
    with pytest.raises(InventoryError, match="use letters, digits, - and _"):
        check_container_name(name)


def test_the_inventorys_names_say_container_and_host() -> None:
    ((name, data, groups),) = LxcConnector.make_names_data("one")
    assert (name, data, groups) == ("@lxc/one", {"lxc_name": "one", "lxc_host": "@local"}, ["@lxc"])
    ((name, data, groups),) = LxcSshConnector.make_names_data("lxc-1.example.net:one")
    assert name == "@lxcssh/lxc-1.example.net:one"
    assert (data, groups) == ({"lxc_name": "one", "lxc_host": "lxc-1.example.net"}, ["@lxcssh"])


@pytest.mark.parametrize("name", [None, "", "one", ":one"])
def test_a_container_over_ssh_needs_its_host(name: str | None) -> None:
    with pytest.raises(InventoryError, match="write @lxcssh/HOST:CONTAINER"):
        list(LxcSshConnector.make_names_data(name))


def test_a_container_over_ssh_needs_a_name() -> None:
    with pytest.raises(InventoryError, match="is not a container name"):
        list(LxcSshConnector.make_names_data("host:"))
