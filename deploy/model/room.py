"""Sizes that have to fit into each other: the WAL into the data volume, connections into the limit of processes.

What could never work is refused. What works until everything is in use at the same time is left to the operator.
"""

from collections.abc import Mapping
from typing import Final

from deploy.model.sizes import MIB, format_postgres, parse_postgres
from deploy.model.tuning import AUTOVACUUM_WORKERS, count

#: Of ten parts of the data volume, what is left for WAL by the file system and the smallest store (95 and 70 MB of 2 GiB).
_WAL_TENTHS: Final = 9
_WAL_DEFAULTS: Final = {
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "wal_keep_size": "0",
    "max_slot_wal_keep_size": "-1",
}
#: postmaster, checkpointer, background writer, WAL writer, autovacuum and logical replication launchers, archiver, logger,
#: WAL summarizer, startup process.
_SERVER_PROCESSES: Final = 10
#: systemd, its services and the clients of the worker: 9 when idle, with some for those who look after the container.
_OTHER_PROCESSES: Final = 20
#: The worker's sessions, one for each of its services, and the one by which the pooler looks clients up.
_INSIDE_SESSIONS: Final = 4 + 1
#: For who looks at the store: a check, a monitor.
_SPARE_SESSIONS: Final = 1
#: PostgreSQL's default.
_SUPERUSER_SESSIONS: Final = 3
#: The first version of PostgreSQL that reserves connections for roles other than superusers.
_RESERVES: Final = 16


def reservation(max_connections: int, version: int) -> dict[str, str]:
    """Settings by which worker and pooler get in whatever the application takes, also while it has two login roles.

    From 16 on the server keeps slots free for them, beside those that they have: as many again, so that there are enough
    after they were lost and others were quicker. Before, there are the limits of roles only, each by itself: so the server
    has slots for both login roles, which a rotation lets in side by side.
    """
    if reserves(version):
        return {
            "max_connections": str(max_connections + _INSIDE_SESSIONS),
            "reserved_connections": str(_INSIDE_SESSIONS),
        }
    return {"max_connections": str(2 * max_connections - _SUPERUSER_SESSIONS - _INSIDE_SESSIONS - _SPARE_SESSIONS)}


def reserves(version: int) -> bool:
    """Whether PostgreSQL keeps slots for roles other than superusers."""
    return version >= _RESERVES


def application_connections(settings: Mapping[str, str]) -> int:
    """How many connections the application may have: what the server has without those that others need.

    The limit is the role's, because the database's counts the worker as well, and its owner could change it.
    """
    kept_free = count(settings, "superuser_reserved_connections", _SUPERUSER_SESSIONS)
    kept_free += count(settings, "reserved_connections", 0)
    return count(settings, "max_connections", 100) - kept_free - _INSIDE_SESSIONS - _SPARE_SESSIONS


def wal_problems(settings: Mapping[str, str], disk: int) -> list[str]:
    """What is wrong with the settings for WAL on a data volume of ``disk`` bytes."""
    sizes = {name: _wal_size(settings.get(name, default)) for name, default in _WAL_DEFAULTS.items()}
    # Between two checkpoints WAL grows up to max_wal_size, beside what is kept for replicas.
    most = max(sizes["max_wal_size"], sizes["min_wal_size"])
    most += max(sizes["wal_keep_size"], sizes["max_slot_wal_keep_size"])
    limit = disk * _WAL_TENTHS // 10 // MIB * MIB
    if most <= limit:
        return []
    parts = ", ".join(f"{name} = {settings[name]}" for name in _WAL_DEFAULTS if name in settings)
    return [
        f"{parts}: WAL can take {format_postgres(most)}, and the data volume (disk) has {format_postgres(disk)}; lower "
        f"them to {format_postgres(limit)} together, leave max_wal_size out to have it derived, or give more disk"
    ]


def _wal_size(value: str) -> int:
    """In bytes; 0 for "no limit", and for what is not a size, which the server says better."""
    try:
        return parse_postgres(value, MIB)
    except ValueError:
        return 0


def process_problems(settings: Mapping[str, str], processes: int, application: int) -> list[str]:
    """What is wrong with the number of connections in a container of so many ``processes``.

    ``application``: how many of them the application may have.

    Parallel workers and WAL senders do not count: without a process for them, the server goes on.
    """
    connections = count(settings, "max_connections", 100)
    if application < 1:
        return [
            f'max_connections = {connections} leaves none for the application; give "max_connections": '
            f"{connections - application + 1} or more, or reserve fewer (superuser_reserved_connections, reserved_connections)"
        ]
    others = count(settings, "autovacuum_max_workers", AUTOVACUUM_WORKERS) + _SERVER_PROCESSES + _OTHER_PROCESSES
    if connections + others <= processes:
        return []
    helpers = count(settings, "max_worker_processes", 8) + count(settings, "max_wal_senders", 10)
    return [
        f"processes = {processes}: max_connections = {connections} could never be reached: each connection is a process, "
        f'and {others} others run; give "processes": {connections + others + helpers}, which has room for parallel '
        f"workers, or lower max_connections to {processes - others}"
    ]
