"""Runs pyinfra's command line as an operator does: as a program of its own, in the checkout's root."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from .command import FAKE, PASSWORD, PASSWORD_VARIABLE, ROOT, Plan


class Pyinfra(Protocol):
    """Runs pyinfra; see the fixture `pyinfra`."""

    def __call__(
        self, *arguments: str, environment: Mapping[str, str | None] = ..., program: str = ..., cwd: Path = ...
    ) -> "subprocess.CompletedProcess[str]": ...


@pytest.fixture(scope="session")
def pyinfra() -> Pyinfra:
    """The finished process of `python -m pyinfra ARGUMENTS`, or of the script `pyinfra`."""
    programs = {"module": [sys.executable, "-m", "pyinfra"], "script": [str(Path(sys.executable).with_name("pyinfra"))]}

    def run(
        *arguments: str, environment: Mapping[str, str | None] | None = None, program: str = "module", cwd: Path = ROOT
    ) -> "subprocess.CompletedProcess[str]":
        wanted = {**os.environ, PASSWORD_VARIABLE: PASSWORD, **(environment or {})}
        variables = {name: value for name, value in wanted.items() if value is not None}
        return subprocess.run(
            [*programs[program], *arguments], cwd=cwd, env=variables, capture_output=True, text=True, check=False,
            timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def fake_plan(pyinfra: Pyinfra) -> Plan:
    """The plan for one LXC host and two containers, all blank."""
    return Plan.of(pyinfra(FAKE, "deploy/", "--dry", "--json"))
