"""The deployed PgBouncer of a container: how it is declared on each release, and what its console answers."""

from deploy.model.pooling import POOLED_PORT, POOLER_FOLDER, POOLER_ROLE

from .deployment import inside

#: Release → what key `pooling` has to say there.
POOLING = {"trixie": "on", "bookworm": "without-prepared-statements"}
#: The console's tables that both versions have, but for FDS: 1.18 hands over in it what its process knows of its clients, for
#: another process to go on with. Who may ask for it may read that process's memory.
SHOWN = (
    "CLIENTS",
    "CONFIG",
    "DATABASES",
    "DNS_HOSTS",
    "LISTS",
    "MEM",
    "POOLS",
    "SERVERS",
    "SOCKETS",
    "STATS",
    "USERS",
)


def asked(name: str, command: str) -> str:
    """What the console prints."""
    as_pooler = f"cd /; setpriv --reuid={POOLER_ROLE} --regid={POOLER_ROLE} --clear-groups"
    psql = f"psql -XAq -P footer=off -h {POOLER_FOLDER} -p {POOLED_PORT} -U pgbouncer -d pgbouncer"
    return inside(name, f"{as_pooler} {psql} -c '{command}'")


def console(name: str, command: str) -> list[dict[str, str]]:
    """The rows that the console answers."""
    lines = [line.split("|") for line in asked(name, command).splitlines()]
    return [dict(zip(lines[0], row, strict=True)) for row in lines[1:]]


def servers(name: str) -> set[str]:
    """The pids of the application's sessions with the server."""
    return {row["remote_pid"] for row in console(name, "SHOW SERVERS") if row["user"] != POOLER_ROLE}
