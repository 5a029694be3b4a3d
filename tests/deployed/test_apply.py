"""The main job: from nothing to a verified event store, and again without a change."""

import json
from pathlib import Path

import psycopg
import pytest

from .containers import BOOKWORM, TRIXIE
from .deployment import Deployment, init_pid, inside, run


def test_the_plan_is_complete_before_anything_exists(fresh: Deployment) -> None:
    done = fresh.pyinfra("--dry", "--json")
    plan = json.loads(done.stdout)["plan"]
    changing = {
        operation["name"]: operation["hosts_with_change"] for operation in plan if operation["hosts_with_change"]
    }
    for name in (
        "PostgreSQL | Have the cluster",
        "Database | Have the roles",
        "Schema | Converge schema of the event store",
    ):
        assert changing[name] == [f"@lxc/{BOOKWORM}", f"@lxc/{TRIXIE}"]
    assert f"Container | Start {TRIXIE}" in changing
    assert not Path("/var/lib/lxc", TRIXIE).exists(), "a dry run created the container"


def test_deploys_both_releases(deployed: Deployment) -> None:
    versions = {}
    for name in deployed.containers:
        with deployed.connect(name) as connection:
            versions[name] = connection.info.server_version // 10000
            # Nobody's transaction is left open for ever by PREPARE TRANSACTION.
            assert connection.execute("SHOW max_prepared_transactions").fetchone() == ("0",)
    assert versions == {TRIXIE: 17, BOOKWORM: 15}


def test_second_apply_changes_nothing(deployed: Deployment) -> None:
    assert deployed.apply() == []
    deployed.assert_as_declared()


def test_plain_run_asks_before_it_changes_and_dry_run_never_does(deployed: Deployment) -> None:
    inside(TRIXIE, "echo '# by hand' >> /etc/hosts")
    done = deployed.pyinfra("--dry", "--diff")
    assert "/etc/hosts: content differs" in done.stderr
    assert "# by hand" in inside(TRIXIE, "cat /etc/hosts"), "a dry run changed something"
    assert deployed.apply() == [f"System | Write /etc/hosts ['@lxc/{TRIXIE}']"]


def test_drift_is_drift_whatever_the_environment_says(deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYINFRA_YES", "1")
    inside(TRIXIE, "echo '# by hand' >> /etc/hosts")
    assert deployed.drift()[0] == 2
    monkeypatch.delenv("PYINFRA_YES")
    assert deployed.apply() == [f"System | Write /etc/hosts ['@lxc/{TRIXIE}']"]


def test_limit_restricts_the_run_to_one_container(deployed: Deployment) -> None:
    for name in (TRIXIE, BOOKWORM):
        inside(name, "echo '# by hand' >> /etc/hosts")
    deployed.pyinfra("-y", "--limit", f"@lxc/{TRIXIE}")
    assert "# by hand" not in inside(TRIXIE, "cat /etc/hosts")
    assert "# by hand" in inside(BOOKWORM, "cat /etc/hosts")
    assert deployed.apply() == [f"System | Write /etc/hosts ['@lxc/{BOOKWORM}']"]


def test_everything_verifies(deployed: Deployment) -> None:
    """`make verify` against both releases; what this machine cannot show is skipped by name, never passed."""
    skipped = [line for line in deployed.assert_verified("-rs").splitlines() if line.startswith("SKIPPED")]
    assert all("not verifiable here" in line for line in skipped), skipped


def test_verification_fails_where_something_is_wrong(deployed: Deployment) -> None:
    inside(TRIXIE, "systemctl stop postgresql@17-main")
    try:
        assert deployed.verify("-x", check=False).returncode == 1
    finally:
        deployed.apply()


@pytest.mark.turn
def test_destroy_wants_the_name_and_keeps_the_volume(deployed: Deployment) -> None:
    with deployed.connect(TRIXIE) as connection:
        append = "SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Kept', '{}')"
        connection.execute(append)
        kept = connection.execute("SELECT count(*) FROM event_store.events").fetchone()
    refused = run("make", "-s", "destroy", f"INVENTORY={deployed.inventory}", "CONFIRM=nonsense", check=False)
    assert refused.returncode != 0
    assert "nothing was touched" in refused.stdout + refused.stderr
    other = init_pid(BOOKWORM)
    run("make", "-s", "destroy", f"INVENTORY={deployed.inventory}", f"CONFIRM={TRIXIE}")
    assert not run("lxc-info", "-n", TRIXIE, check=False).stdout
    assert init_pid(BOOKWORM) == other
    deployed.apply()
    with deployed.connect(TRIXIE) as connection:
        assert connection.execute("SELECT count(*) FROM event_store.events").fetchone() == kept


def test_dsn_is_alone_on_standard_output(deployed: Deployment) -> None:
    dsn = run("make", "-s", "dsn", f"INVENTORY={deployed.inventory}", f"CONTAINER={TRIXIE}").stdout
    assert dsn.count("\n") == 1
    with psycopg.connect(dsn.strip()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("stock_analysis_user",)
    several = run("make", "-s", "dsn", f"INVENTORY={deployed.inventory}", check=False)
    assert several.returncode != 0
    assert several.stdout == ""
    assert "CONTAINER=NAME to make" in several.stderr


@pytest.mark.parametrize("name", [TRIXIE, BOOKWORM])
def test_an_absent_container_ends_a_limited_run_with_a_clear_message(deployed: Deployment, name: str) -> None:
    run("lxc-stop", "-n", name)
    try:
        done = deployed.pyinfra("-y", "--limit", f"@lxc/{name}", check=False)
        assert done.returncode != 0
        assert f"container {name} is not running" in done.stderr
    finally:
        deployed.apply()
