"""The connector by itself, through pyinfra's own operations: bytes, names, privileges."""

import os
from pathlib import Path

import pytest

from .containers import TRIXIE, declared
from .deployment import PYINFRA, Deployment, inside, run

HOSTILE = "/tmp/a b'c\"d;$(touch hacked)&.bin"
CONTENT = bytes(range(256)) * 40 + b"\n\r\0no newline at the end"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with every byte there is."""
    path = tmp_path / "content.bin"
    path.write_bytes(CONTENT)
    return path


def _run(*arguments: str) -> str:
    done = run(PYINFRA, "-y", f"@lxc/{TRIXIE}", *arguments)
    return done.stdout + done.stderr


@pytest.mark.usefixtures("deployed")
def test_files_travel_byte_for_byte_under_any_name(file: Path, tmp_path: Path) -> None:
    back = tmp_path / "back.bin"
    _run("files.put", f"src={file}", f"dest={HOSTILE}", "mode=640")
    _run("files.get", f"src={HOSTILE}", f"dest={back}")
    assert back.read_bytes() == CONTENT
    quoted = "'" + HOSTILE.replace("'", "'\\''") + "'"
    assert inside(TRIXIE, f"stat -c %a {quoted}; find / -xdev -name hacked") == "640"
    inside(TRIXIE, f"rm {quoted}")


@pytest.mark.usefixtures("deployed")
def test_an_overwritten_file_is_replaced_as_a_whole_and_keeps_its_mode(file: Path) -> None:
    inside(
        TRIXIE, "echo old > /tmp/target; chmod 600 /tmp/target; chown postgres /tmp/target; ln /tmp/target /tmp/reader"
    )
    _run("files.put", f"src={file}", "dest=/tmp/target")
    assert inside(TRIXIE, "cat /tmp/reader") == "old", "written into, not renamed over"
    assert inside(TRIXIE, "stat -c '%a %U %s' /tmp/target") == f"600 postgres {len(CONTENT)}"
    assert inside(TRIXIE, "ls -A /tmp | grep new- || true") == ""
    inside(TRIXIE, "rm /tmp/target /tmp/reader")


@pytest.mark.usefixtures("deployed")
def test_commands_are_quoted_and_run_as_root_or_as_the_user_that_is_asked_for() -> None:
    assert 'it\'s "quoted" $HOME' in _run("exec", "--", 'printf \'%s\' "it\'s \\"quoted\\" \\$HOME"')
    assert "uid=0(root)" in _run("exec", "--", "id")
    assert "uid=5432(postgres)" in _run("--su-user", "postgres", "exec", "--", "id")
    assert "uid=0(root)" in _run("--sudo", "exec", "--", "id"), "sudo is the host's affair, and root needs none inside"


@pytest.mark.usefixtures("deployed")
def test_a_command_that_fails_fails() -> None:
    done = run(PYINFRA, "-y", f"@lxc/{TRIXIE}", "exec", "--", "exit 3", check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("name", ["../etc", "a b", "-n", "", "x" * 64, "a;b"])
def test_what_cannot_be_a_name_is_refused_before_anything_runs(name: str) -> None:
    done = run(PYINFRA, f"@lxc/{name}", "exec", "--", "true", check=False, env=os.environ | {"PYINFRA_PROGRESS": "off"})
    assert done.returncode != 0
    assert "is not a container name" in done.stderr


def test_a_plan_for_an_absent_container_reads_as_a_blank_machine(deployed: Deployment) -> None:
    deployed.containers = declared("estest-absent")
    status, report = deployed.drift()
    assert status == 2
    assert "package postgresql-17: missing" in report
    assert "database stock_analysis_event_store: missing" in report
