"""A password that was planted appears in no way to run pyinfra, and neither does what the server stores of it."""

import base64
from urllib.parse import quote

import pytest

from .command import FAKE, PASSWORD
from .conftest import Pyinfra

_TRACES = (
    PASSWORD,
    quote(PASSWORD, safe=""),
    base64.b64encode(PASSWORD.encode()).decode(),
    PASSWORD.encode().hex(),
    "SCRAM-SHA-256$",
    *PASSWORD.split(),  # as a shell or a wrapped line would cut it up
)


@pytest.mark.parametrize(
    "flags",
    [
        ["--dry"],
        ["--dry", "--diff"],
        ["--dry", "-vvv", "--debug"],
        ["--dry", "--debug-all"],
        ["--debug-operations"],
        ["--debug-facts"],
        ["--dry", "--json"],
        ["-y"],
        ["-y", "--diff"],
        ["-y", "--json"],
        ["-y", "-vvv"],
        ["-y", "-vvv", "--debug"],
        ["-y", "-vvv", "--debug-all"],
    ],
    ids=" ".join,
)
def test_planted_password_appears_nowhere(pyinfra: Pyinfra, flags: list[str]) -> None:
    done = pyinfra(FAKE, "deploy/", *flags)
    assert done.returncode == 0, done.stderr[-2000:]
    output = done.stdout + done.stderr
    assert "Have the roles" in output or "have_roles" in output or "--debug-facts" in flags
    found = [place for place, trace in enumerate(_TRACES) if trace in output]
    assert found == []


def test_inventory_that_is_listed_has_no_password(pyinfra: Pyinfra) -> None:
    done = pyinfra(FAKE, "debug-inventory", "--json")
    assert not [place for place, trace in enumerate(_TRACES) if trace in done.stdout + done.stderr]
