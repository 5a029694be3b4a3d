"""The server restarts under load, and the client goes on: every acknowledged append is there exactly once."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from event_store import ANY
from event_store.client import EventStore
from event_store.events import Appended, NewEvent
from event_store.retries import Retries

from ..containers import SERVERS
from ..deployment import Deployment, inside

WRITERS, RESTARTS = 4, 3


@pytest.mark.skipif("EVENT_STORE_TEST_SERVERS" in os.environ, reason="servers at hand are not ours to restart")
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("way", ["fast", "immediate"])
def test_the_client_goes_on_through_restarts(deployed_server: Callable[[str], Deployment], name: str, way: str) -> None:
    stop = f"pg_ctlcluster $version main stop -m {way}"
    restart = f"version=$(ls /etc/postgresql); {stop}; systemctl restart postgresql@$version-main"
    goes_on_through(deployed_server(name).dsn(name), lambda: inside(name, restart))


def goes_on_through(dsn: str, restart: Callable[[], object], retries: Retries | None = None) -> None:
    """Append from several threads until the server has restarted a few times, and account for every event."""
    acknowledged: list[dict[UUID, Appended]] = [{} for _ in range(WRITERS)]
    own, enough = [uuid4() for _ in range(WRITERS)], threading.Event()

    def write(client: EventStore, number: int) -> None:
        while not enough.is_set():
            event = NewEvent("Restarted", {}, event_id=uuid4())
            assert event.event_id
            appended = client.append_events("Restarted", own[number], [event], expected=ANY)
            acknowledged[number][event.event_id] = appended

    def count() -> int:
        return sum(map(len, acknowledged))

    retries = retries or Retries(timeout=120)
    with EventStore(dsn, max_size=WRITERS, retries=retries) as client, ThreadPoolExecutor(WRITERS) as pool:
        futures = [pool.submit(write, client, number) for number in range(WRITERS)]
        try:
            for _ in range(RESTARTS):
                before = count()
                while count() < before + 200 and not any(future.done() for future in futures):
                    enough.wait(0.01)
                restart()
            # It has to go on after the last one as well.
            before = count()
            while count() < before + 200 and not any(future.done() for future in futures):
                enough.wait(0.01)
        finally:
            enough.set()
        for future in futures:
            future.result()
        for aggregate, mine in zip(own, acknowledged, strict=True):
            stored = client.get_events("Restarted", aggregate)
            assert {event.event_id: Appended(event.event_version, event.global_position) for event in stored} == mine
            assert [event.event_version for event in stored] == list(range(1, len(mine) + 1))
