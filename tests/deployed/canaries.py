"""Secrets that are planted, and looked for in all processes while something runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: How each verifier begins.
VERIFIER = "SCRAM-SHA-256$"


class Processes(threading.Thread):
    """Reads the command lines of all processes, on the host and in containers, as fast as it can.

    And their environments, unless the environment is what gives the secret. ``needles`` is asked each time.
    """

    def __init__(self, needles: Callable[[], set[str]], *, files: tuple[str, ...] = ("cmdline", "environ")) -> None:
        super().__init__()
        self.needles, self.files = needles, files
        self.done = threading.Event()
        self.hits: set[str] = set()
        self.looked = 0

    def run(self) -> None:
        # Whatever does something runs for longer than the pause.
        while not self.done.wait(0.01):
            needles = [needle.encode() for needle in self.needles()]
            for path in (path for name in self.files for path in Path("/proc").glob(f"[0-9]*/{name}")):
                try:
                    text = path.read_bytes()
                except OSError:
                    continue
                if any(needle in text for needle in needles):
                    self.hits.add(f"{path.name}: {text.decode(errors='replace')}")
            self.looked += 1


@contextmanager
def watched(processes: Processes) -> Iterator[None]:
    """For the length of the block."""
    processes.start()
    try:
        yield
    finally:
        processes.done.set()
        processes.join()
    assert processes.looked > 10
    assert processes.hits == set()
