"""Steps back: from a newer checkout to this one and on to the first version, and what is refused on the way."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .checkout import LAST, NEWER, UP, Checkout
from .containers import INNER_BOOKWORM as BOOKWORM
from .containers import INNER_TRIXIE as TRIXIE
from .deployment import PYINFRA, Deployment, inside, run, schema_dump, sql

BOTH = (TRIXIE, BOOKWORM)
APPEND = "SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Kept', '{}')"
LOSE_NOTES = ("--data", "lose=event_store.notes")


def _append(deployment: Deployment, name: str) -> None:
    with deployment.connect(name) as connection:
        connection.execute(APPEND)


def _events(name: str) -> str:
    """All that they have. A column without a value may go, or come."""
    what = "md5(string_agg(jsonb_strip_nulls(to_jsonb(e))::text, '' ORDER BY global_position))"
    return sql(name, f"SELECT count(*), {what} FROM event_store.events e")


def _ledger(name: str) -> str:
    return sql(name, "SELECT max(version) FROM deployment.migrations")


def _rollback(deployment: Deployment, *arguments: str, check: bool = True) -> Any:
    return deployment.run("deploy/rollback.py", *arguments, check=check)


@pytest.fixture(scope="module")
def newer(deployed: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Whatever a test left behind, the stores are of this checkout at the end."""
    deployed.apply()
    checkout = Checkout(tmp_path_factory.mktemp("newer"))
    yield checkout
    checkout.pyinfra(deployed, "deploy/rollback.py", "-y", "--data", f"to={LAST}", *LOSE_NOTES)
    deployed.apply()


def test_a_step_back_brings_back_what_this_checkout_had_deployed(deployed: Deployment, newer: Checkout) -> None:
    """Byte for byte, with its functions: appends go on at once, and its deploy has nothing to do but start the worker."""
    before = {name: schema_dump(name) for name in BOTH}
    newer.pyinfra(deployed, "deploy/", "-y")
    for name in BOTH:
        assert "idx_newer" in schema_dump(name)
        _append(deployed, name)
    events = {name: _events(name) for name in BOTH}
    plan = newer.pyinfra(deployed, "deploy/rollback.py", "--dry", "--diff", "--data", f"to={LAST}", *LOSE_NOTES).stderr
    assert f"migration {NEWER}: to be taken back" in plan
    assert "loses event_store.notes: 1 row(s)" in plan
    assert "grants: as the last deploy of that version left them" in plan
    for name in BOTH:
        assert _ledger(name) == str(LAST + 1), "a dry run took something back"

    done = newer.pyinfra(deployed, "deploy/rollback.py", "-y", "--data", f"to={LAST:04d}", *LOSE_NOTES)
    assert f"version {LAST:04d} is the last one now" in done.stderr
    for name in BOTH:
        assert schema_dump(name) == before[name]
        assert _events(name) == events[name]
        assert inside(name, "systemctl is-active 'event-store@*'", check=False) == ""
        _append(deployed, name)
    assert [line.split(" [")[0] for line in deployed.apply()] == ["Worker | Run the worker"]
    deployed.assert_as_declared()


def test_rows_that_nobody_gave_up_hold_up_all_machines(deployed: Deployment, newer: Checkout) -> None:
    newer.pyinfra(deployed, "deploy/", "-y")
    _append(deployed, BOOKWORM)
    for mode in ("--dry", "-y"):
        done = newer.pyinfra(deployed, "deploy/rollback.py", mode, "--data", f"to={LAST}", check=False)
        assert done.returncode != 0
        assert f"@lxc/{BOOKWORM}: nothing was touched" in done.stderr
        assert "to give them up, add --data lose=event_store.notes" in done.stderr
    for name in BOTH:
        assert _ledger(name) == str(LAST + 1)
        assert "inactive" not in inside(name, "systemctl is-active 'event-store@*'")
    misspelt = newer.pyinfra(
        deployed, "deploy/rollback.py", "-y", "--data", f"to={LAST}", "--data", "lose=event_store.note", check=False
    )
    assert "lose=event_store.note: nothing that is taken back loses it" in misspelt.stderr
    # A deploy of this checkout is refused as well, and says what to do.
    assert "make rollback" in deployed.pyinfra("-y", check=False).stderr
    newer.pyinfra(deployed, "deploy/rollback.py", "-y", "--data", f"to={LAST}", *LOSE_NOTES)
    deployed.apply()


def test_a_row_that_comes_after_the_plan_ends_the_step(deployed: Deployment, newer: Checkout) -> None:
    """What the plan asked is asked again in the transaction, behind a lock."""
    newer.pyinfra(deployed, "deploy/", "-y")
    _append(deployed, TRIXIE)
    script = (
        "import sys; from deploy.schema import catalogue, migrations; from deploy.schema.rollback import losses;"
        "s = catalogue.load(); m = s.migrations[-1];"
        "sys.stdout.write(migrations.down_script(m, s.ledger, losses.guard(m, ())))"
    )
    down = run(
        "env", f"PYTHONPATH={newer.folder}", PYINFRA.replace("pyinfra", "python"), "-c", script, cwd=newer.folder
    )
    psql = "cd /; runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 --single-transaction -d stock_analysis_event_store"
    output = inside(TRIXIE, f"{psql} -f - 2>&1", stdin=down.stdout, check=False)
    assert f"{NEWER} is not taken back: rows of event_store.notes would be lost" in output
    assert _ledger(TRIXIE) == str(LAST + 1)
    newer.pyinfra(deployed, "deploy/rollback.py", "-y", "--data", f"to={LAST}", *LOSE_NOTES)
    deployed.apply()


