"""A store of the first version is brought to this one while it is written to: nobody ends in a deadlock."""

import threading
from uuid import uuid4

import psycopg
import pytest

from deploy.machine.psql import LOCK_TIMEOUT
from deploy.schema import catalogue, migrations

from .stores import Server, new_name

pytestmark = pytest.mark.releases

WRITERS = 3
#: As an append does it: reads the aggregate, then writes; a migration may come in between.
READ = "SELECT max(event_version) FROM event_store.events WHERE aggregate_type = 'Position' AND aggregate_id = %s"
WRITE = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data, correlation_id)
    VALUES (gen_random_uuid(), %s, 'Position', %s, 'PositionUpdated', '{}', gen_random_uuid())"""
FILL = """
    INSERT INTO event_store.events (event_id, aggregate_id, aggregate_type, event_version, event_type, event_data, correlation_id)
    SELECT gen_random_uuid(), gen_random_uuid(), 'Position', 1, 'PositionOpened', '{}', gen_random_uuid()
      FROM generate_series(1, 50000)"""


def test_every_later_migration_goes_in_between_appends(server: Server) -> None:
    schema = catalogue.load()
    store = server.create(new_name())
    try:
        admin = store.connect("postgres", autocommit=False)
        admin.execute(schema.ledger)
        first, *later = schema.migrations
        admin.execute(f"SET LOCAL ROLE {migrations.OWNER};{first.up}")
        admin.execute("RESET ROLE")
        admin.execute(FILL)
        admin.commit()

        over, failed, written = threading.Event(), list[psycopg.Error](), list[int]()
        sessions = [store.connect("postgres", autocommit=False) for _ in range(WRITERS)]

        def write(connection: "psycopg.Connection[tuple[int]]") -> None:
            aggregate, version = uuid4(), 0
            try:
                while not over.is_set():
                    connection.execute(READ, [aggregate])
                    version += 1
                    connection.execute(WRITE, [aggregate, version])
                    connection.commit()
            except psycopg.Error as error:
                failed.append(error)
            written.append(version)

        threads = [threading.Thread(target=write, args=[session]) for session in sessions]
        for thread in threads:
            thread.start()
        try:
            for step in later:
                # As migrations.up_script() puts it, which psql runs.
                admin.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                admin.execute(f"SET LOCAL ROLE {migrations.OWNER};{step.up}")
                admin.commit()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert failed == []
        assert min(written) > 0
        count = admin.execute("SELECT count(*) FROM event_store.events").fetchone()
        assert count == (50000 + sum(written),)
    finally:
        store.close()
        server.drop(store.name)
