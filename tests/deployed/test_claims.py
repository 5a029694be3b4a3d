"""What is somebody else's is not taken over, and an empty store never stands in for a full one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import TRIXIE, declared
from .deployment import PYINFRA, STORAGE, Deployment, inside, run, sql

VOLUME = f"{STORAGE}/volumes/{TRIXIE}"


def _refused(deployment: Deployment, message: str) -> None:
    status, report = deployment.drift()
    assert (status, message in report) == (1, True), report
    done = deployment.pyinfra("-y", check=False)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.turn
def test_a_container_of_somebody_else_is_left_alone(deployed: Deployment) -> None:
    config = Path("/var/lib/lxc/estest-foreign/config")
    config.parent.mkdir()
    config.write_text("lxc.uts.name = precious\n")
    theirs = Deployment(deployed.folder, "estest-foreign", declared("estest-foreign"))
    try:
        _refused(theirs, "container estest-foreign that this project did not make")
        data = ("--data", "confirm=estest-foreign", "--data", "volumes=delete")
        assert run(PYINFRA, theirs.inventory, "deploy/destroy.py", "-y", *data, check=False).returncode != 0
        assert config.read_text() == "lxc.uts.name = precious\n"
    finally:
        config.unlink()
        config.parent.rmdir()


def test_another_container_with_the_address_is_noticed(deployed: Deployment) -> None:
    twin = Deployment(deployed.folder, "estest-twin", declared("estest-twin"))
    _refused(twin, f"{TRIXIE} has its address already")


def test_a_moved_storage_path_does_not_start_an_empty_store(deployed: Deployment, tmp_path: Path) -> None:
    deployed.host = {"storage_path": str(tmp_path)}
    # Images come before the refusal, and are not what this is about.
    (tmp_path / "images").symlink_to(f"{STORAGE}/images")
    try:
        _refused(deployed, f"has its root file system in {STORAGE}/containers/{TRIXIE}/rootfs")
        assert not list(tmp_path.rglob("*.img"))
    finally:
        deployed.host = {}


@pytest.fixture
def _stopped(deployed: Deployment) -> Iterator[None]:
    deployed.apply()
    run("lxc-stop", "-n", TRIXIE)
    run("umount", VOLUME)
    run("mv", f"{VOLUME}.img", f"{VOLUME}.saved")
    yield
    run("mv", f"{VOLUME}.saved", f"{VOLUME}.img")
    deployed.apply()
    deployed.assert_as_declared()


@pytest.mark.usefixtures("_stopped")
def test_a_volume_that_is_gone_is_not_made_anew(deployed: Deployment) -> None:
    _refused(deployed, f"the data volume {VOLUME}.img is gone, or its disk is not mounted")
    assert not Path(f"{VOLUME}.img").exists()


def test_a_volume_that_was_deleted_in_use_is_noticed_while_it_can_be_saved(deployed: Deployment) -> None:
    deployed.apply()
    run("cp", "--sparse=always", f"{VOLUME}.img", f"{VOLUME}.copy")
    run("ln", f"{VOLUME}.img", f"{VOLUME}.kept")
    try:
        run("mv", f"{VOLUME}.copy", f"{VOLUME}.img")
        _refused(deployed, "was replaced while it was in use")
        assert inside(TRIXIE, "systemctl is-active postgresql@17-main") == "active"
    finally:
        run("mv", "-f", f"{VOLUME}.kept", f"{VOLUME}.img")
    deployed.assert_as_declared()


def test_passwords_are_not_replaced_where_they_are_not_known(deployed: Deployment) -> None:
    file = Path(f".secrets/{deployed.name}.json")
    file.rename(file.with_suffix(".away"))
    try:
        _refused(deployed, "has a password, and none is known here")
    finally:
        file.with_suffix(".away").replace(file)
    with deployed.connect(TRIXIE) as connection:
        connection.execute("SELECT 1")


def test_access_rules_that_keep_the_superuser_out_are_repaired(deployed: Deployment) -> None:
    hba = "/etc/postgresql/17/main/pg_hba.conf"
    inside(TRIXIE, f"echo 'local all postgres reject' > {hba}; pg_ctlcluster 17 main reload; sleep 1")
    assert deployed.drift()[0] == 2
    deployed.apply()
    assert sql(TRIXIE, "SELECT 1") == "1"
    deployed.assert_as_declared()


def test_one_malformed_payload_does_not_stop_the_projection(deployed: Deployment) -> None:
    with deployed.connect(TRIXIE) as connection:
        connection.execute(
            "SELECT event_store.append_event('Position', gen_random_uuid(), 0, 'PositionOpened', "
            """'{"symbol": "BAD", "quantity": "ten", "average_price": [], "current_value": null}')"""
        )
        connection.execute("SELECT public.refresh_materialized_views()")
        row = connection.execute("SELECT quantity FROM projections.portfolio_positions WHERE symbol = 'BAD'").fetchone()
    assert row == (None,)
