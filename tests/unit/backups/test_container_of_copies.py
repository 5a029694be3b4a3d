"""The program on an LXC host asks the program in the repository's container: what it makes of the answers."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from deploy.backups.copies.program.container import WHOLE, Container
from deploy.backups.copies.program.tree import CopyError
from deploy.backups.program import __main__ as inside


@pytest.fixture(name="answering")
def _answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Container]:
    """A container whose program does what a shell script says."""

    def answering(script: str) -> Container:
        monkeypatch.setattr(Container, "_command", lambda *_: ["sh", "-c", script])
        return Container("kept")

    return answering


def test_it_is_held_until_the_copy_is_made(answering: Callable[[str], Container]) -> None:
    with answering("echo held; cat").held(["one"]) as check:
        check()


def test_whoever_cannot_be_held_is_said(answering: Callable[[str], Container]) -> None:
    with (
        pytest.raises(CopyError, match=r"kept cannot be held; .*: it is down"),
        answering("echo it is down >&2; echo what; cat").held(["one"]),
    ):
        pass


def test_who_was_held_no_more_in_the_end_is_noticed(answering: Callable[[str], Container]) -> None:
    """Its container was restarted, say, and backups have run since."""
    with answering("echo held").held(["one"]) as check:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        with pytest.raises(CopyError, match="kept was not held to the end"):
            check()


def test_who_fails_while_it_lets_go_is_noticed(answering: Callable[[str], Container]) -> None:
    with (
        pytest.raises(CopyError, match="held by a process that ended with 3: it let go badly"),
        answering("echo held; cat; echo it let go badly >&2; exit 3").held(["one"]) as check,
    ):
        check()


def test_of_several_event_stores_only_what_is_wrong_is_a_problem(answering: Callable[[str], Container]) -> None:
    assert inside.WHOLE == WHOLE, "both programs know it"
    said = answering(f"echo 'one: {WHOLE}'; echo 'two: a checksum is wrong'; exit 2").verify("copy", ["one", "two"])
    assert said == ["two: a checksum is wrong"]
    assert answering(f"echo 'one: {WHOLE}'").verify("copy", ["one"]) == []


@pytest.mark.parametrize(
    "script", ["echo 'usage: verify' >&2; exit 2", f"echo 'one: {WHOLE}'; echo 'usage: verify' >&2; exit 2"]
)
def test_a_verification_that_names_no_problem_is_none(answering: Callable[[str], Container], script: str) -> None:
    """argparse also ends with 2: a program that knows no copies says nothing about this one."""
    with pytest.raises(CopyError, match=r"copy could not be verified in kept: .*usage: verify"):
        answering(script).verify("copy", ["one"])


def test_the_drilled_ones_are_told(answering: Callable[[str], Container]) -> None:
    report = {"one": {"drilled-copy": {"copy": "20261101-030000"}}, "two": {"drilled-copy": None}}
    assert answering(f"echo '{json.dumps(report)}'").drilled() == {"one": "20261101-030000"}


@pytest.mark.parametrize(
    "report",
    ["", [], "text", {"one": {}}, {"one": None}, {"one": {"drilled-copy": {}}}, {"one": {"drilled-copy": {"copy": []}}},
     {"one": {"drilled-copy": {"copy": "../other"}}}],
)  # fmt: skip
def test_an_odd_report_is_an_error_with_a_message(answering: Callable[[str], Container], report: Any) -> None:
    with pytest.raises(CopyError, match="kept does not say what was drilled"):
        answering(f"echo '{json.dumps(report)}'").drilled()
