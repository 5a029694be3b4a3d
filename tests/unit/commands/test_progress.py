import io
import time

import pytest
from rich.console import Console

from deploy.commands import progress as module
from deploy.commands.progress import progress


def test_without_a_terminal_there_is_a_line_now_and_then_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("exporting events", 12_000, pause=0) as advance:
        advance(10_000)
        advance(2_000)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "exporting events: 10,000 of 12,000 after 0 s",
        "exporting events: 12,000 of 12,000 after 0 s",
    ]


def test_what_is_quick_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("exporting events", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("first", "drawn"), [(0.0, True), (60.0, False)])
def test_on_a_terminal_a_bar_is_drawn_for_what_takes_its_time(
    monkeypatch: pytest.MonkeyPatch, first: float, drawn: bool
) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(module, "console", lambda **_: terminal)
    with progress("exporting events", 12_000, first=first) as advance:
        advance(6_000)
        time.sleep(0.3 if drawn else 0)
    written = terminal.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert ("exporting events" in written) == drawn
    assert ("6000/12000" in written) == drawn
