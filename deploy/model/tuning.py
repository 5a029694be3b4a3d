"""PostgreSQL settings that follow from what the operator declares for a container.

Compared with PGTune (github.com/le0pard/pgtune, 7caef27, type "web") and timescaledb-tune
(github.com/timescale/timescaledb-tune, c7a642b). Where they differ from each other or from us, the reason stands here.

The memory is shared out in 32nds, so that the worst case is known beforehand:

===== ==========================================================================================================
 8    shared_buffers (both tools: 1/4)
 2    maintenance_work_mem, one CREATE INDEX or VACUUM by hand (PGTune: 1/16; timescaledb-tune: 1/8)
 3    autovacuum_work_mem, 1/32 for each of the 3 autovacuum workers
 13   work_mem, one for every connection and every parallel worker at the same time
 6    kept for the processes themselves, wal_buffers and the page cache
===== ==========================================================================================================
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from deploy.model.sizes import GIB, KIB, MIB, TIB, format_postgres, parse_postgres, parse_postgres_count

Storage: TypeAlias = Literal["ssd", "hdd"]

MIN_MEMORY: Final = 512 * MIB  # as PGTune; below it the shares are too small to be of use
MAX_MEMORY: Final = 1 * TIB
AUTOVACUUM_WORKERS: Final = 3  # PostgreSQL's default; written out because the share of memory counts on it

_PAGE: Final = 8 * KIB
# What a number without a unit counts, for each setting that takes memory.
_BARE_UNITS: Final = {
    "shared_buffers": _PAGE,
    "effective_cache_size": _PAGE,
    "wal_buffers": _PAGE,
    "temp_buffers": _PAGE,
    "maintenance_work_mem": KIB,
    "autovacuum_work_mem": KIB,
    "logical_decoding_work_mem": KIB,
    "work_mem": KIB,
}
_FOLLOWS_ANOTHER: Final = {"wal_buffers": "-1", "autovacuum_work_mem": "-1"}


def derive_settings(
    memory: int, cpus: int, max_connections: int, storage: Storage, version: int, *, disk: int = 50 * GIB
) -> dict[str, str]:
    """The settings for a container with ``memory`` bytes and a data volume of ``disk`` bytes.

    Every one can be overridden by its name.
    """
    if not MIN_MEMORY <= memory <= MAX_MEMORY:
        raise ValueError(
            f"memory of {format_postgres(memory)}: PostgreSQL is tuned for "
            f"{format_postgres(MIN_MEMORY)} to {format_postgres(MAX_MEMORY)}"
        )
    if cpus < 1 or max_connections < 1:
        raise ValueError(f"{cpus} CPUs and {max_connections} connections: each has to be at least 1")
    return {
        **_memory_settings(memory, cpus, max_connections, version),
        **_wal_settings(memory, disk),
        **_planner_settings(storage),
        **_parallel_settings(cpus),
        **_autovacuum_settings(),
        **_session_settings(),
    }


def _memory_settings(memory: int, cpus: int, max_connections: int, version: int) -> dict[str, str]:
    # work_mem: PGTune gives (memory - shared_buffers) / (3 * processes), 20MB at 8 GiB and 100 connections; the
    # 13/32 give the 32MB that were asked for there. Above 256MB the page cache is the better use of it: no query of
    # this store sorts that much. PostgreSQL takes 64kB at least.
    work_mem = min(max(memory * 13 // 32 // (max_connections + cpus), 64 * KIB), 256 * MIB)
    # Before PostgreSQL 17 a vacuum could not use more than 1GB however much it was given.
    vacuum_limit = 2 * GIB if version >= 17 else 1 * GIB
    return {
        "max_connections": str(max_connections),
        "shared_buffers": _round_down(memory // 4),
        "effective_cache_size": _round_down(memory * 3 // 4),  # both tools; the planner's estimate, takes no memory
        "maintenance_work_mem": _round_down(min(memory // 16, 2 * GIB)),  # limit: timescaledb-tune's (PGTune: 8GB)
        "autovacuum_work_mem": _round_down(min(memory // 32, vacuum_limit)),
        "work_mem": _round_down(work_mem),
        # Huge pages if the host has reserved some, and silently none if it has not (PGTune: from 2GB on).
        "huge_pages": "try",
    }


def _wal_settings(memory: int, disk: int) -> dict[str, str]:
    # PGTune "web" has 4GB; but the WAL lies on the data volume and may go beyond its soft limit: a fifth of it at most.
    # In whole segments of 16 MiB.
    max_wal = min(4 * GIB, disk // 5 // (64 * MIB) * 64 * MIB)
    # wal_buffers: the server's own rule, 1/32 of shared_buffers up to 16MB, written out so that a check can read it.
    return {
        "wal_buffers": format_postgres(min(memory // 4 // 32 // _PAGE * _PAGE, 16 * MIB)),
        "min_wal_size": format_postgres(max_wal // 4),
        "max_wal_size": format_postgres(max_wal),
        # Each page's first change after a checkpoint is logged in full: fewer checkpoints, less WAL. max_wal_size
        # still bounds what recovery has to read (timescaledb-tune for ingest: 15min as well).
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "lz4",  # full pages only; PGTune for 15 and newer, Debian builds with it
        "default_toast_compression": "lz4",  # large payloads; timescaledb-tune for 14 and newer
    }


def _planner_settings(storage: Storage) -> dict[str, str]:
    ssd = storage == "ssd"
    return {
        "random_page_cost": "1.1" if ssd else "4",  # PGTune
        "effective_io_concurrency": "200" if ssd else "2",  # PGTune
        "default_statistics_target": "100",
        "jit": "off",  # both tools: compiling costs more than the short queries of a store take
    }


def _parallel_settings(cpus: int) -> dict[str, str]:
    # PGTune: half of the CPUs, at most 4, for one query. With one CPU there is nothing to share out.
    for_one_query = min((cpus + 1) // 2, 4) if cpus > 1 else 0
    return {
        # The parallel workers and 4 others (logical replication, extensions); the server's default is 8.
        "max_worker_processes": str(max(8, cpus + 4)),
        "max_parallel_workers": str(cpus),
        "max_parallel_workers_per_gather": str(for_one_query),
        "max_parallel_maintenance_workers": str(for_one_query),
    }


def _autovacuum_settings() -> dict[str, str]:
    """For tables that only grow: nothing dies in them, so the usual trigger never fires.

    A vacuum after inserts marks pages all-visible (index-only scans) and frozen. At the default of 20 % a table of 100
    million events waits for 20 million more, then does all at once; at 1 % it does little and often, as it skips the
    pages that it has seen. Freezing early saves the whole-table pass against wraparound: an event never changes.
    The statistics are refreshed at 2 %, since queries ask for the newest events, past the histogram's last bound.
    """
    return {
        "autovacuum_max_workers": str(AUTOVACUUM_WORKERS),
        "autovacuum_vacuum_insert_threshold": "10000",
        "autovacuum_vacuum_insert_scale_factor": "0.01",
        "autovacuum_vacuum_scale_factor": "0.05",  # projections and checkpoints: few rows, updated all the time
        "autovacuum_analyze_scale_factor": "0.02",
        "vacuum_freeze_min_age": "1000000",
    }


def _session_settings() -> dict[str, str]:
    # A feed reader sees events only up to the oldest append that is not committed: an application that forgets one would
    # hold back every reader, and vacuum with them.
    return {"idle_in_transaction_session_timeout": "1min"}


def memory_problems(settings: Mapping[str, str], memory: int) -> list[str]:
    """What in the settings, overrides included, does not fit into a container with ``memory`` bytes."""
    problems, sizes = [], {}
    limit = format_postgres(memory)
    for name, unit in _BARE_UNITS.items():
        if name not in settings or settings[name].strip() == _FOLLOWS_ANOTHER.get(name):
            continue
        value = settings[name]
        try:
            sizes[name] = parse_postgres(value, unit)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        if sizes[name] > memory:
            problems.append(
                f'{name}: "{value}" is more than the container\'s memory; at most "{limit}", give the container more '
                f"memory or leave the setting out to have it derived"
            )
    return problems or _total_problems(settings, sizes, memory)


def _total_problems(settings: Mapping[str, str], sizes: Mapping[str, int], memory: int) -> list[str]:
    # Gentler than the shares above: an operator who raises work_mem knows that not all connections sort at once,
    # so a quarter of them counts.
    maintenance = sizes.get("maintenance_work_mem", 64 * MIB)
    counted = {
        "shared_buffers": sizes.get("shared_buffers", 128 * MIB),
        "wal_buffers": sizes.get("wal_buffers", 0),
        "maintenance_work_mem": maintenance,
        "autovacuum_work_mem": sizes.get("autovacuum_work_mem", maintenance)
        * count(settings, "autovacuum_max_workers", AUTOVACUUM_WORKERS),
        "work_mem": sizes.get("work_mem", 4 * MIB) * -(-count(settings, "max_connections", 100) // 4),
    }
    total = sum(counted.values())
    if total <= memory:
        return []
    parts = ", ".join(f"{name} {size // MIB}MB" for name, size in counted.items())
    return [
        f"the settings can take {total // MIB}MB together, the container's memory is {format_postgres(memory)}: {parts}"
        f" (work_mem for a quarter of max_connections, autovacuum_work_mem for every worker); lower one of them or "
        f"give the container more memory"
    ]


def count(settings: Mapping[str, str], name: str, default: int) -> int:
    """A setting that is a number; ``default`` if it is not there, or not a number."""
    try:
        return parse_postgres_count(settings[name])
    except (KeyError, ValueError):
        return default


def _round_down(size: int) -> str:
    """Whole MB, or whole kB if there are few of them: a figure that a person can read back."""
    unit = MIB if size >= 2 * MIB else KIB
    return format_postgres(size // unit * unit)
