from hashlib import sha256
from pathlib import Path

import pytest

from deploy.commands.archive import events_of, file_name, holds_events, last_seal, merkle_root, new_file, seals_in
from deploy.commands.errors import CommandError
from deploy.commands.superuser import quoted


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split at the largest power of two that is smaller."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@pytest.mark.parametrize("count", range(34))
def test_the_root_is_that_of_rfc_6962(count: int) -> None:
    events = [b"event %d" % number for number in range(count)]
    assert merkle_root(events) == by_definition([sha256(b"\0" + event).digest() for event in events])


def test_lines_of_seals_are_no_events() -> None:
    assert list(events_of([b'{"seal" : 1, "root" : ""}', b'{"event_id" : "a"}', b'{"seal" : 2}'])) == [
        b'{"event_id" : "a"}'
    ]


def seal(number: int, last: int) -> str:
    return f'{{"seal" : {number}, "last_transaction_id" : "{last}", "last_position" : {last}}}\n'


def fork(last: int, first: int) -> str:
    return f'{{"fork" : "x", "last_transaction_id" : "{last}", "last_position" : {last}, "first_transaction_id" : "{first}"}}\n'


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("", 0),
        (seal(1, 10) + seal(2, 20), 2),
        (seal(1, 10) + seal(2, 20) + fork(20, 100), 2),
        (seal(1, 10) + seal(2, 20) + fork(15, 100), 1),
        (seal(1, 10) + seal(2, 20) + fork(5, 100), 0),
        (seal(1, 10) + seal(2, 20) + fork(15, 100) + seal(2, 110) + seal(3, 120), 3),
        # Restored again, to before the first fork.
        (seal(1, 10) + seal(2, 20) + fork(15, 100) + seal(2, 110) + fork(5, 200), 0),
    ],
)
def test_new_seals_follow_the_last_one_that_no_fork_has_lost(tmp_path: Path, text: str, last: int) -> None:
    path = tmp_path / "seals"
    path.write_text(text)
    assert last_seal(path) == last
    assert not holds_events(path)


@pytest.mark.parametrize(
    ("line", "said"), [('{"event_id" : "a"}', "holds events"), ('{"seal" : 2, "la', "not a whole seal")]
)
def test_a_file_that_ends_otherwise_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "seals"
    path.write_text(seal(1, 10) + line)
    with pytest.raises(CommandError, match=said):
        last_seal(path)


def test_a_literal_holds_any_text() -> None:
    for text in ("", "it's", "$$", "\\", ":name", "$t0$", quoted("$t")):
        literal = quoted(text)
        tag = literal[: literal.index("$", 1) + 1]
        assert literal == f"{tag}{text}{tag}"
        assert tag not in text


# The file, which may be the only place of its events


def test_files_of_two_stores_never_have_one_name() -> None:
    """Containers on two hosts, or of two inventories, may be called alike, and all seals are counted from 1."""
    one, other = (file_name("stock-analysis", 1, 40, sha256(seed).hexdigest()) for seed in (b"one", b"other"))
    assert one != other
    assert one == file_name("stock-analysis", 1, 40, sha256(b"one").hexdigest())


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_bytes(b"the only place of other events")
    with pytest.raises(CommandError, match="with other content"), new_file(path) as out:
        out.write(b"events")
    assert path.read_bytes() == b"the only place of other events"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_comes_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    with pytest.raises(CommandError, match="with other content"), new_file(path):
        path.write_bytes(b"of a run beside this one")
    assert path.read_bytes() == b"of a run beside this one"


def test_what_a_killed_run_has_exported_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    for _ in range(2):
        with new_file(path) as out:
            out.write(b"events")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"events", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the store is gone"), new_file(tmp_path / "archive.jsonl"):
        raise ValueError("the store is gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "seals", "is_archive"),
    [
        (b"", set(), False),
        (b'{"seal" : 1, "root" : ""}\n{"seal" : 2, "root" : ""}\n\n', {1, 2}, False),
        (b'{"seal" : 12, "root" : ""}\n{"event_id" : "a"}\n', {12}, True),
        (b'{"event_id" : "a"}', set(), True),
        (b"\xff\n", set(), True),
    ],
)
def test_a_file_with_one_event_is_an_archive(tmp_path: Path, content: bytes, seals: set[int], is_archive: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert (seals_in(file), holds_events(file)) == (seals, is_archive)
