"""A plugin of `make soak`, which writes a green run down for docs/figures.md: when, what, how many tests, how long."""

import time

import pytest

from .figures import keep_soak

_STARTED = time.monotonic()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Of the whole run, which ends in the process that prints the summary."""
    if exitstatus == pytest.ExitCode.OK:
        counts = {outcome: len(terminalreporter.stats.get(outcome, ())) for outcome in ("passed", "skipped")}
        keep_soak(command="make soak", **counts, seconds=round(time.monotonic() - _STARTED))
