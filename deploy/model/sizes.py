"""Sizes as people write them, in bytes, and bytes as postgresql.conf writes them.

Every unit is binary: ``GiB``, ``GB`` and ``G`` are all 1024³. PostgreSQL counts that way, LXC and the kernel do too,
and one inventory that holds a container's memory and a PostgreSQL setting must not have two meanings of "GB".
"""

import re
from decimal import Decimal
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
TIB: Final = 1024 * GIB

_FACTORS: Final = {"K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE: Final = re.compile(r"([0-9]+) ?([KMGT])(?:i?B)?", re.IGNORECASE)

# PostgreSQL's own units; it tells "MB" from "mb", so we do as well, before the server refuses to start.
_POSTGRES_FACTORS: Final = {"B": 1, "kB": KIB, "MB": MIB, "GB": GIB, "TB": TIB}
# Its numbers (parse_int in guc.c): as in C, so hexadecimal and octal ones too, and fractions.
_NUMBER: Final = r"\+?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_POSTGRES_SIZE: Final = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z]*)\s*", re.ASCII)


def parse_size(text: str) -> int:
    """The bytes in ``"512MiB"``, ``"8GiB"``, ``"8GB"``, ``"8G"`` (all binary; the case of the letters does not matter).

    A number without a unit is refused: it means bytes to one reader and pages or MiB to the next.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}": not a size; write a whole number and a unit, for example "8GiB"')
    size = int(match[1]) * _FACTORS[match[2].upper()]
    if size == 0:
        raise ValueError(f'"{text}": a size of nothing; write a whole number above 0 and a unit, for example "8GiB"')
    return size


def parse_postgres(text: str, bare_unit: int) -> int:
    """The bytes in a value of postgresql.conf, read as the server reads it.

    ``bare_unit`` is what a number without a unit counts (8 kB pages for shared_buffers, kB for work_mem).
    """
    match = _POSTGRES_SIZE.fullmatch(text)
    factor = _POSTGRES_FACTORS.get(match[2], None if match[2] else bare_unit) if match else None
    if match is None or factor is None:
        raise ValueError(f'"{text}": not a size to PostgreSQL; write a number and one of kB, MB, GB, TB, as in "2GB"')
    return int(_number(match[1]) * factor)


def parse_postgres_count(text: str) -> int:
    """A value of postgresql.conf that is a number without a unit, read as the server reads it."""
    if re.fullmatch(rf"\s*{_NUMBER}\s*", text, re.ASCII) is None:
        raise ValueError(f'"{text}": not a number to PostgreSQL; write a whole number, as in "100"')
    return int(_number(text.strip()).to_integral_value())


def _number(text: str) -> Decimal:
    digits = text.removeprefix("+")
    if digits[:2].lower() == "0x":
        return Decimal(int(digits, 16))
    return Decimal(int(digits, 8)) if re.fullmatch("0[0-7]+", digits) else Decimal(digits)


def format_postgres(size: int) -> str:
    """The shortest exact form in PostgreSQL's units: ``2GB``, ``1536MB``, ``64kB``; nothing is rounded."""
    if size < 0:
        raise ValueError(f"{size}: a size cannot be negative")
    if size == 0:
        return "0"
    unit, factor = next((u, f) for u, f in reversed(_POSTGRES_FACTORS.items()) if size % f == 0)
    return f"{size // factor}{unit}"
