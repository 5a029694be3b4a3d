import json
from pathlib import Path

import pytest

from deploy.schema import catalogue
from deploy.schema.migrations import Migration, MigrationError
from deploy.schema.rollback.losses import Found, Loss, guard, losses, refusals

KEEPS = Loss("0002_second", "keeps", "event_store.events")
LOSES = Loss("0002_second", "loses", "event_store.seals")
REBUILDS = Loss("0002_second", "rebuilds", "projections.positions")


def migration(down: str) -> Migration:
    return Migration(2, "second", "sql/migrations/0002_second", "SELECT 1;", down)


def test_each_line_is_read_with_its_condition() -> None:
    down = """-- Takes back up.sql: it loses nothing but seals.
--
-- keeps event_store.events
-- loses event_store.commands WHERE data <> '{}'
-- rebuilds projections.positions
DROP TABLE event_store.seals; -- loses more
"""
    first, second, third = losses(migration(down))
    assert first == KEEPS
    assert (second.table, second.rows) == ("event_store.commands", "data <> '{}'")
    assert third == REBUILDS


def test_nothing_has_to_be_said() -> None:
    assert losses(migration("-- loses nothing\nDROP INDEX i;\n")) == ()
    with pytest.raises(MigrationError, match=r"0002_second/down\.sql does not say what it loses"):
        losses(migration("-- Loses the table.\nDROP TABLE t;\n"))


@pytest.mark.parametrize("step", catalogue.load().migrations, ids=str)
def test_every_migration_of_this_repository_says_what_it_loses(step: Migration) -> None:
    losses(step)


def test_events_of_the_first_migration_are_never_lost() -> None:
    first = catalogue.load().migrations[0]
    assert Loss(str(first), "keeps", "event_store.events") in losses(first)


def test_what_is_kept_is_refused_and_what_is_lost_has_to_be_named() -> None:
    found = [Found(KEEPS, 3), Found(LOSES, 1001), Found(REBUILDS, 5)]
    kept, lost = refusals(found, [])
    assert kept == "0002_second cannot be taken back with event_store.events: 3 row(s)"
    assert lost.startswith("0002_second would lose event_store.seals: more than 1,000 rows;")
    assert lost.endswith("add --data lose=event_store.seals")
    assert refusals(found, ["event_store.seals", "event_store.events"]) == [kept]


def test_a_finding_survives_the_way_through_the_database() -> None:
    loss = Loss("0002_second", "loses", "event_store.commands", "data <> '{}'")
    text = loss.query.split("jsonb_set('")[1].split("', '{found}'")[0].replace("''", "'")
    assert Found.parse(json.dumps({**json.loads(text), "found": 7})) == Found(loss, 7)
    assert str(Found(loss, 7)) == "event_store.commands WHERE data <> '{}': 7 row(s)"


def test_the_guard_locks_before_it_looks_and_leaves_out_what_is_given_up() -> None:
    step = migration("-- keeps event_store.events\n-- loses event_store.seals\n-- rebuilds projections.positions\n")
    script = guard(step, [])
    for table in ("event_store.events", "event_store.seals"):
        assert script.index(f"LOCK TABLE {table} ") < script.index(f"SELECT FROM {table} WHERE true")
    assert "projections.positions" not in script
    assert "event_store.seals" not in guard(step, ["event_store.seals"])
    assert "event_store.events" in guard(step, ["event_store.events"])


def test_the_folder_is_named_where_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=str(tmp_path)):
        losses(Migration(1, "x", str(tmp_path), "", ""))
