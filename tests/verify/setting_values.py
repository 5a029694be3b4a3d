"""Whether a value as it is written in postgresql.conf is the one that ``pg_settings`` shows, by the server's own rules.

The server shows numbers in the setting's own unit ("8kB", "ms"), truth values as on and off, and enumerations as it
writes them itself; in the file each may be written in several ways.
"""

import math
import re
from typing import Final

_BYTES: Final = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_TRUE: Final = ("on", "true", "yes", "1")
_FALSE: Final = ("off", "false", "no", "0")
_NUMBER: Final = re.compile(r"([+-]?(?:0x[0-9a-f]+|[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?))\s*([a-z]*)", re.IGNORECASE)
_BASE: Final = re.compile(r"([0-9]*)([A-Za-z]+)")


def same_value(declared: str, shown: str, vartype: str, unit: str | None) -> bool:
    """``vartype`` and ``unit`` are those of ``pg_settings``, and ``shown`` is its ``setting``."""
    if declared == shown:
        return True
    if vartype == "bool":
        return _truth(declared) == shown
    if vartype == "enum":
        # Some enumerations also take truth values (synchronous_commit, huge_pages).
        return declared.lower() == shown.lower() or _truth(declared) == shown
    if vartype in ("integer", "real"):
        value = _number(declared, unit)
        if value is None:
            return False
        return (
            round(value) == int(shown, 0) if vartype == "integer" else math.isclose(value, float(shown), rel_tol=1e-5)
        )
    # Lists may be shown with other blanks and in other letters (DateStyle).
    lists = [[part.strip().lower() for part in text.split(",")] for text in (declared, shown)]
    return "," in declared and lists[0] == lists[1]


def _truth(text: str) -> str | None:
    """The server takes any beginning that is not ambiguous."""
    word = text.strip().lower()
    for words, meaning in ((_TRUE, "on"), (_FALSE, "off")):
        if any(whole.startswith(word) for whole in words) and word not in ("", "o"):
            return meaning
    return None


def _number(text: str, unit: str | None) -> float | None:
    """In terms of ``unit``; None for what is no number, or has a unit of another kind."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    digits, given = match.groups()
    if re.fullmatch(r"0[0-7]+", digits):
        value = float(int(digits, 8))
    else:
        value = float(int(digits, 0)) if re.fullmatch(r"[+-]?(0x[0-9a-f]+|[0-9]+)", digits, re.I) else float(digits)
    if not given:
        return value
    base = _BASE.fullmatch(unit or "")
    if base is None:
        return None
    for units in (_BYTES, _SECONDS):
        if given in units and base[2] in units:
            return value * units[given] / (units[base[2]] * int(base[1] or 1))
    return None
