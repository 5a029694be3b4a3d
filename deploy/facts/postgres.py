"""The PostgreSQL cluster of a container: its files, its service, and what the running server says of itself."""

import json
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.psql import DATABASE_ABSENT, SERVER_DOWN, fact_query


@dataclass(frozen=True)
class Cluster:
    """What there is of a cluster, whether its server runs or not."""

    configured: bool = False
    """Debian's tools know the cluster: its configuration directory is there."""
    initialized: bool = False
    """The data directory holds a whole cluster."""
    other_versions: list[str] = field(default_factory=list)
    """Versions of other clusters on the data volume."""
    certificate: bool = False
    """There is a certificate with its key, good for another 30 days."""
    altered: list[str] = field(default_factory=list)
    """Lines that ALTER SYSTEM left behind."""
    active: str = ""
    """systemd's state of the cluster's unit."""
    enabled: bool = False
    """Debian's generator starts clusters at boot."""


class ClusterFact(FactBase[Cluster]):
    """See `Cluster`."""

    @staticmethod
    def default() -> Cluster:
        """Nothing there."""
        return Cluster()

    def command(self, version: int, volume: str) -> StringCommand:
        """Everything in one call, since entering a container is what costs."""
        script = r"""
            version=$1 volume=$2 data=$2/$1/main
            [ -f "/etc/postgresql/$version/main/postgresql.conf" ] && echo configured
            [ -f "$data/global/pg_control" ] && echo initialized
            for other in "$volume"/[0-9]*/main/PG_VERSION; do
                [ ! -f "$other" ] || [ "$other" = "$data/PG_VERSION" ] || echo "other $(cat "$other")"
            done
            [ -f "$volume/tls/server.key" ] && openssl x509 -checkend 2592000 -noout -in "$volume/tls/server.crt" \
                >/dev/null 2>&1 && echo certificate
            grep -v '^#' "$data/postgresql.auto.conf" 2>/dev/null | sed -n 's/^\(..*\)/altered \1/p'
            echo "active $(systemctl show --property=ActiveState --value "postgresql@$version-main.service")"
            systemctl is-enabled --quiet postgresql.service 2>/dev/null && echo enabled
            true
        """
        return StringCommand("sh -c", QuoteString(script), "cluster", str(version), QuoteString(volume))

    def process(self, output: list[str]) -> Cluster:
        """A word that says what the rest of a line is."""
        lines = [line.partition(" ")[::2] for line in output]
        words = {word: rest for word, rest in lines}
        return Cluster(
            configured="configured" in words,
            initialized="initialized" in words,
            other_versions=[rest for word, rest in lines if word == "other"],
            certificate="certificate" in words,
            altered=[rest for word, rest in lines if word == "altered"],
            active=words.get("active", ""),
            enabled="enabled" in words,
        )


@dataclass(frozen=True)
class Server:
    """What a running server says of its own configuration; `up` is False where there is none to ask."""

    up: bool = False
    stale: list[str] = field(default_factory=list)
    """Configuration files that are newer than what the server has loaded."""
    pending_restart: list[str] = field(default_factory=list)
    """Settings that wait for a restart."""
    errors: list[str] = field(default_factory=list)
    """What the server cannot read in the files as they are now."""
    restart_only: list[str] = field(default_factory=list)
    """Every setting that can only change by a restart."""


class ServerFact(FactBase[Server]):
    """See `Server`."""

    @staticmethod
    def default() -> Server:
        """Not up."""
        return Server()

    def command(self, conf: str, data: str, tls: str) -> str:
        """Asks the server; pg_stat_file takes absolute names, from a superuser."""
        files = [f"{conf}/{name}.conf" for name in ("postgresql", "pg_hba", "pg_ident")]
        files += [f"{data}/postgresql.auto.conf", f"{tls}/server.crt"]
        names = ", ".join(f"'{name}'" for name in files)
        return fact_query(f"""
            SELECT json_build_object(
                'stale', (SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY[{names}]) AS name
                          WHERE (pg_stat_file(name, true)).modification > pg_conf_load_time()),
                'pending_restart', (SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE pending_restart),
                'errors', (SELECT coalesce(json_agg(line), '[]') FROM (
                    SELECT format('%s:%s: %s', sourcefile, sourceline, error) AS line FROM pg_file_settings
                    WHERE error IS NOT NULL AND NOT (name IN (SELECT name FROM pg_settings WHERE context = 'postmaster')
                          AND error LIKE 'setting could not be applied')
                    UNION ALL
                    SELECT format('%s/pg_hba.conf:%s: %s', '{conf}', line_number, error) FROM pg_hba_file_rules
                    WHERE error IS NOT NULL) AS broken),
                'restart_only', (SELECT json_agg(lower(name)) FROM pg_settings WHERE context = 'postmaster'))
        """)

    def process(self, output: list[str]) -> Server:
        """One JSON object, or a word that says why not."""
        if output[0] in (SERVER_DOWN, DATABASE_ABSENT):
            return Server()
        values: dict[str, Any] = json.loads("".join(output))
        return Server(up=True, **values)
