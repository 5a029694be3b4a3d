"""What was measured. Each result is written down at once: a run that ends early loses only what it has not measured.

A result is measured in one run on one server, all contenders in turn. Results of several partial runs are kept beside
each other, each with its own time; a newer one takes the place of the older one.
"""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from deploy.model.project import ROOT

from .page import TABLES, write_page
from .server import TRIAL
from .timing import say

#: The figures of a trial are not those of the documentation.
FOLDER: Final = ROOT / ".benchmarks/trial" if TRIAL else ROOT / "docs"
#: Longer series are summed up in the text of their row.
_LONGEST: Final = 100


@dataclass(frozen=True)
class Figure:
    """Something that has a goal."""

    what: str
    measured: str
    compared_with: str
    ratio: float | None
    goal: str
    reached: bool
    command: str
    seconds: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """One measurement of several stores, side by side."""

    table: str
    what: str
    cells: Mapping[str, str]
    #: The single results by store, where they are comparable numbers.
    rounds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    unit: str = ""


@dataclass
class Figures:
    """All results, on disk as soon as they are known."""

    server: Mapping[str, str] = field(default_factory=dict)

    def add(self, figure: Figure) -> None:
        """Keep a figure and say it."""
        ratio = "" if figure.ratio is None else f"; {figure.ratio:.2f} x {figure.compared_with}"
        verdict = "reached" if figure.reached else "NOT reached"
        say(f"  => {figure.what}: {figure.measured}{ratio} (goal {figure.goal}: {verdict})")
        # Not asdict: what only the raw data need is thousands of numbers.
        kept = {name: getattr(figure, name) for name in Figure.__dataclass_fields__ if name != "seconds"}
        self._keep("figures", figure.what, {**kept, "rounds": _rounded(figure.seconds)})

    def compare(self, row: Row) -> None:
        """Keep a row and say it."""
        assert row.table in TABLES, f"{row.table}: the page does not show it"
        say(f"  => {row.table}, {row.what}: " + "; ".join(f"{store} {cell}" for store, cell in row.cells.items()))
        kept = {"table": row.table, "what": row.what, "cells": dict(row.cells), "unit": row.unit}
        medians = {store: median(series) for store, series in row.rounds.items()}
        self._keep("rows", f"{row.table}: {row.what}", {**kept, "medians": medians, "rounds": _rounded(row.rounds)})

    def _keep(self, kind: str, name: str, content: Mapping[str, Any]) -> None:
        results = _kept()
        results[kind][name] = {**content, **_origin(), "server": dict(self.server)}
        _write(results)


def keep_soak(*, command: str, passed: int, skipped: int, seconds: int) -> None:
    """Keep the result of the last long run of all tests that was green."""
    _write(
        {**_kept(), "soak": {"command": command, "passed": passed, "skipped": skipped, "seconds": seconds, **_origin()}}
    )


def _kept() -> dict[str, Any]:
    file = FOLDER / "figures.json"
    return json.loads(file.read_text()) if file.exists() else {"figures": {}, "rows": {}}


def _origin() -> dict[str, Any]:
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit(), "machine": machine()}


def _write(results: Mapping[str, Any]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    new = FOLDER / "figures.json.new"
    new.write_text(json.dumps(results, indent=1) + "\n")
    new.rename(FOLDER / "figures.json")
    write_page(FOLDER)


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
        "load": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _rounded(series: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [float(f"{n:.5g}") for n in numbers] for name, numbers in series.items() if len(numbers) <= _LONGEST}
