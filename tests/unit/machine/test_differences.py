"""Reports and refusals, in a pyinfra state without a connection."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.exceptions import OperationError
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, ctx_state

from deploy.machine.differences import MARK, masked, refuse, report
from deploy.machine.records import VARIABLE, Difference, recorded_in


@pytest.fixture
def state() -> Iterator[State]:
    state = State(Inventory((["@local"], {})), Config(DIFF=True))
    with ctx_state.use(state), ctx_host.use(state.inventory.get_host("@local")):
        yield state


def test_differences_are_said_while_the_plan_is_made(state: State, caplog: pytest.LogCaptureFixture) -> None:
    state.current_stage = StateStage.Prepare
    with caplog.at_level("INFO", logger="pyinfra"):
        report(
            [
                Difference("/etc/hosts", "content differs", ("-there", "+declared")),
                Difference("package less", "missing"),
            ]
        )
    said = [message.partition(MARK)[2] for message in caplog.messages]
    assert said == ["/etc/hosts: content differs", "-there", "+declared", "package less: missing"]


@pytest.mark.parametrize(("stage", "diff"), [(StateStage.Execute, True), (StateStage.Prepare, False)])
def test_differences_are_not_said_again_nor_unasked(
    state: State, caplog: pytest.LogCaptureFixture, stage: StateStage, diff: bool
) -> None:
    state.current_stage = stage
    state.config.DIFF = diff
    with caplog.at_level("INFO", logger="pyinfra"):
        report([Difference("one", "missing")])
    assert caplog.messages == []


def test_a_program_gets_what_differs_as_data_whether_people_see_it_or_not(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "differences"
    file.touch()
    monkeypatch.setenv(VARIABLE, str(file))
    state.config.DIFF = False
    found = [Difference("a: b", "is [@local] \x1b[1m~ c", ("+ ö", "")), Difference("a", "missing")]
    state.current_stage = StateStage.Prepare
    report(found)
    state.current_stage = StateStage.Execute
    report([Difference("said at execution", "missing")])
    assert recorded_in(file) == {"@local": found}


def test_a_refusal_ends_the_plan_with_machine_and_reason(state: State) -> None:
    state.current_stage = StateStage.Prepare
    with pytest.raises(OperationError, match=r"^@local: it's too late$"):
        refuse("it's too late")


def test_a_refusal_at_execution_is_a_command_that_fails_with_the_reason(state: State) -> None:
    state.current_stage = StateStage.Execute
    done = subprocess.run(
        ["sh", "-c", refuse("it's $HOME\n`id`").get_raw_value()], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "it's $HOME\n`id`\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+primary_conninfo = 'host=x password=abc'", "+primary_conninfo = 'host=x password=…'"),
        ("conninfo = 'password = abc host=x'", "conninfo = 'password = … host=x'"),
        ("postgresql://me:abc@host/db?x=1", "postgresql://me:…@host/db?x=1"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("password_encryption = scram-sha-256", "password_encryption = scram-sha-256"),
    ],
)
def test_a_password_in_a_connection_string_is_not_shown(text: str, shown: str) -> None:
    assert masked(text) == shown
