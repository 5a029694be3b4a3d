"""Where a store is and who logs in, as an application says it: a text, a file that holds one, or a function that returns one."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

#: Where the caller says nothing else: a host that does not answer is given up after 5 s, so that the next one has its turn, and
#: a network that went silent is noticed after about 10 s. The system's own limits are a quarter of an hour and longer.
NOTICES_SILENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def read_file(path: os.PathLike[str]) -> str:
    """What a file says now."""
    return checked(Path(path).read_text(encoding="utf-8").strip(), str(path))


def checked(said: str, source: str) -> str:
    """What a file or a function says, if it is a conninfo; an error does not repeat it, because a password may be in it."""
    try:
        understood = conninfo_to_dict(said)
    except psycopg.ProgrammingError:
        understood = {}
    if not understood:
        raise ValueError(f"{source} does not say where the store is: one line is needed, as `make -s dsn` prints it")
    return said


def with_limits(said: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, and the limits of `NOTICES_SILENCE` that nobody has set otherwise."""
    set_otherwise = {*conninfo_to_dict(said), *options}
    if "PGCONNECT_TIMEOUT" in os.environ:
        set_otherwise.add("connect_timeout")
    return {name: limit for name, limit in NOTICES_SILENCE.items() if name not in set_otherwise} | dict(options)
