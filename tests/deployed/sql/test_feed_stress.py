"""No reader skips, repeats or reorders an event under stress; with a fault put in on purpose, the same stress finds it.

The long form, `make soak`, goes on for EVENT_STORE_STRESS_SECONDS (120 unless it is set; hours are fine), with crashes.
"""

import os

import pytest

from ..containers import AT_HAND, SERVERS
from .clusters import Clusters
from .feed_faults import FAULTS, OLDER_PAGE, change, slow_down
from .feed_stress import HORIZON, Found, stress
from .stores import Store

# Otherwise half of the short forms would run nowhere in `make test`: see groups.is_for_the_other_release().
pytestmark = pytest.mark.releases

SECONDS = float(os.environ.get("EVENT_STORE_STRESS_SECONDS", "120"))
SEED = int(os.environ.get("EVENT_STORE_STRESS_SEED", "1"))
_FIRST, *_OTHERS = [*AT_HAND] or SERVERS
#: The short form on the newer release, the long one on both.
ON_ONE = pytest.mark.parametrize(
    "server", [_FIRST, *(pytest.param(one, marks=pytest.mark.soak) for one in _OTHERS)], indirect=True
)


def show(found: Found) -> None:
    print(f"{found.stored} events, {found.transactions} transactions, {found.crashes} crashes, errors {found.errors}")


@ON_ONE
@pytest.mark.parametrize("is_slow", [False, True], ids=["as it is", "with naps"])
def test_nothing_is_skipped(empty_store: Store, *, is_slow: bool) -> None:
    if is_slow:
        slow_down(empty_store.connect("postgres"))
    found = stress(empty_store, 13, seed=SEED)
    show(found)
    assert found.wrong == []
    assert found.stored > 300


@ON_ONE
@pytest.mark.parametrize("fault", [*FAULTS, "the page has an older snapshot than the look"])
def test_a_fault_is_found(empty_store: Store, fault: str) -> None:
    with empty_store.connect("postgres") as admin:
        slow_down(admin)
        if fault in FAULTS:
            change(admin, FAULTS[fault])
        else:
            admin.execute(OLDER_PAGE)
    # Where something is always open, an older append often hides a fault: begin with what goes from idle to a burst.
    for attempt, phase in enumerate(["bursts", "long", "long", "mixed"] * 4):
        found = stress(empty_store, 3, seed=SEED + attempt, only=phase)
        if found.wrong:
            print(attempt, found.wrong)
            return
    pytest.fail("not found")


@pytest.mark.soak
@pytest.mark.parametrize("server", [_FIRST, *_OTHERS], indirect=True)
@pytest.mark.parametrize("is_slow", [False, True], ids=["as it is", "with naps"])
def test_nothing_is_skipped_for_long_with_crashes(empty_store: Store, *, is_slow: bool) -> None:
    if is_slow:
        slow_down(empty_store.connect("postgres"))
    found = stress(empty_store, SECONDS, seed=SEED, crashes=max(1, int(SECONDS / 15)))
    show(found)
    assert found.wrong == []
    assert found.crashes > 0


@pytest.mark.soak
@pytest.mark.parametrize("server", [_FIRST, *_OTHERS], indirect=True)
@pytest.mark.parametrize("power", [31, 32])
def test_nothing_is_skipped_where_ids_pass_a_power_of_two(clusters: Clusters, power: int) -> None:
    """The key of a bound has 32 bits, and so have the ids that pg_locks shows."""
    with clusters.cluster("ids") as cluster:
        clusters.origin.copy(cluster)
        cluster.configure("max_prepared_transactions = 40")
        cluster.set_next_id((1 << power) - 1000)
        cluster.start()
        slow_down(cluster.store.connect("postgres"))
        found = stress(cluster.store, SECONDS / 4, seed=SEED)
        show(found)
        row = cluster.store.connect("postgres").execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    assert found.wrong == []
    assert row
    assert (1 << power) < row[0] < (1 << power) + 1_000_000


@pytest.mark.soak
@pytest.mark.parametrize("server", [_FIRST, *_OTHERS], indirect=True)
def test_nothing_is_skipped_on_a_standby(clusters: Clusters) -> None:
    with clusters.running("primary") as primary, clusters.cluster("standby") as standby:
        primary.store.connect("postgres").execute("SELECT event_store.work_feed()")
        slow_down(primary.store.connect("postgres"))
        primary.back_up(standby, standby=True)
        standby.start()
        found = stress(primary.store, SECONDS / 4, seed=SEED, standby=standby.store)
        show(found)
        standby.store.close()
    assert found.wrong == []
    assert found.stored > 300


@pytest.mark.soak
@pytest.mark.parametrize("server", [_FIRST, *_OTHERS], indirect=True)
def test_the_horizon_is_final_and_no_cursor(empty_store: Store) -> None:
    """Without a crash nothing comes below it any more; after one a cursor there is refused, as nobody has handed it out.

    Refused if the crash comes before the next event, which is a matter of chance: so it falls between bursts.
    """
    slow_down(empty_store.connect("postgres"))
    found = stress(empty_store, 10, seed=SEED, with_horizon=True)
    show(found)
    assert found.wrong == []
    for attempt in range(10):
        found = stress(empty_store, 10, seed=SEED + attempt, only="bursts", crashes=2, with_horizon=True)
        # All others are right, and nothing that was acknowledged is lost.
        assert all(one.startswith((f"{HORIZON}: refused", f"{HORIZON}: skipped")) for one in found.wrong), found.wrong
        if found.wrong:
            print(attempt, found.wrong)
            return
    pytest.fail("not found")
