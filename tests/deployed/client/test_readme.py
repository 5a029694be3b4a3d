"""The README's examples for the Python client do what they say, one after the other."""

import re
import sys
from types import ModuleType

import pytest

from deploy.render import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_examples_run_as_they_stand(empty_conninfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    section = re.split(r"^## ", README.partition("\n## Python client\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    examples = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert examples
    monkeypatch.setenv("EVENT_STORE_CONNINFO", empty_conninfo)
    # As a module: eventsourcing finds the class of an event by the name of its module.
    module = ModuleType("readme_examples")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for example in examples:
        exec(compile(example, "README.md", "exec"), module.__dict__)  # noqa: S102
