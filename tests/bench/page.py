"""docs/figures.md: the tables and the plot, from figures.json; `PYTHONPATH=tests python -m bench.page` writes them again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from deploy.model.project import ROOT

from .plot import Bars, plot

_NOTES: Final = Path(__file__).with_name("notes.md")
#: In this order, with what is told above each.
TABLES: Final = {
    "One event per transaction": "Events per second, the median of the rounds; × = of the bare table with the same indexes.",
    "What the bound of an append costs": (
        "Events per second, the median of 20 rounds in turn; × = of the bare table with the same indexes. The bound is the lock "
        "by which readers of the feed know which appends they wait for. Without it they would wait for every transaction."
    ),
    "Several events in one call": "Milliseconds for one call, the median of the rounds.",
    "16 clients on one aggregate": "Acknowledged events per second; what was acknowledged is counted in the table afterwards.",
    "16 clients on one aggregate, exact versions": (
        "Acknowledged events per second; × = of message-db. Each client reads the version, appends with exactly that one, and reads "
        "again after a conflict. What was acknowledged is counted in the table afterwards."
    ),
    "Reads": "The median of the rounds.",
    "The feed while 8 writers append": (
        "A reader follows each store's feed in the store's own way, looking every 5 ms, while 8 writers append; in the "
        "second part one transaction in ten stays open for 50 ms after its append, and one in twenty is rolled back. "
        "Lag: from the commit's acknowledgement, and from the call of the append, until the reader has the event."
    ),
    "What the feed's readers wait for": (
        "Two transactions append 1,000 events one by one, the second one after a write elsewhere. Meanwhile another session reads pages."
    ),
    "A reader beside slow transactions": (
        "8 writers append, and a reader looks every millisecond: none of the transactions is slow, one in 20 writes elsewhere for "
        "20 ms and appends nothing, one in 20 stays open for 20 ms after it has appended. In turn, all rounds together."
    ),
    "Being told": "From the commit's acknowledgement until the store's own way of listening has the event.",
    "With many events": "Events per second; an empty store and a full one in turn. × = of the empty one.",
    "Directly and by way of the pooler": (
        "Single appends from this machine over TLS, in turn on one server. Directly statements are prepared; by way of the pooler they are "
        "not, as by the Python client, or they are."
    ),
    "Backups": (
        "A store and its repository in two containers of this machine, which share its CPUs and its disk. Sizes are of what a backup adds "
        "to the repository."
    ),
    "Refresh as history grows": "The same positions with ever more events.",
}
#: Speed and correctness beside each other: heading, and the row that it is of.
_SUMMARY: Final = {
    "1 event per transaction, 16 clients, events/s": ("One event per transaction", "16 clients"),
    "16 clients on one aggregate, events/s": ("16 clients on one aggregate", "any version"),
    "of these": ("16 clients on one aggregate", "accounted for"),
    "1,000 events in one call, ms": ("Several events in one call", "1,000 events"),
    "catch-up": ("Reads", "catch-up of the whole feed in pages of 1,000"),
    "a reader of the feed while 8 write": (
        "The feed while 8 writers append",
        "at full speed, one transaction in 20 open for 10 ms",
    ),
    "told after, p50, p99": ("Being told", "an event, p50, p99"),
}
#: The rows that are plotted.
_PLOTTED: Final = (
    ("One event per transaction", "1 client"),
    ("One event per transaction", "16 clients"),
    ("16 clients on one aggregate", "any version"),
    ("Several events in one call", "1,000 events"),
    ("Reads", "catch-up of the whole feed in pages of 1,000"),
)


def write_page(folder: Path) -> None:
    """Write the page and the plot from what is measured so far."""
    results = json.loads((folder / "figures.json").read_text())
    figures, rows = list(results["figures"].values()), results["rows"]
    parts = ["# Figures", "", *_origin([*figures, *rows.values()]), "", "## Goals", "", *_goals(figures)]
    if plotted := _plotted(rows):
        (folder / "figures.svg").write_text(plot(plotted))
        parts += ["", "## Side by side", "", "![The stores side by side](figures.svg)"]
    if summary := _summary(rows):
        parts += ["", "### Speed and correctness", "", *summary]
    for title, explanation in TABLES.items():
        of_table = [row for row in rows.values() if row["table"] == title]
        if of_table:
            parts += ["", f"### {title}", "", explanation, "", *_side_by_side(of_table)]
    if soak := results.get("soak"):
        parts += ["", "## Soak", "", *_soak(soak)]
    parts += ["", _NOTES.read_text().strip()]
    (folder / "figures.md").write_text("\n".join(parts) + "\n")


def _origin(results: list[dict[str, Any]]) -> list[str]:
    newest = max(results, key=lambda result: result["at"])
    days = sorted({result["at"][:10] for result in results})
    machine = newest["machine"]
    # What measures deploys asks no server.
    asked = [result for result in results if result["server"]]
    server = max(asked, key=lambda result: result["at"])["server"] if asked else {}
    on = f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB, {machine['system']}, {machine['kernel']}"
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "server_version")
    return [
        "Written by `make bench`. Each row was measured in one run on one server, the contenders in turn, so that what disturbs",
        "the machine disturbs them all. Plain numbers of one machine are no promise; the ratios are what to compare.",
        "",
        f"- Machine: {on}",
        f"- PostgreSQL {server.get('server_version', '')}: {settings}",
        f"- Measured {' to '.join(dict.fromkeys((days[0], days[-1])))}, last at commit {newest['commit'] or 'unknown'}",
    ]


def _soak(run: Mapping[str, Any]) -> list[str]:
    machine = run["machine"]
    return [
        "Every test with its long series: each kind of drift, attack and interruption on each release. The last run:",
        "",
        *_head(("command", "day", "commit", "tests", "minutes", "machine")),
        _line(
            (
                f"`{run['command']}`",
                run["at"][:10],
                run["commit"] or "unknown",
                f"{run['passed']:,} passed, {run['skipped']:,} skipped, none failed",
                f"{run['seconds'] / 60:.0f}",
                f"{machine['cpus']} CPUs, {machine['memory_gib']} GiB, {machine['system']}",
            )
        ),
    ]


def _goals(figures: list[dict[str, Any]]) -> list[str]:
    lines = _head(("what", "measured", "against", "ratio", "goal", "by itself"))
    for row in figures:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        goal = row["goal"] if row["reached"] else f"{row['goal']}, **not reached**"
        lines.append(_line((row["what"], row["measured"], row["compared_with"], ratio, goal, f"`{row['command']}`")))
    return lines


def _side_by_side(rows: list[dict[str, Any]]) -> list[str]:
    stores = list(dict.fromkeys(store for row in rows for store in row["cells"]))
    lines = _head(("", *stores))
    return lines + [_line((row["what"], *(row["cells"].get(store, "") for store in stores))) for row in rows]


def _summary(rows: Mapping[str, Any]) -> list[str]:
    found = {head: row["cells"] for head, (table, what) in _SUMMARY.items() if (row := rows.get(f"{table}: {what}"))}
    stores = list(dict.fromkeys(store for cells in found.values() for store in cells))
    lines = _head(("", *found))
    return lines + [_line((f"**{store}**", *(cells.get(store, "") for cells in found.values()))) for store in stores]


def _plotted(rows: Mapping[str, Any]) -> list[Bars]:
    found = [row for table, what in _PLOTTED if (row := rows.get(f"{table}: {what}"))]
    return [Bars(f"{row['table']}: {row['what']}", row["unit"], row["medians"]) for row in found]


def _head(cells: tuple[str, ...]) -> list[str]:
    return [_line(cells), "|" + "---|" * len(cells)]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    write_page(ROOT / "docs")
