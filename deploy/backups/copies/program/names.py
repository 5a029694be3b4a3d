"""What a copy is called: by the time when it was made, in UTC, and by how far it is.

``20261129-030000.new`` is being made, or a run that was killed has left it; ``….unproven`` is whole and was not verified yet;
``20261129-030000`` was verified; ``….failed`` was, and something is wrong with it. Whatever has another name is no copy.
"""

import re
from datetime import datetime

UNFINISHED, UNPROVEN, FAILED = ".new", ".unproven", ".failed"
FORM = "%Y%m%d-%H%M%S"
_NAME = re.compile(r"([0-9]{8}-[0-9]{6})(\.new|\.unproven|\.failed)?")


def made_at(name: str) -> datetime | None:
    """When the copy of this name was made; None if no copy is called so."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(f"{found[1]} +0000", f"{FORM} %z") if found else None
    except ValueError:
        return None


def day_of(name: str) -> str:
    """A copy's name without how far it is."""
    return name.partition(".")[0]


def is_proven(name: str) -> bool:
    """Whether a copy of this name was verified and is whole."""
    return "." not in name and made_at(name) is not None
