import asyncio
from pathlib import Path

import pytest

from event_store import AsyncEventStore, EventStore
from event_store.hints import Hints


@pytest.mark.parametrize("content", ["", "s3cret", "postgresql://user:s3cret@host:what/ever?no=such"])
def test_a_file_that_says_nothing_useful_is_named_and_not_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "conninfo"
    with pytest.raises(FileNotFoundError, match="conninfo"):
        EventStore(file).open()
    file.write_text(content)
    with pytest.raises(ValueError, match=f"{file} does not say where the store is") as raised:
        EventStore(file).open()
    assert "s3cret" not in repr(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    with pytest.raises(ValueError, match="the function for the conninfo does not say") as raised:
        EventStore(lambda: content).open()
    assert "s3cret" not in repr(raised.value)


def test_the_same_with_asyncio(tmp_path: Path) -> None:
    async def said() -> str:
        return "s3cret"

    async def scenario() -> None:
        for conninfo, error in ((tmp_path / "conninfo", FileNotFoundError), (said, ValueError)):
            with pytest.raises(error, match="conninfo"):
                await AsyncEventStore(conninfo).open()

    asyncio.run(scenario())


def test_whoever_waits_looks_again_while_the_file_is_being_written(tmp_path: Path) -> None:
    file = tmp_path / "conninfo"
    for content in (None, ""):
        if content is not None:
            file.write_text(content)
        with Hints(EventStore(file), poll=0.01) as hints:
            hints.wait()
