"""The horizon after a start of the server, each case of docs/feed.md by itself, on servers of the tests' own."""

from uuid import uuid4

import pytest

from .clusters import Cluster
from .feed import append, read, settle
from .test_forks import forks
from .test_horizon import aggregates, value, write_elsewhere
from .test_subscriptions import refused

pytestmark = pytest.mark.releases


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_prepared_append_has_its_bound_again_after_a_start(primary: Cluster, mode: str) -> None:
    """Readers wait for it from there on, and not from its own id on, which is older."""
    app, preparing = primary.store.connect(), primary.store.connect(autocommit=False)
    before, mine, after = uuid4(), uuid4(), uuid4()
    append(app, uuid4())
    write_elsewhere(preparing)
    append(app, before)
    append(preparing, mine)
    preparing.execute("PREPARE TRANSACTION 'mine'")
    append(app, after)
    assert aggregates(read(app))[1:] == [before]
    primary.stop(mode)
    primary.start()
    app, admin = primary.store.connect(), primary.store.connect("postgres")
    assert aggregates(read(app))[1:] == [before]
    assert admin.execute("SELECT pid, prepared FROM event_store.feed_blockers()").fetchall() == [(None, "mine")]
    admin.execute("COMMIT PREPARED 'mine'")
    assert aggregates(read(app))[1:] == [before, mine, after]


def test_ids_that_are_handed_out_again_after_a_crash_are_behind_a_fork(primary: Cluster) -> None:
    """The horizon had gone past them: it is no cursor."""
    app, admin, aggregate = primary.store.connect(), primary.store.connect("postgres"), uuid4()
    append(app, uuid4())
    settle(app)
    (seen,) = read(app)
    # Nobody flushes what says that they were rolled back.
    handed_out = [write_elsewhere(admin) for _ in range(5)]
    horizon = value(admin, "SELECT event_store.next_horizon()::text::bigint")
    assert horizon > seen.cursor.transaction_id + len(handed_out)
    primary.stop("immediate")
    primary.start()
    app, admin = primary.store.connect(), primary.store.connect("postgres")
    assert write_elsewhere(admin) in handed_out
    append(app, aggregate)
    settle(app)
    (new,) = read(app, seen.cursor)
    assert new.aggregate_id == aggregate
    assert new.cursor.transaction_id >= forks(primary)[-1][3] > horizon
    refused(app, "SE018", "SELECT event_store.read_feed(%s::text::xid8, %s)", horizon - 1, 2**62)
