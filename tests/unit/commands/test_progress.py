import pytest

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
