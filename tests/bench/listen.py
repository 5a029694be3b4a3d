"""A reader that follows a feed and says when it has seen which event: `KEY NANOSECONDS` on its standard output.

A program of its own, so that it shares no interpreter with the writers; the clock is the whole machine's. The argument
is JSON, see `Store.follow`; the database is the one of the PG… variables.
"""

import json
import sys
import time

import psycopg

PAGE = 100


def main() -> None:
    """Follow until killed."""
    wanted = json.loads(sys.argv[1])
    cursor = [value.encode() for value in wanted["start"]]
    with psycopg.connect("", autocommit=True) as connection:
        if wanted["channel"]:
            connection.execute(f'LISTEN "{wanted["channel"]}"')
        connection.pgconn.prepare(b"feed", wanted["feed"].encode())
        print("ready", flush=True)
        while True:
            result = connection.pgconn.exec_prepared(b"feed", [*cursor, b"%d" % PAGE])
            now = time.monotonic_ns()
            names = {result.fname(number): number for number in range(result.nfields)}
            if not names:
                raise SystemExit(result.error_message.decode())
            key = names[wanted["key"].encode()]
            lines = [f"{(result.get_value(row, key) or b'').decode()} {now}" for row in range(result.ntuples)]
            if lines:
                print("\n".join(lines), flush=True)
                last = [result.get_value(result.ntuples - 1, names[name.encode()]) for name in wanted["cursor"]]
                cursor = [value or b"" for value in last]
            elif wanted["channel"]:
                # Now and then without being told, as every reader should.
                for _ in connection.notifies(timeout=wanted["interval"], stop_after=1):
                    pass
            else:
                time.sleep(wanted["interval"])


if __name__ == "__main__":
    main()
