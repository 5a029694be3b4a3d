"""`pyinfra INVENTORY deploy/` is what the README promises: a directory, in every way to write it."""

import pytest

from .command import FAKE, ROOT, Plan
from .conftest import Pyinfra


@pytest.mark.parametrize("program", ["module", "script"])
@pytest.mark.parametrize("deploy", ["deploy/", "deploy", "./deploy/", "deploy/__main__.py", f"{ROOT}/deploy/"])
def test_directory_stands_for_its_main_file(pyinfra: Pyinfra, fake_plan: Plan, program: str, deploy: str) -> None:
    done = pyinfra(FAKE, deploy, "--dry", "--json", program=program)
    assert Plan.of(done) == fake_plan


@pytest.mark.parametrize("program", ["module", "script"])
def test_directory_is_looked_for_where_chdir_leads(pyinfra: Pyinfra, fake_plan: Plan, program: str) -> None:
    done = pyinfra("--chdir", str(ROOT), FAKE, "deploy/", "--dry", "--json", program=program, cwd=ROOT.parent)
    assert Plan.of(done) == fake_plan


def test_directory_of_another_name_is_no_deploy(pyinfra: Pyinfra) -> None:
    done = pyinfra(FAKE, "templates/", "--dry")
    assert done.returncode != 0


def test_commands_of_other_names_are_left_alone(pyinfra: Pyinfra) -> None:
    """`exec -- ls deploy` has a command behind it, not a deploy."""
    done = pyinfra(FAKE, "exec", "--", "ls", "deploy")
    assert done.returncode == 0, done.stderr
    assert "deploy/__main__.py" not in done.stderr
