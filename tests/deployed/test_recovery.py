"""Nothing is lost: rebuilt containers keep their data, and a run that was killed anywhere is finished by the next one."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from .containers import BOOKWORM, TRIXIE, declared
from .deployment import PYINFRA, ROOT, STORAGE, Deployment, inside, run, sql
from .locks import turn_lock
from .series import series

KILLED = "estest-killed"
KILLS: list[bool] = []


def _append(deployment: Deployment, name: str) -> None:
    with deployment.connect(name) as connection:
        connection.execute("SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Kept', '{}')")


def _events(name: str) -> str:
    return sql(name, "SELECT string_agg(event_id::text, ',' ORDER BY global_position) FROM event_store.events")


DESTRUCTIONS = {
    "root emptied": f"lxc-stop -n NAME; rm -rf {STORAGE}/containers/NAME/rootfs",
    "root volume deleted": f"lxc-stop -n NAME; umount {STORAGE}/containers/NAME; rm {STORAGE}/containers/NAME.img",
    "lxc-destroy": "lxc-stop -n NAME; lxc-destroy -n NAME",
    "configuration deleted": "lxc-stop -k -n NAME; rm -rf /var/lib/lxc/NAME",
}


@series(
    "case",
    [(what, name) for what, name in product(DESTRUCTIONS, (TRIXIE, BOOKWORM))],
    kind=lambda case: case[0],
    name=": ".join,
)
def test_a_destroyed_container_comes_back_with_all_its_data(deployed: Deployment, case: tuple[str, str]) -> None:
    what, name = case
    _append(deployed, name)
    before = _events(name)
    run("sh", "-c", DESTRUCTIONS[what].replace("NAME", name))
    deployed.apply()
    assert _events(name) == before
    deployed.assert_as_declared()


@pytest.mark.turn
def test_mounts_come_back_after_a_reboot_of_the_host(deployed: Deployment) -> None:
    """What a reboot leaves: nothing runs and nothing is mounted; fstab and LXC start the container, no deploy does."""
    _append(deployed, TRIXIE)
    before = _events(TRIXIE)
    script = (
        f"lxc-stop -n NAME; umount {STORAGE}/containers/NAME {STORAGE}/volumes/NAME; rm /run/event-store/NAME.config"
    )
    run("sh", "-c", script.replace("NAME", TRIXIE))
    refused = run("lxc-start", "-n", TRIXIE, check=False)
    assert refused.returncode != 0, "started without its data"
    run("mount", "-a")
    run("lxc-autostart", "-L")
    run("lxc-start", "-n", TRIXIE)
    inside(TRIXIE, "until systemctl is-active --quiet postgresql@17-main; do sleep 0.2; done")
    assert _events(TRIXIE) == before
    deployed.assert_as_declared()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A container of its own, since each test begins with nothing."""
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), KILLED, declared(KILLED))
    deployment.destroy()
    yield deployment
    deployment.destroy()


def _state() -> dict[str, str]:
    """All that a deploy is to bring about, by independent commands."""
    return {
        "configuration": Path(f"/var/lib/lxc/{KILLED}/config").read_text(),
        "files": inside(KILLED, "cd /etc; stat -c '%n %a %U:%G' postgresql/17/main/* hosts hostname resolv.conf; "
                                "sha256sum postgresql/17/main/postgresql.conf postgresql/17/main/pg_hba.conf hosts hostname"),
        "settings": sql(KILLED, "SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_settings"),
        "schema": inside(KILLED, "cd /; runuser -u postgres -- pg_dump --schema-only stock_analysis_event_store | grep -v restrict"),
        "roles": inside(KILLED, "cd /; runuser -u postgres -- pg_dumpall --roles-only --no-role-passwords | grep -v restrict"),
    }  # fmt: skip


def _start(deployment: Deployment) -> "subprocess.Popen[bytes]":
    command = [PYINFRA, deployment.inventory, "deploy/", "-y"]
    devnull = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=devnull, stderr=devnull, start_new_session=True)


@pytest.fixture(scope="module")
def undisturbed(killed: Deployment) -> tuple[float, dict[str, str]]:
    """How long a whole deploy takes (seconds), and what it leaves."""
    killed.apply()  # the image, too
    killed.destroy()
    with turn_lock():
        started = time.monotonic()
        assert _start(killed).wait() == 0
    return time.monotonic() - started, _state()


#: Of twelve that a deploy is long: containers, servers, schemas and workers are in the making.
MOMENTS = range(1, 11)


@pytest.mark.turn
@pytest.mark.parametrize(
    "moment", [pytest.param(moment, marks=() if moment in (3, 6, 9) else pytest.mark.soak) for moment in MOMENTS]
)
def test_a_run_killed_at_any_moment_is_finished_by_the_next(
    killed: Deployment, undisturbed: tuple[float, dict[str, str]], moment: int
) -> None:
    duration, state = undisturbed
    killed.destroy()
    process = _start(killed)
    # From the first operation to the last; the interpreter's own start is nothing to interrupt.
    time.sleep(0.5 + (duration - 0.5) * moment / 12)
    KILLS.append(process.poll() is None)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed.apply()
    killed.assert_as_declared()
    assert _state() == state


def test_the_umask_of_whoever_deploys_has_no_say(killed: Deployment, undisturbed: tuple[float, dict[str, str]]) -> None:
    _, state = undisturbed
    killed.destroy()
    before = os.umask(0o077)
    try:
        killed.apply()
    finally:
        os.umask(before)
    killed.assert_as_declared()
    assert _state() == state


def test_the_kills_hit_running_deploys() -> None:
    assert sum(KILLS) >= 0.6 * len(KILLS) > 0, KILLS


@pytest.mark.turn
def test_an_image_build_that_was_killed_is_finished_by_the_next_run(killed: Deployment) -> None:
    killed.destroy()
    killed.containers[KILLED]["packages"] = ["tree"]  # a package set of its own, so that there is something to build
    run("sh", "-c", f"rm -rf --one-file-system {STORAGE}/images/$(cd {ROOT} && {PYINFRA.replace('pyinfra', 'python')} -c \"$FAMILY\")-*",
        env=os.environ | {"FAMILY": "from deploy.lxc.image.recipe import *; from deploy.model.event_stores import *; print(Image.of(EventStore("
                          "name='x', lxc_name='x', lxc_host='x', address='10.0.3.9', packages=['tree'])).family)"})  # fmt: skip
    shared = Path("/dev/shm/estest-image-build")
    shared.write_text("the host's")
    process = _start(killed)
    # Until it installs packages: then the host's /dev/shm is mounted in the image, and stays so.
    while f"{STORAGE}/images/" not in Path("/proc/self/mountinfo").read_text():
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    said = killed.pyinfra("-y").stderr
    assert re.search(r"building image trixie-\w+-\w+ \(about 20 s\): 2 s$", said, re.MULTILINE)
    assert re.search(r"building image trixie-\w+-\w+ \(about 20 s\): done after \d+ s$", said, re.MULTILINE)
    assert shared.read_text() == "the host's"
    shared.unlink()
    assert f"{STORAGE}/images/" not in Path("/proc/self/mountinfo").read_text()
    assert inside(KILLED, "command -v tree")
    killed.assert_as_declared()
