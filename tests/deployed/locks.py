"""One LXC host for all groups of tests: whoever changes it, or relies on nobody else doing so, waits for his turn.

Containers are never waited for: if two processes have the same ones, the groups are wrong, or somebody else runs tests.
Locks are taken in the order in which they stand here, or two groups could wait for each other.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_FOLDER = Path("/run/lock")


class _Lock:
    """A lock between processes. Within a process it is held once, however often and in however many threads it is taken.

    The kernel takes it back from a process that was killed. Whoever waits holds the queue, so that a group with one test
    after the other does not keep the others out.
    """

    def __init__(self, name: str) -> None:
        self._files = _FOLDER / f"{name}-queue", _FOLDER / name
        self._mutex = threading.Lock()
        self._holders = 0
        self._held = ExitStack()

    def acquire(self, operation: int) -> None:
        queue, lock = self._files
        with self._mutex:
            if not self._holders:
                with queue.open("w") as waiting:
                    fcntl.flock(waiting, fcntl.LOCK_EX)
                    fcntl.flock(self._held.enter_context(lock.open("w")), operation)
            self._holders += 1

    def release(self) -> None:
        with self._mutex:
            self._holders -= 1
            if not self._holders:
                self._held.close()

    @contextmanager
    def held(self, operation: int) -> Iterator[None]:
        self.acquire(operation)
        try:
            yield
        finally:
            self.release()


_NETWORK, _HOST, _TURN = _Lock("estest-network"), _Lock("estest-host"), _Lock("estest-turn")


def _alone_or_shared(*, breaks: bool) -> int:
    return fcntl.LOCK_EX if breaks else fcntl.LOCK_SH


@contextmanager
def network_lock(*, breaks: bool) -> Iterator[None]:
    """The bridge for the length of the block: for one who ``breaks`` it, or for all who need it."""
    with _NETWORK.held(_alone_or_shared(breaks=breaks)):
        yield


@contextmanager
def host_lock(*, breaks: bool) -> Iterator[None]:
    """The LXC host for the length of the block: for one who ``breaks`` it, or for all who look at it or deploy there."""
    with _HOST.held(_alone_or_shared(breaks=breaks)):
        yield


@contextmanager
def turn_lock() -> Iterator[None]:
    """The host as it should be, and no other run that changes something on it: one that came second would be refused."""
    with host_lock(breaks=False), _TURN.held(fcntl.LOCK_EX):
        yield


@contextmanager
def containers_lock(*names: str) -> Iterator[None]:
    """These containers for the length of the block. Raises `BlockingIOError` if another process has one of them."""
    with ExitStack() as stack:
        for name in names:
            file = stack.enter_context((_FOLDER / name).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
