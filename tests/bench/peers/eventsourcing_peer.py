"""The eventsourcing library itself: makes its tables, or listens with its own subscription.

python eventsourcing_peer.py create|listen      the database is the one of the PG… variables
"""

import os
import sys
import time

from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore


def main() -> None:
    """What the argument says."""
    names = ("PGDATABASE", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
    database, host, port, user, password = (os.environ.get(name, "") for name in names)
    # A subscription holds one connection for LISTEN beside the one that it reads with.
    with PostgresDatastore(database, host, port or 5432, user or "postgres", password, pool_size=2) as datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        if sys.argv[1] == "listen":
            with recorder.subscribe(gt=recorder.max_notification_id()) as subscription:
                print("ready", flush=True)
                for notification in subscription:
                    print(notification.originator_id, time.monotonic_ns(), flush=True)


if __name__ == "__main__":
    main()
