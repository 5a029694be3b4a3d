"""Clients that read a stream's version, append with exactly that version, and read again after each conflict.

A program of its own, several of which run at once. The argument is JSON, see `exact.clients`. It says "ready", then does a
round for each line of its standard input and says what was stored. The database is the one of the PG… variables.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg

from event_store import EventStore, Loaded, NewEvent, Retries

WANTED: dict[str, Any] = json.loads(sys.argv[1])
#: An application does not read a long stream from its beginning.
SNAPSHOT_EVERY = 10
#: A round and what was done in it: until the time is over, on the stream.
Work = Callable[[float, str], tuple[int, int]]


def by_statements() -> Work:
    """A connection of one client, with prepared statements."""
    connection = psycopg.connect("", autocommit=True)
    send = connection.pgconn.exec_prepared
    connection.pgconn.prepare(b"version", WANTED["version"].encode())
    connection.pgconn.prepare(b"append", WANTED["append"].encode())
    conflict, payload = WANTED["conflict"].encode(), WANTED["payload"].encode()

    def work(until: float, stream: str) -> tuple[int, int]:
        stored = conflicts = 0
        while time.monotonic() < until:
            found = send(b"version", [stream.encode()])
            version = (found.get_value(0, 0) or b"0") if found.ntuples else b"0"
            done = send(b"append", [stream.encode(), version, payload])
            if done.status == psycopg.pq.ExecStatus.TUPLES_OK:
                stored += 1
            elif done.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == conflict:
                conflicts += 1
            else:
                raise SystemExit(done.error_message.decode())
        return stored, conflicts

    return work


def by_decide(store: EventStore) -> Work:
    """One thread with decisions, by a store that all of them share."""
    data = json.loads(WANTED["payload"])

    def work(until: float, stream: str) -> tuple[int, int]:
        aggregate, stored, decided = UUID(stream), 0, 0

        def decision(_: Loaded) -> list[NewEvent]:
            nonlocal decided
            decided += 1
            return [NewEvent("PositionUpdated", data)]

        while time.monotonic() < until:
            done = store.decide(WANTED["type"], aggregate, decision)
            assert done
            stored += 1
            if done.event_version % SNAPSHOT_EVERY == 0:
                store.save_snapshot(WANTED["type"], aggregate, done.event_version, {})
        return stored, decided - stored

    return work


def main() -> None:
    """A round for each line."""
    count = WANTED["clients"]
    if WANTED["way"] == "decide":
        # Nobody gives up: what is counted is what is stored.
        store = EventStore("", min_size=count, max_size=count, retries=Retries(conflicts=1_000_000))
        store.open()
        workers = [by_decide(store) for _ in range(count)]
    else:
        workers = [by_statements() for _ in range(count)]
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        until = time.monotonic() + task["seconds"]
        results: list[tuple[int, int]] = []

        def run(
            work: Work, until: float = until, results: list[tuple[int, int]] = results, to: str = task["stream"]
        ) -> None:
            results.append(work(until, to))

        threads = [threading.Thread(target=run, args=[work]) for work in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == count, "a client has failed"
        stored, conflicts = (sum(column) for column in zip(*results, strict=True))
        print(json.dumps({"stored": stored, "conflicts": conflicts}), flush=True)


if __name__ == "__main__":
    main()
