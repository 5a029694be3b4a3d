"""The application's way in, written as each kind of driver reads it.

With a self-signed certificate all of them connect encrypted and without a look at the certificate, which has no address in
it. With an authority they check it in full, by the file of the authority. docs/drivers.md says which driver takes which.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import quote, urlencode


@dataclass(frozen=True)
class WayIn:
    """What a client has to know, by the names that libpq gives it; what is empty it need not know."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "require"
    sslrootcert: str = ""
    sslcert: str = ""
    sslkey: str = ""

    @property
    def known(self) -> dict[str, str | int]:
        """What there is of it."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def files(self) -> dict[str, str]:
        """Those for TLS, by their names."""
        return {name: str(self.known[name]) for name in ("sslrootcert", "sslcert", "sslkey") if name in self.known}


def _url(scheme: str, way: WayIn, query: Mapping[str, str]) -> str:
    password = f":{quote(way.password, safe='')}" if way.password else ""
    return f"{scheme}://{way.user}{password}@{way.host}:{way.port}/{way.dbname}?{_query(query)}"


def _query(parameters: Mapping[str, str]) -> str:
    return urlencode(parameters, quote_via=quote, safe="/")


def uri(way: WayIn) -> str:
    """What libpq reads, and whatever speaks of `sslmode` as libpq does."""
    return _url("postgresql", way, {"sslmode": way.sslmode, **way.files})


def _node(way: WayIn) -> str:
    """The package `pg` takes `require` for `verify-full`."""
    mode = "no-verify" if way.sslmode == "require" else way.sslmode
    return _url("postgresql", way, {"sslmode": mode, **way.files})


def _jdbc(way: WayIn) -> str:
    """pgjdbc reads a key in PKCS #8 as DER; docs/drivers.md says how to make it."""
    login = {"user": way.user, **({"password": way.password} if way.password else {}), "sslmode": way.sslmode}
    files = way.files | ({"sslkey": f"{way.sslkey.removesuffix('.key')}.pk8"} if way.sslkey else {})
    return f"jdbc:postgresql://{way.host}:{way.port}/{way.dbname}?{_query(login | files)}"


def _sqlalchemy(way: WayIn) -> str:
    return _url("postgresql+psycopg", way, {"sslmode": way.sslmode, **way.files})


def _sqlalchemy_asyncpg(way: WayIn) -> str:
    """asyncpg's own name of the option, which SQLAlchemy hands on. The files it takes from libpq's variables only."""
    return _url("postgresql+asyncpg", way, {"ssl": way.sslmode})


def _parts(way: WayIn) -> str:
    return json.dumps(way.known, indent=2)


#: The environment variables of libpq.
_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def _env(way: WayIn) -> str:
    """Lines for the shell."""
    return "\n".join(f"export {_VARIABLES[name]}={shlex.quote(str(value))}" for name, value in way.known.items())


FORMATS: Final[Mapping[str, Callable[[WayIn], str]]] = {
    "uri": uri,
    "jdbc": _jdbc,
    "node": _node,
    "sqlalchemy": _sqlalchemy,
    "sqlalchemy-asyncpg": _sqlalchemy_asyncpg,
    "parts": _parts,
    "env": _env,
}
