"""Tables, for people and for pipes."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Wide enough that no line is ever broken if no terminal limits it.
_UNLIMITED: Final = 10_000


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], styles: Sequence[str] | None = None) -> None:
    """Print a table: numbers to the right, all else to the left; ``styles``: one for each row, on terminals only."""
    cells = [list(row) for row in rows]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, name in enumerate(head):
        numeric = any(isinstance(row[number], int | Decimal) for row in cells)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row, style in zip(cells, styles or [""] * len(cells), strict=True):
        made.add_row(*(Text(_cell(value)) for value in row), style=style)
    console().print(made)


def console(*, stderr: bool = False) -> Console:
    """A console that breaks lines on terminals only."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _UNLIMITED)


def document(value: object) -> None:
    """Print ``value`` as JSON."""
    click.echo(json.dumps(value, indent=2))


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | Decimal():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)
