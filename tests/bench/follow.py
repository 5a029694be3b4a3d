"""Following a feed while others append, and what came of it."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .stores import Store
from .timing import percentile

#: After so long without an event, what is missing stays missing. emmett's consumer looks once a second at the least.
QUIET: float = 3.0


@dataclass
class Reader:
    """A program that follows, and what it has said so far."""

    seen: list[tuple[str, int]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def listen(self, program: "subprocess.Popen[str]") -> None:
        """Take down every line until the program ends."""
        assert program.stdout is not None
        for line in program.stdout:
            if self.ready.is_set():
                key, _, when = line.rpartition(" ")
                self.seen.append((key, int(when)))
            elif line.strip() == "ready":
                self.ready.set()

    def wait_for(self, count: int) -> None:
        """Until so many different events were seen, or nothing comes any more."""
        last, since = -1, time.monotonic()
        while len({key for key, _ in self.seen}) < count and time.monotonic() - since < QUIET:
            if len(self.seen) != last:
                last, since = len(self.seen), time.monotonic()
            time.sleep(0.1)


@contextmanager
def following(store: Store, command: Sequence[str]) -> Iterator[Reader]:
    """A reader of a store's feed, ready."""
    reader = Reader()
    role = {"PGOPTIONS": f"-c role={store.role}"} if store.role else {}
    with store.server.program(store.database, command, role, stdout=subprocess.PIPE) as program:
        thread = threading.Thread(target=reader.listen, args=[program], daemon=True)
        thread.start()
        assert reader.ready.wait(30), f"{store.shown}: the reader did not come up"
        yield reader
        program.kill()
        thread.join()


@dataclass(frozen=True)
class Followed:
    """What a reader has made of the events that were acknowledged."""

    acknowledged: int
    skipped: int
    repeated: int
    #: Seen, but never acknowledged: of a transaction that was rolled back.
    phantoms: int

    @classmethod
    def of(cls, stored: set[str], reader: Reader) -> "Followed":
        """Compare."""
        times = Counter(key for key, _ in reader.seen)
        repeated = sum(count - 1 for count in times.values())
        return cls(len(stored), len(stored - times.keys()), repeated, len(times.keys() - stored))

    def __str__(self) -> str:
        phantoms = f", {self.phantoms} phantoms" if self.phantoms else ""
        return f"{self.skipped} skipped, {self.repeated} repeated{phantoms}"

    @property
    def faultless(self) -> bool:
        """Each event once, and no other."""
        return not (self.skipped or self.repeated or self.phantoms)


def lags(since: Mapping[str, int], reader: Reader) -> list[float]:
    """Milliseconds from the given times until the reader had the event the first time."""
    first: dict[str, int] = {}
    for key, when in reader.seen:
        first.setdefault(key, when)
    return [max(first[key] - when, 0) / 1e6 for key, when in since.items() if key in first]


def spread(series: Sequence[float]) -> str:
    """p50 and p99, in milliseconds."""
    return f"{percentile(series, 0.5):.1f}, {percentile(series, 0.99):.1f} ms" if series else "nothing seen"
