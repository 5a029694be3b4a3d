"""What a plan holds, and in which order."""

from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from .command import FAKE, PASSWORD_VARIABLE, ROOT, Plan
from .conftest import Pyinfra

_BARRIER = "Wait until the containers have booted"
_STAGES = (
    ("LXC host", "Images", "Container"),
    ("System",),
    ("Certificates",),
    ("Backups",),
    ("PostgreSQL",),
    ("Database",),
    ("Schema",),
    ("Worker",),
    ("Pooler",),
    ("Wait until the containers have their parts",),
)
#: What a container that is not there has to be shown to get.
_FROM_NOTHING = (
    _BARRIER,
    "System | Install packages",
    "Certificates | Have the TLS certificate",
    "PostgreSQL | Have the cluster",
    "PostgreSQL | Write postgresql.conf",
    "PostgreSQL | Start PostgreSQL",
    "Database | Have the roles",
    "Database | Have the database",
    "Schema | Converge schema of the event store",
    "Schema | Write the settings of the event store",
    "Worker | Have the worker's user",
    "Worker | Run the worker",
)


def _places(plan: Plan, parts: tuple[str, ...]) -> list[int]:
    return [place for place, name in enumerate(plan.names) if name.split(" | ")[0] in parts]


def test_stages_follow_each_other(fake_plan: Plan) -> None:
    """Host, then containers, then the barrier, then what is in them."""
    host, *inside = [_places(fake_plan, parts) for parts in _STAGES]
    stages = [host, [fake_plan.names.index(_BARRIER)], *inside]
    assert all(stages)
    for earlier, later in pairwise(stages):
        assert max(earlier) < min(later)
    assert sum(map(len, stages)) == len(fake_plan.names)


def test_only_the_host_is_touched_before_the_barrier(fake_plan: Plan) -> None:
    barrier = fake_plan.names.index(_BARRIER)
    before = [machines for _, machines in fake_plan.operations[:barrier]]
    after = [machines for _, machines in fake_plan.operations[barrier:]]
    assert set().union(*before) == {"@fake/host"}
    assert set().union(*after) == {"@fake/one", "@fake/two"}


def test_each_container_has_operations_of_its_own_on_the_host(fake_plan: Plan) -> None:
    for container in ("one", "two"):
        assert f"Container | Start {container}" in fake_plan.on("@fake/host")


def test_both_containers_get_the_same(fake_plan: Plan) -> None:
    assert fake_plan.on("@fake/one") == fake_plan.on("@fake/two")
    assert set(_FROM_NOTHING) <= set(fake_plan.on("@fake/one"))


@pytest.mark.parametrize("flags", [[], ["--diff"]])
def test_container_that_is_not_there_gets_the_full_plan(
    pyinfra: Pyinfra, fake_plan: Plan, tmp_path: Path, flags: list[str]
) -> None:
    """Every fact reads as on a blank machine; nothing of this machine is changed, or is an error."""
    name = f"absent-{uuid4().hex[:8]}"
    inventory = tmp_path / "absent.py"
    inventory.write_text(
        f"lxc_hosts = [('@local', {{'storage_path': '{tmp_path}/store'}})]\n"
        f"event_stores = [('@lxc/{name}', {{'address': '10.0.3.126'}})]\n"
    )
    done = pyinfra(str(inventory), "deploy/", "--dry", "--json", *flags)
    plan = Plan.of(done)
    assert plan.on(f"@lxc/{name}") == fake_plan.on("@fake/one")
    assert {f"Container | {verb} {name}" for verb in ("Configure", "Start", "Copy the image to")} <= set(
        plan.on("@local")
    )
    assert "rror" not in done.stderr
    assert not (tmp_path / "store").exists()


def test_limit_leaves_the_others_out(pyinfra: Pyinfra, fake_plan: Plan) -> None:
    plan = Plan.of(pyinfra(FAKE, "deploy/", "--dry", "--json", "--limit", "@fake/one"))
    assert plan.machines == {"@fake/one"}
    assert plan.on("@fake/one") == fake_plan.on("@fake/one")


def test_limit_to_the_host_provisions_all_its_containers(pyinfra: Pyinfra, fake_plan: Plan) -> None:
    plan = Plan.of(pyinfra(FAKE, "deploy/", "--dry", "--json", "--limit", "lxc_hosts"))
    assert plan.machines == {"@fake/host"}
    assert plan.on("@fake/host") == fake_plan.on("@fake/host")


def test_dry_run_makes_no_password(pyinfra: Pyinfra, tmp_path: Path) -> None:
    inventory = tmp_path / f"fresh-{uuid4().hex[:8]}.py"
    inventory.write_text((ROOT / FAKE).read_text())
    done = pyinfra(str(inventory), "deploy/", "--dry", "--json", environment={PASSWORD_VARIABLE: None})
    assert "Database | Have the roles" in Plan.of(done).on("@fake/one")
    assert not list((ROOT / ".secrets").glob(f"*{inventory.stem}*"))
