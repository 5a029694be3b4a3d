"""A drill: restores the newest backup with all WAL after it, and looks whether it is a whole event store."""

import time
from collections.abc import Iterator
from typing import Any

from . import copies, pgbackrest, state
from .pgbackrest import BackupError
from .scratch import Scratch

DATABASE = "stock_analysis_event_store"
#: A thousand seals, or so many steps of the projections, at a time: each is one statement.
_SEALS = 100


def drill(stanza: str) -> list[str]:
    """What is wrong; the verdict is remembered, with what it took. Raises `BackupError` if it could not be made."""
    began = time.time()
    scratch = Scratch(stanza, pgbackrest.info(stanza).get(stanza, {}))
    record: dict[str, Any] = {"at": int(began), "bytes": scratch.size, "copy": copies.used(), "problems": []}
    try:
        scratch.refuse_without_room()
        print(f"{stanza}: restoring {scratch.size // 1024**2} MiB", flush=True)
        record["restore_seconds"] = round(scratch.restore(), 1)
        with scratch.running() as seconds:
            print(f"{stanza}: restored in {record['restore_seconds']} s; checking", flush=True)
            record["recovery_seconds"] = round(seconds, 1)
            record.update(_counts(scratch, began))
            record["problems"] += [*scratch.missed(), *_contents(scratch)]
        record["problems"] += _pages(scratch)
        record["check_seconds"] = round(time.time() - began - record["restore_seconds"] - record["recovery_seconds"], 1)
    except BackupError as error:
        state.remember(stanza, "failed-drill", {"at": int(began), "problems": [str(error)]})
        raise
    finally:
        scratch.remove()
    state.remember(stanza, "drill", record)
    state.forget(stanza, "failed-drill")
    problems: list[str] = record["problems"]
    if record["copy"] and not problems:
        # The host keeps that copy, whatever is drilled after it.
        state.remember(stanza, "drilled-copy", {"copy": record["copy"], "at": record["at"]})
    return problems


def _counts(scratch: Scratch, began: float) -> dict[str, Any]:
    """How much is there, and how old the newest of it is: so much would have been lost."""
    [row] = scratch.query(
        "SELECT count(*), coalesce(max(global_position), 0), coalesce(extract(epoch FROM max(created_at)), 0)"
        " FROM event_store.events",
        DATABASE,
    )
    events, last, newest = row.split("|")
    age = round(began - float(newest), 1) if int(events) else None
    return {"events": int(events), "last_position": int(last), "newest_event_seconds": age}


def _contents(scratch: Scratch) -> Iterator[str]:
    """What is wrong with tables, indexes and events."""
    status, text = scratch.program(
        "pg_amcheck", "--install-missing", "--heapallindexed", "-h", scratch.socket, "-d", DATABASE
    )
    if status:
        yield f"amcheck: {text[-2000:]}"
    for row in scratch.query(_VERSIONS, DATABASE):
        yield f"versions with gaps: {row}"
    yield from _seals(scratch)
    yield from _projections(scratch)


#: Of an aggregate whose first events were retired, the versions begin later.
_VERSIONS = """
    SELECT concat_ws(' ', aggregate_type, aggregate_id, count(*), 'events up to version', max(event_version))
      FROM event_store.events
     GROUP BY aggregate_type, aggregate_id
    HAVING max(event_version) - min(event_version) + 1 <> count(*)
        OR (min(event_version) > 1 AND NOT EXISTS (SELECT FROM event_store.retirements))
     LIMIT 20
"""


def _seals(scratch: Scratch) -> Iterator[str]:
    last = int(scratch.query("SELECT coalesce(max(seal), 0) FROM event_store.seals", DATABASE)[0])
    for first in range(1, max(last, 1) + 1, _SEALS):
        until = "NULL" if first + _SEALS > last else str(first + _SEALS - 1)
        for row in scratch.query(
            f"SELECT seal, kind, detail FROM event_store.verify_seals({first}, {until}) WHERE kind <> 'unsealed'",
            DATABASE,
        ):
            yield f"seal {row}"


def _projections(scratch: Scratch) -> Iterator[str]:
    """What a projection says otherwise when it is built again from the events."""
    if scratch.query("SELECT 1 FROM event_store.retirements LIMIT 1", DATABASE):
        return  # nobody could build them again
    tables = scratch.query("SELECT tablename FROM pg_tables WHERE schemaname = 'projections' ORDER BY 1", DATABASE)
    _work(scratch)
    before = {table: _digest(scratch, table) for table in tables}
    for name in scratch.query("SELECT projection_name FROM event_store.projections WHERE status = 'active'", DATABASE):
        scratch.query(f"SELECT event_store.rebuild_projection('{name}')", DATABASE)
    _work(scratch)
    for row in scratch.query(
        "SELECT projection_name, error_message FROM event_store.projections WHERE status <> 'active'", DATABASE
    ):
        yield f"projection {row}"
    for table in tables:
        if before[table] != (after := _digest(scratch, table)):
            yield f"projections.{table} is {before[table]}, and {after} when it is built again from the events"


def _work(scratch: Scratch) -> None:
    """Have the projections read all events, as the worker does, until nothing goes on any more."""
    before: list[str] = []
    while True:
        worked = scratch.query("SELECT event_store.work_projections()", DATABASE) != ["0"]
        # One that has failed stays where it is.
        rebuilds = scratch.query(
            "SELECT projection_name, last_transaction_id, last_global_position FROM event_store.projection_rebuilds "
            "WHERE status = 'active' ORDER BY 1",
            DATABASE,
        )
        if not worked and (not rebuilds or rebuilds == before):
            return
        before = rebuilds


def _digest(scratch: Scratch, table: str) -> str:
    [row] = scratch.query(
        f"SELECT count(*) || ' rows, digest ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), 'none') FROM projections.\"{table}\" t",
        DATABASE,
    )
    return row


def _pages(scratch: Scratch) -> Iterator[str]:
    """What is wrong with the checksums of all pages; the server has stopped."""
    status, text = scratch.program("pg_checksums", "--check", "-D", str(scratch.data))
    if status:
        yield f"pg_checksums: {text[-2000:]}"
