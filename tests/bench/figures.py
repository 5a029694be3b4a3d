"""What was measured: one row each, as a Markdown table for the README and as JSON with every single time."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .timing import say


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    measured: str
    compared_with: str
    ratio: float | None
    goal: str
    reached: bool
    command: str
    seconds: Mapping[str, Sequence[float]]


@dataclass
class Figures:
    """All rows of one run."""

    rows: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a row and say it."""
        self.rows.append(figure)
        ratio = "" if figure.ratio is None else f"; {figure.ratio:.2f} x {figure.compared_with}"
        verdict = "reached" if figure.reached else "NOT reached"
        say(f"  => {figure.what}: {figure.measured}{ratio} (goal {figure.goal}: {verdict})")

    def table(self) -> str:
        """The rows as Markdown."""
        head = ("what", "measured", "against", "ratio", "goal", "by itself")
        lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            goal = row.goal if row.reached else f"{row.goal}, not reached"
            cells = (row.what, row.measured, row.compared_with, ratio, goal, f"`{row.command}`")
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def write(self, directory: Path) -> Path:
        """Write everything as JSON, in a file of its own for each run."""
        directory.mkdir(exist_ok=True)
        now = datetime.now(UTC)
        path = directory / f"bench-{now:%Y%m%dT%H%M%SZ}.json"
        content = {"at": now.isoformat(), "machine": machine(), "figures": [asdict(row) for row in self.rows]}
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path


def machine() -> dict[str, object]:
    """The machine that the figures are of."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpus": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "kernel": platform.release(),
        "load_at_the_end": round(os.getloadavg()[0], 2),
    }
