"""The application's way in, written as each kind of driver reads it.

All of them connect today, encrypted and without a look at the certificate, which is self-signed and has no address in it.
docs/drivers.md says which driver takes which.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True)
class WayIn:
    """What a client has to know, by the names that libpq gives it."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "require"


def _url(scheme: str, way: WayIn, query: str) -> str:
    return f"{scheme}://{way.user}:{quote(way.password, safe='')}@{way.host}:{way.port}/{way.dbname}?{query}"


def uri(way: WayIn) -> str:
    """What libpq reads, and whatever speaks of `sslmode` as libpq does."""
    return _url("postgresql", way, f"sslmode={way.sslmode}")


def _node(way: WayIn) -> str:
    """The package `pg` takes `require` for `verify-full`."""
    return _url("postgresql", way, "sslmode=no-verify")


def _jdbc(way: WayIn) -> str:
    password = quote(way.password, safe="")
    return f"jdbc:postgresql://{way.host}:{way.port}/{way.dbname}?user={way.user}&password={password}&sslmode={way.sslmode}"


def _sqlalchemy(way: WayIn) -> str:
    return _url("postgresql+psycopg", way, f"sslmode={way.sslmode}")


def _sqlalchemy_asyncpg(way: WayIn) -> str:
    """asyncpg's own name of the option, which SQLAlchemy hands on."""
    return _url("postgresql+asyncpg", way, f"ssl={way.sslmode}")


def _parts(way: WayIn) -> str:
    return json.dumps(asdict(way), indent=2)


#: The environment variables of libpq.
_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}


def _env(way: WayIn) -> str:
    """Lines for the shell."""
    return "\n".join(f"export {_VARIABLES[name]}={shlex.quote(str(value))}" for name, value in asdict(way).items())


FORMATS: Final[Mapping[str, Callable[[WayIn], str]]] = {
    "uri": uri,
    "jdbc": _jdbc,
    "node": _node,
    "sqlalchemy": _sqlalchemy,
    "sqlalchemy-asyncpg": _sqlalchemy_asyncpg,
    "parts": _parts,
    "env": _env,
}
