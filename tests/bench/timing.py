"""Stop watch and statistics. Nothing here judges: a slow machine is no failure."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress


def seconds(action: Callable[[], object]) -> float:
    """How long ``action`` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 0) -> dict[str, list[float]]:
    """The times that the contenders return, measured in turn, so that what disturbs the machine disturbs them all.

    The order changes each round: nobody always runs behind somebody else's checkpoint.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(-warm_up, rounds):
        for name in sorted(contenders, reverse=bool(number % 2)):
            spent = contenders[name]()
            if number >= 0:
                times[name].append(spent)
    return times


def percentile(times: Sequence[float], share: float) -> float:
    """The time that ``share`` of the times are not above."""
    return sorted(times)[max(math.ceil(share * len(times)) - 1, 0)]


def say(text: str) -> None:
    """Progress, while it runs; a closed pipe does not end the run."""
    with suppress(BrokenPipeError):
        print(text, flush=True)


@contextmanager
def repeated(action: Callable[[], object], pause: float = 0) -> Iterator[None]:
    """Do something again and again until the end of the block, and to the end of its last time; ``pause``: seconds before each."""
    over = threading.Event()

    def act() -> None:
        while not over.wait(pause):
            action()

    with ThreadPoolExecutor() as threads:
        acting = threads.submit(act)
        try:
            yield
        finally:
            over.set()
        acting.result()
