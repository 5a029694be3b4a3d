"""How far something is that takes its time: on standard error, as standard output is for what comes of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.commands.output import console

#: Seconds until a bar is drawn: what is done sooner needs none.
_FIRST: Final = 2.0
#: Seconds between two lines if there is no terminal to draw a bar on.
_PAUSE: Final = 5.0


@contextmanager
def progress(what: str, total: int, first: float = _FIRST, pause: float = _PAUSE) -> Iterator[Callable[[int], None]]:
    """Yields what to call with how many more of ``total`` are done: for example ``exporting events``.

    A bar on a terminal, which goes away at the end; else a line now and then, and none for what is done sooner.
    """
    terminal = console(stderr=True)
    if not terminal.is_terminal:
        yield _Lines(what, total, pause).advance
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=terminal, transient=True)
    task = bar.add_task(what, total=total)
    timer = Timer(first, bar.start)
    timer.start()
    try:
        yield lambda count: bar.advance(task, count)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Lines:
    def __init__(self, what: str, total: int, pause: float) -> None:
        self._what, self._total, self._pause = what, total, pause
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, count: int) -> None:
        self._done += count
        if (now := time.monotonic()) - self._said >= self._pause:
            self._said = now
            passed = f"{now - self._started:.0f} s"
            click.echo(f"{self._what}: {self._done:,} of {self._total:,} after {passed}", err=True)
