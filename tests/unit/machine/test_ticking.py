import gevent
import pytest

from deploy.machine.progress import ticking


def test_says_how_long_it_has_been_at_work_and_that_it_is_done() -> None:
    said = list[str]()
    with ticking("building image x", said.append, first=0.02, then=0.01):
        gevent.sleep(0.2)
    assert len(said) > 3
    assert said[:2] == ["building image x: 0 s"] * 2
    assert said[-1] == "building image x: done after 0 s"
    before = len(said)
    gevent.sleep(0.05)
    assert len(said) == before, "it goes on after the end"


def test_says_nothing_of_what_is_quick() -> None:
    said = list[str]()
    with ticking("creating volume", said.append):
        gevent.sleep(0.01)
    assert said == []


def test_what_fails_is_not_said_to_be_done() -> None:
    said = list[str]()

    def fail() -> None:
        with ticking("building image x", said.append, first=0.01, then=10):
            gevent.sleep(0.05)
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        fail()
    assert said == ["building image x: 0 s"]
