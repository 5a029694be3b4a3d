"""Programs that a command runs in its place: they have the terminal and the signals."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED: Final = 130


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    files: Sequence[int] = (),
    *,
    goes_on: bool = False,
) -> int:
    """Run a program to its end; returns its exit status. ``files``: open files that it inherits.

    Ctrl-C is for the program alone, which the terminal tells as well; a request to terminate is passed on. After Ctrl-C
    the status is `INTERRUPTED`, whatever the program says (pyinfra says 0), unless it ``goes_on`` as psql does.
    """
    interrupts = list[int]()
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number)), signal.getsignal(signal.SIGTERM)
    try:
        process = subprocess.Popen(command, env=environment, pass_fds=files)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        status = process.wait()
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    return INTERRUPTED if interrupts and not goes_on else status
