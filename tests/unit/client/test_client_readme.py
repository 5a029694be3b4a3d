"""The client's README lists every method, and no other."""

import inspect
import re
from pathlib import Path

from event_store import EventStore, Session, Subscription, follow

README = (Path(__file__).parents[3] / "client" / "README.md").read_text(encoding="utf-8")


def test_every_method_is_listed_and_no_other() -> None:
    methods = {
        name
        for cls in (EventStore, Session)
        for name, _ in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }
    table = README.partition("\n## Methods\n")[2].partition("\n## ")[0]
    listed = [name for line in table.splitlines() if line.startswith("|") for name in re.findall(r"`(\w+)`", line)]
    assert len(listed) == len(set(listed))
    assert set(listed) == methods | {follow.__name__, Subscription.__name__}


def test_the_files_that_are_named_are_there() -> None:
    client = Path(__file__).parents[3] / "client"
    for name in re.findall(r"`(async_\w+(?:\.py|/)|aio\.py|threads\.py)`", README):
        assert (client / "src" / "event_store" / name).exists(), name
