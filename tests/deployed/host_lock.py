"""One LXC host for all groups of tests: whoever changes it, or relies on nobody else doing so, waits for his turn.

Containers are never waited for: if two processes have the same ones, the groups are wrong, or somebody else runs tests.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_FOLDER = Path("/run/lock")


class _HostLock:
    """A lock between processes. Within a process it is held once, however often and in however many threads it is taken.

    The kernel takes it back from a process that was killed. Whoever waits holds the queue, so that a group with one test
    after the other does not keep the others out.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._holders = 0
        self._host = ExitStack()

    def acquire(self) -> None:
        with self._mutex:
            if not self._holders:
                with (_FOLDER / "estest-queue").open("w") as queue:
                    fcntl.flock(queue, fcntl.LOCK_EX)
                    host = self._host.enter_context((_FOLDER / "estest-host").open("w"))
                    fcntl.flock(host, fcntl.LOCK_EX)
            self._holders += 1

    def release(self) -> None:
        with self._mutex:
            self._holders -= 1
            if not self._holders:
                self._host.close()


_LOCK = _HostLock()


@contextmanager
def host_lock() -> Iterator[None]:
    """The LXC host for the length of the block: no other group of tests deploys, destroys or breaks anything on it."""
    _LOCK.acquire()
    try:
        yield
    finally:
        _LOCK.release()


@contextmanager
def containers_lock(*names: str) -> Iterator[None]:
    """These containers for the length of the block. Raises `BlockingIOError` if another process has one of them."""
    with ExitStack() as stack:
        for name in names:
            file = stack.enter_context((_FOLDER / name).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
