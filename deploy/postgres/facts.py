"""The PostgreSQL cluster of a container: its files, its service, and what the running server says of itself."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.machine.psql import SERVER_DOWN, Queries, fact_query, silence


@dataclass(frozen=True)
class Cluster:
    """What there is of a cluster, whether its server runs or not."""

    configured: bool = False
    """Debian's tools know the cluster: its configuration directory is there."""
    initialized: bool = False
    """The data directory holds a whole cluster."""
    other_versions: list[str] = field(default_factory=list)
    """Versions of other clusters on the data volume."""
    altered: list[str] = field(default_factory=list)
    """Lines that ALTER SYSTEM left behind."""


class ClusterFact(FactBase[Cluster]):
    """See `Cluster`."""

    @staticmethod
    def default() -> Cluster:
        """Nothing there."""
        return Cluster()

    def command(self, version: int, volume: str) -> StringCommand:
        """Looks at files only, in one call."""
        script = r"""
            version=$1 volume=$2 data=$2/$1/main
            [ -f "/etc/postgresql/$version/main/postgresql.conf" ] && echo configured
            [ -f "$data/PG_VERSION" ] && echo initialized
            for other in "$volume"/[0-9]*/main/PG_VERSION; do
                [ ! -f "$other" ] || [ "$other" = "$data/PG_VERSION" ] || echo "other $(cat "$other")"
            done
            # Of a restore that was cut off, these say how it goes on.
            [ -f "$data/recovery.signal" ] || grep -v '^#' "$data/postgresql.auto.conf" 2>/dev/null | sed -n 's/^\(..*\)/altered \1/p'
            true
        """
        return StringCommand("sh -c", QuoteString(script), "cluster", str(version), QuoteString(volume))

    def process(self, output: list[str]) -> Cluster:
        """A word that says what the rest of a line is."""
        lines = [line.partition(" ")[::2] for line in output]
        words = {word for word, _ in lines}
        return Cluster(
            configured="configured" in words,
            initialized="initialized" in words,
            other_versions=[rest for word, rest in lines if word == "other"],
            altered=[rest for word, rest in lines if word == "altered"],
        )


_BEYOND_A_RESTART: Final = (
    "too many clients",
    "connection slots",
    "is not currently accepting connections",
    "there is no database",
)


@dataclass(frozen=True)
class Server:
    """What a running server says of its own configuration; `up` is False if there is none to ask."""

    up: bool = False
    refusal: str = ""
    """Why it runs and lets nobody in."""
    loaded: str = "0"
    """When it loaded its configuration, in seconds since 1970."""
    stale: list[str] = field(default_factory=list)
    """Configuration files that are newer than what the server has loaded."""
    pending_restart: list[str] = field(default_factory=list)
    """Settings that wait for a restart."""
    errors: list[str] = field(default_factory=list)
    """What the server cannot read in the files as they are now."""
    restart_only: list[str] = field(default_factory=list)
    """Every setting that can only change by a restart."""

    @property
    def restart_helps(self) -> bool:
        """Whether a restart may help against a refusal: it gives out no more connections, and opens no database."""
        return not any(words in self.refusal for words in _BEYOND_A_RESTART)


class ServerFact(FactBase[Server]):
    """See `Server`."""

    @staticmethod
    def default() -> Server:
        """Not up."""
        return Server()

    def command(self, conf: str, data: str, tls: list[str]) -> str:
        """By itself."""
        return fact_query(self.sql(conf, data, tls))

    def together(self, conf: str, data: str, tls: list[str]) -> Queries:  # noqa: ARG002  of any cluster
        """See `Queries`."""
        return Queries("postgres")

    @staticmethod
    def sql(conf: str, data: str, tls: list[str]) -> str:
        """Asks the server, then looks at the files."""
        files = [f"{conf}/{name}.conf" for name in ("postgresql", "pg_hba", "pg_ident")]
        files.append(f"{data}/postgresql.auto.conf")
        query = f"""
            SELECT json_build_object(
                'loaded', extract(epoch FROM pg_conf_load_time())::numeric::text,
                'pending_restart', (SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE pending_restart),
                'errors', (SELECT coalesce(json_agg(line), '[]') FROM (
                    SELECT format('%s:%s: %s %s', sourcefile, sourceline, name, error) AS line FROM pg_file_settings
                    WHERE error NOT LIKE '%cannot be changed without restarting%' AND NOT (name IN (SELECT name FROM pg_settings WHERE context = 'postmaster')
                          AND error LIKE 'setting could not be applied')
                    UNION ALL
                    SELECT format('%s/pg_hba.conf:%s: %s', '{conf}', line_number, error) FROM pg_hba_file_rules
                    WHERE error IS NOT NULL) AS broken),
                'restart_only', (SELECT json_agg(lower(name)) FROM pg_settings WHERE context = 'postmaster'));
        """
        # By stat, since the server's own pg_stat_file knows whole seconds only.
        # Of a key also when its mode was changed: a server that could not read it goes on with the one before.
        look = f"stat -c '%.9Y %n' {' '.join(files)}; stat -c '%.9Z %n' {' '.join(tls)}"
        return f"{query}\n\\! ({look}) 2>/dev/null"

    def process(self, output: list[str]) -> Server:
        """One JSON object, or a word that says why not; then modification time and name of each file."""
        if output[0] == SERVER_DOWN or not output[0].startswith(("{", "!")):
            return Server()
        if refusal := silence(output):
            return Server(up=True, refusal=refusal)
        values: dict[str, Any] = json.loads(output[0])
        times = (line.split(" ", 1) for line in output[1:])
        stale = [name for modified, name in times if Decimal(modified) > Decimal(values["loaded"])]
        return Server(up=True, stale=stale, **values)
