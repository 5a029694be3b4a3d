"""Says that a machine is at work, and for how long already, while one command takes its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from pyinfra.context import ctx_host, state

#: Seconds until something is said, and from then on between two lines.
_FIRST: Final = 2.0
_THEN: Final = 5.0


@contextmanager
def working(what: str) -> Iterator[None]:
    """Around the ``yield`` of a long command in an operation; says nothing while a plan is made.

    ``what`` is for example ``building image trixie (about 20 s)``. pyinfra's log goes to standard error, so that what
    ``--json`` prints stays JSON.
    """
    if not state.is_executing:
        yield
        return
    with ticking(what, ctx_host.get().log):
        yield


@contextmanager
def ticking(what: str, say: Callable[[str], object], first: float = _FIRST, then: float = _THEN) -> Iterator[None]:
    """Call ``say`` after ``first`` seconds and every ``then`` seconds, until the block ends, and at its end."""
    started = time.monotonic()

    def tick() -> None:
        pause = first
        while True:
            gevent.sleep(pause)
            say(f"{what}: {time.monotonic() - started:.0f} s")
            pause = then

    greenlet = gevent.spawn(tick)
    try:
        yield
    finally:
        greenlet.kill()
    if (passed := time.monotonic() - started) >= first:
        say(f"{what}: done after {passed:.0f} s")
