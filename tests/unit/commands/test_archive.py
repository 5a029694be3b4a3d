from hashlib import sha256

import pytest

from deploy.commands.archive import events_of, merkle_root
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


def test_a_literal_holds_any_text() -> None:
    for text in ("", "it's", "$$", "\\", ":name", "$t0$", quoted("$t")):
        literal = quoted(text)
        tag = literal[: literal.index("$", 1) + 1]
        assert literal == f"{tag}{text}{tag}"
        assert tag not in text
