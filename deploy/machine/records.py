"""What a run found to differ, as data for the program that started it. Without pyinfra, which that program does not need."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

#: Names the file that a program wants the differences in.
VARIABLE: Final = "EVENT_STORE_DIFFERENCES"


@dataclass(frozen=True)
class Difference:
    """One thing on a machine that is not as declared."""

    subject: str
    """What it is, for example ``package less``."""
    problem: str
    """How it differs, for example ``missing``."""
    lines: tuple[str, ...] = ()
    """A text's own differences, line by line, as ``diff -u`` shows them."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def record(machine: str, difference: Difference) -> None:
    """Add it to the file that the program wants, if there is one."""
    if file := os.environ.get(VARIABLE):
        with Path(file).open("a", encoding="utf-8") as recorded:
            recorded.write(json.dumps([machine, asdict(difference)]) + "\n")


def recorded_in(file: Path) -> dict[str, list[Difference]]:
    """The differences that another process has recorded: machine → differences, in their order."""
    found: dict[str, list[Difference]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        machine, data = json.loads(line)
        found.setdefault(machine, []).append(Difference(data["subject"], data["problem"], tuple(data["lines"])))
    return found
