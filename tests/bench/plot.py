"""A small plot as SVG: for each measurement one bar per store, each measurement on its own scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_LABELS: Final = 190
_NUMBERS: Final = 90
_BAR: Final = 18
_GAP: Final = 6
_TITLE: Final = 26
_AFTER: Final = 18
_OURS: Final = "#1f6fb2"
_FLOOR: Final = "#b8bec4"
_PEER: Final = "#d98a2b"


@dataclass(frozen=True)
class Bars:
    """One measurement."""

    title: str
    unit: str
    values: Mapping[str, float]


def plot(measurements: Sequence[Bars]) -> str:
    """The whole picture."""
    parts: list[str] = []
    top = 10
    for measurement in measurements:
        better = "less is better" if measurement.unit == "ms" else "more is better"
        parts.append(_text(10, top + 16, f"{measurement.title} ({measurement.unit}, {better})", "bold"))
        top += _TITLE
        longest = max(measurement.values.values())
        for store, value in measurement.values.items():
            length = (_WIDTH - _LABELS - _NUMBERS) * value / longest
            parts.append(_text(_LABELS - 8, top + 13, store, anchor="end"))
            parts.append(
                f'<rect x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{_colour(store)}"/>'
            )
            parts.append(_text(_LABELS + length + 6, top + 13, f"{value:,.0f}" if value >= 100 else f"{value:.1f}"))
            top += _BAR + _GAP
        top += _AFTER
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    style = 'font-family="sans-serif" font-size="13" fill="#222"'
    # A ground of its own: it is looked at on dark pages too.
    ground = f'<rect width="{_WIDTH}" height="{top}" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', ground, *parts, "</svg>\n"])


def _colour(store: str) -> str:
    if store == "this store":
        return _OURS
    return _FLOOR if store.startswith("bare") else _PEER


def _text(x: float, y: float, text: str, weight: str = "normal", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'
