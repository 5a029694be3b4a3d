"""What a restore leaves out: which rows, and where they go."""

import stat
from pathlib import Path
from typing import Any

import pytest

from deploy.commands.errors import CommandError
from deploy.commands.losses import condition, read_out, sort_out

TARGET: dict[str, Any] = {
    "lsn": "0/10",
    "next": 700,
    "running": [690],
    "committed": [701],
    "time": 1000.0,
    "event": None,
}


@pytest.mark.parametrize("target", [TARGET | {"lsn": None}, {key: TARGET[key] for key in ("lsn", "time", "event")}])
def test_where_nothing_is_lost_or_nobody_can_tell_no_event_is_read(target: dict[str, Any]) -> None:
    assert condition(target) is None
    assert "event_line" not in read_out(target, with_events=True)


def test_what_is_lost_is_told_by_transactions() -> None:
    said = condition(TARGET)
    assert said is not None
    assert "- 700 + 4294967296" in said
    assert "= ANY ('{690}'::bigint[])" in said
    assert "AND NOT e.xmin::text::bigint = ANY ('{701}'::bigint[])" in said
    assert said in read_out(TARGET, with_events=True)
    assert "event_line" not in read_out(TARGET, with_events=False)


def test_events_go_to_a_file_that_nobody_else_reads_and_erasures_do_not(tmp_path: Path) -> None:
    path = tmp_path / "lost" / "1.jsonl"
    lines = [b"6f1c2a4e request\n", b'{"event_id" : 1}\n', b'{"event_id" : 2}\n']
    assert sort_out(lines, path) == (["6f1c2a4e request"], 2)
    assert path.read_bytes() == b"".join(lines[1:])
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]


def test_without_an_event_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "lost" / "1.jsonl"
    assert sort_out([b"6f1c2a4e request\n"], path) == (["6f1c2a4e request"], 0)
    assert not path.parent.exists()


def test_nothing_is_left_of_what_was_not_read_to_its_end(tmp_path: Path) -> None:
    def ends() -> Any:
        yield b'{"event_id" : 1}\n'
        raise CommandError("that failed")

    with pytest.raises(CommandError):
        sort_out(ends(), tmp_path / "1.jsonl")
    assert [*tmp_path.iterdir()] == []
