"""The benchmarks' own containers: bench-1 to bench-10, deployed and removed as an operator would."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.certificates.keys import PASSPHRASE
from deploy.commands.connection import choose_event_store, pooled_way_in, way_in
from deploy.commands.dsn_formats import uri
from deploy.model.event_stores import EventStore
from deploy.model.inventory import read_inventory
from deploy.model.project import ROOT

from . import by_hand
from .sizes import BACKED_UP_DISK, DISK, MEMORY, REPOSITORY_DISK
from .timing import seconds

STORAGE: Final = Path("/var/lib/event-store-bench")
NAMES: Final = tuple(f"bench-{number}" for number in range(1, 11))
_PYINFRA: Final = str(Path(sys.executable).with_name("pyinfra"))
_TEXT: Final = """\
lxc_hosts = [("@local", {{"storage_path": "{storage}"}})]
event_stores = [
{containers}]
"""
_CONTAINER: Final = '    ("@lxc/{name}", {{"address": "10.0.3.{last}", "memory": "{memory}", "disk": "{disk}", "root_disk": "2GiB"}}),\n'
#: What directly connected clients and pooled ones are compared on, by itself.
POOLED: Final = "bench-3"
_POOLED: Final = {"memory": "4GiB", "disk": "8GiB", "root_disk": "2GiB", "max_connections": 600, "pooling": "on"}
#: A store, and the repository of its backups, by themselves.
STORE, REPOSITORY = "bench-4", "bench-5"
_BACKED_UP: Final = {"memory": "3GiB", "cpus": 2, "disk": BACKED_UP_DISK, "root_disk": "2GiB"}
#: The first one has the events. What the others are for is the same whatever their size.
_SIZES: Final = {"bench-1": {"memory": MEMORY, "disk": DISK}}
_SMALL: Final = {"memory": "768MiB", "disk": "5GiB"}


@dataclass(frozen=True)
class Inventory:
    """An inventory file with some of the containers. Its name is bench.py: that names the passwords' file."""

    file: Path

    @classmethod
    def write(cls, directory: Path, names: tuple[str, ...]) -> "Inventory":
        """Write the file into a directory of its own."""
        directory.mkdir(parents=True)
        sizes = {name: _SIZES.get(name, _SMALL) for name in names}
        containers = "".join(_CONTAINER.format(name=name, last=41 + NAMES.index(name), **sizes[name]) for name in names)
        file = directory / "bench.py"
        file.write_text(_TEXT.format(storage=STORAGE, containers=containers))
        return cls(file)

    @classmethod
    def of_pooling(cls, directory: Path) -> "Inventory":
        """Write one of a single container with a pooler, which takes more connections than others."""
        directory.mkdir(parents=True)
        file = directory / "bench.py"
        address = f"10.0.3.{41 + NAMES.index(POOLED)}"
        store = (f"@lxc/{POOLED}", {"address": address, **_POOLED})
        hosts = [("@local", {"storage_path": str(STORAGE)})]
        file.write_text(f"lxc_hosts = {hosts!r}\nevent_stores = [{store!r}]\n")
        return cls(file)

    @classmethod
    def of_backups(cls, directory: Path) -> "Inventory":
        """Write one of a store and the repository of its backups."""
        directory.mkdir(parents=True)
        file = directory / "bench.py"
        address = {name: f"10.0.3.{41 + NAMES.index(name)}" for name in (STORE, REPOSITORY)}
        store = (f"@lxc/{STORE}", {"address": address[STORE], "backup_repository": REPOSITORY, **_BACKED_UP})
        repository = (f"@lxc/{REPOSITORY}", {"address": address[REPOSITORY], **_BACKED_UP, "disk": REPOSITORY_DISK})
        hosts = [("@local", {"storage_path": str(STORAGE)})]
        file.write_text(f"lxc_hosts = {hosts!r}\nevent_stores = [{store!r}]\nbackup_repositories = [{repository!r}]\n")
        return cls(file)

    def deploy(self) -> None:
        """What is timed: the operator's command."""
        self._pyinfra("deploy/", "-y")

    def deploy_refused(self, message: str) -> None:
        """Deploy, which ends with an error that has this in it."""
        done = _started(_PYINFRA, str(self.file), "deploy/", "-y")
        assert done.returncode != 0
        assert message in done.stdout + done.stderr, done.stdout[-3000:] + done.stderr[-3000:]

    def restore(self, name: str) -> None:
        """Restore the newest state of a store that is lost."""
        self._command("restore", "--confirm", name)

    def deploy_again(self) -> tuple[int, dict[str, list[str]]]:
        """Deploy once more; returns how many operations there were, and what changed: operation → machines."""
        operations = json.loads(self._pyinfra("deploy/", "-y", "--json"))["results"]["operations"]
        assert not [row["name"] for row in operations if row["error"]]
        return len(operations), {row["name"]: row["success"] for row in operations if row["success"]}

    def rotate(self, name: str) -> None:
        """Give the application another password; ends when all clients have gone over."""
        self._command("rotate", "-c", name, "--quiet", "0")

    def destroy(self, name: str) -> None:
        """Remove a container with its data."""
        self._pyinfra("deploy/destroy.py", "-y", "--data", f"confirm={name}", "--data", "volumes=delete")

    def container(self, name: str) -> EventStore:
        """One container's settings."""
        return choose_event_store(read_inventory(str(self.file)), name)

    def dsn(self, name: str, *, pooled: bool = False) -> str:
        """The application's way in, or the one by its pooler."""
        way = pooled_way_in if pooled else way_in
        return uri(way(self.container(name), read_inventory(str(self.file))))

    def _command(self, name: str, *arguments: str) -> None:
        _run(sys.executable, "-m", "deploy.commands", name, "-i", str(self.file), *arguments)

    def _pyinfra(self, *arguments: str) -> str:
        return _run(_PYINFRA, str(self.file), *arguments)


def create_by_hand(inventory: Inventory, name: str, folder: Path) -> float:
    """A container like ``name`` with the bare commands, from files that are put into ``folder``; the seconds it took."""
    container = by_hand.like(inventory.container(name))
    folder.mkdir(exist_ok=True)
    for file, text in by_hand.files(container, read_inventory(str(inventory.file))).items():
        (folder / file).write_text(text)
    return seconds(lambda: by_hand.create(container, STORAGE, folder))


def remove_by_hand() -> None:
    """Remove what `create_by_hand` made, wholly or in part."""
    by_hand.run("remove", str(STORAGE))


def start_of_pyinfra() -> None:
    """What any run of pyinfra takes before it does anything: ``pyinfra --version``."""
    _run(_PYINFRA, "--version")


def remove_everything(every: Inventory) -> None:
    """Remove all that the benchmarks have made, also in an earlier run that was killed. Nothing where nothing is."""
    for name in NAMES:
        files = (Path("/var/lib/lxc") / name, *(STORAGE / kind / f"{name}.img" for kind in ("containers", "volumes")))
        if any(file.exists() for file in files):
            every.destroy(name)
    remove_by_hand()
    if STORAGE.exists():
        _run("rm", "-rf", "--one-file-system", str(STORAGE))


def remove_images() -> None:
    """Make the next deploy build its image."""
    shutil.rmtree(STORAGE / "images", ignore_errors=True)


def _run(*command: str) -> str:
    done = _started(*command)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout


def _started(*command: str) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment[PASSPHRASE] = "of an authority that is removed with its containers"
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
