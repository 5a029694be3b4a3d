"""Reports and refusals, in a pyinfra state without a connection."""

import subprocess
from collections.abc import Iterator

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.exceptions import OperationError
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, ctx_state

from deploy.machine.differences import MARK, refuse, report


@pytest.fixture
def state() -> Iterator[State]:
    state = State(Inventory((["@local"], {})), Config(DIFF=True))
    with ctx_state.use(state), ctx_host.use(state.inventory.get_host("@local")):
        yield state


def test_differences_are_said_while_the_plan_is_made(state: State, caplog: pytest.LogCaptureFixture) -> None:
    state.current_stage = StateStage.Prepare
    with caplog.at_level("INFO", logger="pyinfra"):
        report(["one", "two"])
    assert [message.partition(MARK)[2] for message in caplog.messages] == ["one", "two"]


@pytest.mark.parametrize(("stage", "diff"), [(StateStage.Execute, True), (StateStage.Prepare, False)])
def test_differences_are_not_said_again_nor_unasked(
    state: State, caplog: pytest.LogCaptureFixture, stage: StateStage, diff: bool
) -> None:
    state.current_stage = stage
    state.config.DIFF = diff
    with caplog.at_level("INFO", logger="pyinfra"):
        report(["one"])
    assert caplog.messages == []


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
