"""How often a run with nothing to do enters a container: once, with all questions.

What an operation looks at and a part's list of questions does not have, is asked by itself, with one more entry. So a
question that is missing in a list is found here, and one that nobody needs any more is not: it costs next to nothing.
"""

from collections import Counter
from pathlib import Path

import pytest

from deploy.machine.look import YOUNG

from .deployment import PYINFRA, Deployment, record_entries, run


@pytest.fixture
def entries(deployed: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A line with the container's name for each entry from now on; everything is as declared."""
    deployed.apply()
    return record_entries(tmp_path, monkeypatch)


@pytest.mark.parametrize("flags", [["--dry"], ["--dry", "--diff"], ["-y"]])
def test_a_run_with_nothing_to_do_enters_each_container_once(
    deployed: Deployment, entries: Path, flags: list[str]
) -> None:
    deployed.pyinfra(*flags)
    assert Counter(entries.read_text().split()) == dict.fromkeys(deployed.containers, 1)


@pytest.mark.turn
@pytest.mark.parametrize(("seconds", "times"), [(0, 1), (3 * YOUNG, 2)])
def test_who_thinks_before_saying_yes_has_everything_asked_again(
    deployed: Deployment, entries: Path, seconds: float, times: int
) -> None:
    run("sh", "-c", f"(sleep {seconds}; echo) | {PYINFRA} {deployed.inventory} deploy/")
    assert Counter(entries.read_text().split()) == dict.fromkeys(deployed.containers, times)
