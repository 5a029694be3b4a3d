"""What a restore leaves out: the events that the event store has now, and that the restored data will not have."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from deploy.commands.archive import new_file
from deploy.commands.erasures import ERASED
from deploy.commands.superuser import Superuser
from deploy.model.event_stores import EventStore
from deploy.model.project import ROOT

#: Seconds that a transaction may have lasted: an event has the time at which its transaction began.
_LONGEST: Final = 7 * 86_400
#: Rows that psql holds at a time.
_ROWS: Final = 1_000


def condition(target: Mapping[str, Any]) -> str | None:
    """Which rows ``e`` of the events are lost, by their transactions; None if nothing is, or if nobody can tell."""
    if target["lsn"] is None or "next" not in target:
        return None
    xid, of_next = "e.xmin::text::bigint", int(target["next"])
    # Ids are handed out in circles of 2^32; half of a circle behind the next one have been.
    handed_out_later = f"mod({xid} - {of_next} + 4294967296, 4294967296) < 2147483648"
    lost = f"({handed_out_later} OR {_is_in(xid, target['running'])}) AND NOT {_is_in(xid, target['committed'])}"
    return f"e.created_at >= to_timestamp({(target['time'] or 0) - _LONGEST}) AND {lost}"


def _is_in(value: str, numbers: list[int]) -> str:
    return f"{value} = ANY ('{{{','.join(map(str, numbers))}}}'::bigint[])"


def counted(superuser: Superuser, target: Mapping[str, Any], become: str) -> list[str]:
    """How many these are, and how far they go, for people. ``become``: what they do."""
    [row] = superuser.query(f"""
        WITH lost AS MATERIALIZED (
            SELECT e.global_position, e.aggregate_type, e.aggregate_id, e.event_version, e.created_at
              FROM event_store.events e
             WHERE {condition(target)})
        SELECT (SELECT count(*) FROM lost),
               (SELECT count(*) FROM (SELECT DISTINCT aggregate_type, aggregate_id FROM lost) AS touched),
               (SELECT count(*) FROM lost WHERE event_version = 1),
               (SELECT count(*) FROM event_store.events),
               (SELECT count(*) FROM event_store.events e WHERE e.global_position > (SELECT min(global_position) FROM lost)
                   AND NOT EXISTS (SELECT FROM lost l WHERE l.global_position = e.global_position)),
               (SELECT count(*) FROM lost WHERE global_position < {target["event"].position if target["event"] else 0}),
               coalesce((SELECT to_char(min(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM lost), ''),
               coalesce((SELECT to_char(max(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM lost), ''),
               (SELECT max(global_position) FROM lost)
    """)
    events, aggregates, created, total, stay, go, first, last, position = row.split("|")
    lines = [f"{int(total) - int(events):,} of {int(total):,} events would be there."]
    if int(events):
        lines.append(
            f"{int(events):,} events of {int(aggregates):,} aggregates would {become}, {int(created):,} of which began after that; "
            f"they were stored from {first}Z to {last}Z, up to position {position}."
        )
    if int(stay):
        lines.append(f"{int(stay):,} events with higher positions than one of these were committed before, and stay.")
    if int(go):
        lines.append(
            f"{int(go):,} events with lower positions are of the same transaction or of later ones, and go as well."
        )
    return lines


def read_out(target: Mapping[str, Any], *, with_events: bool) -> str:
    """The SQL that prints all erasures, and the lost events, each in its canonical form. See `sort_out`."""
    lost = condition(target) if with_events else None
    events = f"""
        SELECT event_store.event_line(e) FROM event_store.events e WHERE {lost} ORDER BY e.transaction_id, e.global_position;
    """
    return f"\\set FETCH_COUNT {_ROWS}\n{ERASED};\n{events if lost else ''}"


def sort_out(lines: Iterable[bytes], path: Path) -> tuple[list[str], int]:
    """The erasures among what `read_out` prints, and how many events went to a new file, which is made for the first one."""
    erased, events, out = list[str](), 0, None
    with ExitStack() as stack:
        for line in lines:
            if not line.startswith(b"{"):
                erased.append(line.decode().removesuffix("\n"))
                continue
            out = out or _opened(stack, path)
            out.write(line)
            events += 1
    return erased, events


def _opened(stack: ExitStack, path: Path) -> IO[bytes]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return stack.enter_context(new_file(path))


def file_for(store: EventStore) -> Path:
    """Where the lost events of a restore that begins now are kept, on this machine."""
    return ROOT / ".secrets" / f"{store.lxc_name}.lost" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