def test_events_are_never_given_up(deployed: Deployment) -> None:
    for name in BOTH:
        _append(deployed, name)
    events = {name: _events(name) for name in BOTH}
    for mode in (("--dry",), ("-y",), ("-y", "--data", "lose=event_store.events")):
        done = _rollback(deployed, *mode, "--data", "to=0", check=False)
        assert done.returncode != 0
        assert "nothing was touched" in done.stderr
        assert "0001_event_store cannot be taken back with event_store.events" in done.stderr
    for name in BOTH:
        assert _events(name) == events[name]
        assert _ledger(name) == str(LAST)
    deployed.assert_as_declared()


def test_all_the_way_back_and_forward_again_costs_no_event(deployed: Deployment) -> None:
    """To the first version that knows numbers above the cluster's own, which each store has after its first restart."""
    inside(TRIXIE, "systemctl restart postgresql@17-main")
    position = "'Position', gen_random_uuid(), 0, 'PositionOpened', '{\"symbol\": \"BACK\", \"quantity\": 1}'"
    for name in BOTH:
        with deployed.connect(name) as connection:
            connection.execute(f"SELECT event_store.append_event({position})")
            connection.execute("SELECT event_store.create_subscription('rollback', 2)")
    events = {name: _events(name) for name in BOTH}
    tables = ("subscriptions", "subscription_partitions", "seals", "projection_skips", "forks")
    given_up = ",".join(f"event_store.{table}" for table in tables)
    before = {name: schema_dump(name) for name in BOTH}
    further = ("--data", "to=1", "--data", f"lose={given_up},event_store.commands")
    # The other one has such events as well if it ever crashed; a run names the first container that refuses.
    refused = _rollback(deployed, "--dry", *further, "--limit", f"@lxc/{TRIXIE}", check=False).stderr
    assert f"@lxc/{TRIXIE}: nothing was touched: 0002_commands_and_event_types cannot be taken back with" in refused
    plan = _rollback(deployed, "--dry", "--diff", "--data", "to=2", "--data", f"lose={given_up}").stderr
    assert "stay as they are until a checkout of that version is deployed" in plan
    _rollback(deployed, "-y", "--data", "to=0002_commands_and_event_types", "--data", f"lose={given_up}")
    for name in BOTH:
        assert _ledger(name) == "2"
        assert _events(name) == events[name]
    # Two at once: one is refused, and each migration is applied once.
    deploys = [threading.Thread(target=deployed.pyinfra, args=("-y",), kwargs={"check": False}) for _ in range(2)]
    for deploy in deploys:
        deploy.start()
    for deploy in deploys:
        deploy.join()
    deployed.apply()
    deployed.assert_as_declared()
    for name in BOTH:
        assert schema_dump(name) == before[name]
        assert _events(name) == events[name]
        assert sql(name, "SELECT count(*), max(version) FROM deployment.migrations") == f"{LAST}|{LAST}"


def test_a_blocked_migration_gives_up_while_appends_go_on(deployed: Deployment, tmp_path: Path) -> None:
    deployed.apply()
    locks = UP.replace("CREATE INDEX", "LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE; CREATE INDEX")
    checkout = Checkout(tmp_path / "newer", locks)
    before = schema_dump(TRIXIE)
    with psycopg.connect(deployed.dsn(TRIXIE), application_name="reader") as reader:
        reader.execute("SELECT FROM event_store.events LIMIT 1")  # its lock is held until the transaction ends
        result: list[Any] = []
        arguments = ("-y", "--limit", f"@lxc/{TRIXIE}")
        deploy = threading.Thread(
            target=lambda: result.append(checkout.pyinfra(deployed, "deploy/", *arguments, check=False))
        )
        deploy.start()
        appended = 0
        with deployed.connect(TRIXIE) as writer:
            while deploy.is_alive():
                writer.execute(APPEND)
                appended += 1
        process = reader.info.backend_pid
    assert appended > 10, result[0].stderr
    assert result[0].returncode != 0, result[0].stderr
    assert "canceling statement due to lock timeout" in result[0].stderr
    assert "could not get a lock within 2s, and tried again for 15 s. Open transactions:" in result[0].stderr
    assert f"process {process}: stock_analysis_user (reader), idle in transaction" in result[0].stderr
    assert schema_dump(TRIXIE) == before
    assert _ledger(TRIXIE) == str(LAST)
    checkout.pyinfra(deployed, "deploy/", "-y", "--limit", f"@lxc/{TRIXIE}")
    assert _ledger(TRIXIE) == str(LAST + 1)
    checkout.pyinfra(
        deployed, "deploy/rollback.py", "-y", "--limit", f"@lxc/{TRIXIE}", "--data", f"to={LAST}", *LOSE_NOTES
    )
    deployed.apply()
    assert schema_dump(TRIXIE) == before


def test_what_is_not_running_holds_up_all_machines(deployed: Deployment) -> None:
    inside(TRIXIE, "systemctl stop postgresql@17-main")
    try:
        done = _rollback(deployed, "-y", "--data", f"to={LAST - 1}", check=False)
        assert done.returncode != 0
        assert f"@lxc/{TRIXIE}: nothing was touched" in done.stderr
        assert _ledger(BOOKWORM) == str(LAST)
    finally:
        deployed.apply()
