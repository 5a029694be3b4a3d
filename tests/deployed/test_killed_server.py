"""The server dies under load: every acknowledged event is there afterwards, and no event that nobody sent."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
import pytest

from .containers import SERVERS
from .deployment import Deployment, inside, sql

WRITERS = 8
#: All of them at once, as the kernel does when it is out of memory; nothing gets the chance to write anything more.
KILL = "pkill -9 -u postgres -x postgres"


@dataclass
class Writer:
    """One client: appends to an aggregate of its own and to one that all share, each event with an id known before."""

    dsn: str
    shared: UUID
    own: UUID = field(default_factory=uuid4)
    sent: list[UUID] = field(default_factory=list)
    acknowledged: list[UUID] = field(default_factory=list)
    ended_by: str = ""

    def run(self) -> None:
        """Append until the server is gone."""
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                for number in range(1_000_000):
                    aggregate = self.shared if number % 4 == 0 else self.own
                    self.sent.append(event_id := uuid4())
                    connection.execute(
                        "SELECT event_store.append_event('Killed', %s, NULL, 'Sent', '{}', event_id => %s)",
                        [aggregate, event_id],
                    )
                    self.acknowledged.append(event_id)
        except psycopg.OperationalError as error:
            self.ended_by = str(error)


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_loses_nothing_that_it_acknowledged(
    deployed_server: Callable[[str], Deployment], name: str
) -> None:
    deployed = deployed_server(name)
    dsn, shared = deployed.dsn(name), uuid4()
    writers = [Writer(dsn, shared) for _ in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    while not all(len(writer.acknowledged) > 50 for writer in writers):
        time.sleep(0.05)
        assert all(thread.is_alive() for thread in threads), [writer.ended_by for writer in writers]
    inside(name, KILL)
    for thread in threads:
        thread.join()
    assert all(writer.ended_by for writer in writers)

    deployed.apply()

    rows = sql(
        name,
        f"""SELECT event_id, aggregate_id, event_version FROM event_store.events
             WHERE aggregate_type = 'Killed' AND aggregate_id IN
                   ({", ".join(f"'{aggregate}'" for aggregate in [shared, *(writer.own for writer in writers)])})
             ORDER BY aggregate_id, event_version""",
    )
    stored: dict[UUID, list[int]] = {}
    ids: list[UUID] = []
    for row in rows.splitlines():
        event_id, aggregate, version = row.split("|")
        ids.append(UUID(event_id))
        stored.setdefault(UUID(aggregate), []).append(int(version))
    assert len(ids) == len(set(ids))
    for writer in writers:
        assert set(writer.acknowledged) <= set(ids)
        # At most the one whose acknowledgement the kill has swallowed.
        assert len(set(writer.sent) & set(ids)) - len(writer.acknowledged) in (0, 1)
    assert set(ids) <= {event_id for writer in writers for event_id in writer.sent}
    assert all(versions == list(range(1, len(versions) + 1)) for versions in stored.values())
    code, report = deployed.drift()
    assert code == 0, report
