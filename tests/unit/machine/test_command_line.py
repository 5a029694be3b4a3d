"""The additions to pyinfra's command line; that they work in it is in tests/plan."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.machine import command_line


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "__main__.py").write_text("")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["deploy", "deploy/", "./deploy/", "empty/../deploy"])
def test_a_directory_stands_for_its_main_file(base: Path, name: str) -> None:
    file = command_line._as_file(name, base)
    assert file.endswith("deploy/__main__.py")
    assert (base / file).is_file()


@pytest.mark.parametrize("name", ["empty", "deploy/__main__.py", "deploy/other.py", "server.shell", "uptime", ""])
def test_everything_else_is_left_as_it_is(base: Path, name: str) -> None:
    assert command_line._as_file(name, base) == name


def test_an_absolute_directory_needs_no_base(base: Path) -> None:
    assert command_line._as_file(f"{base}/deploy/", Path("/")) == f"{base}/deploy/__main__.py"


def test_other_programs_that_use_gevent_are_left_alone() -> None:
    """In a process of its own: this one has pyinfra loaded."""
    program = (
        "import sys; from gevent import monkey; monkey.patch_all(); print([m for m in sys.modules if 'pyinfra' in m])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
