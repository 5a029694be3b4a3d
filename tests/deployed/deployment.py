"""A real deployment for the tests: an inventory file of their own, and the literal command line."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.commands.connection import choose_event_store, dsn
from deploy.model.inventory import read_inventory

from .locks import host_lock, turn_lock

ROOT = Path(__file__).parents[2]
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
STORAGE = "/var/lib/event-store"
LATENCY = Path("tests/verify/test_latency.py")


def run(*command: str, check: bool = True, cwd: Path = ROOT, **options: Any) -> "subprocess.CompletedProcess[str]":
    """A command in the repository's root; its output is in the failure, if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise AssertionError(
            f"{shlex.join(command)} gave {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
        )
    return done


def inside(container: str, script: str, *, check: bool = True, stdin: str | None = None) -> str:
    """Run a shell script as root in a container, by an independent command; its standard output."""
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    done = run(
        "lxc-attach",
        "-n",
        container,
        "--clear-env",
        "--set-var",
        path,
        "--",
        "sh",
        "-c",
        script,
        check=check,
        input=stdin,
    )
    return done.stdout.strip()


def sql(container: str, statements: str, database: str = "stock_analysis_event_store", *, check: bool = True) -> str:
    """Run SQL as the superuser in a container."""
    psql = f"cd /; exec runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} -f -"
    return inside(container, psql, stdin=statements, check=check)


@dataclass
class Deployment:
    """An inventory file with containers on this machine."""

    folder: Path
    name: str
    containers: dict[str, dict[str, Any]]
    host: dict[str, Any] = field(default_factory=dict)
    host_name: str = "@local"
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def inventory(self) -> str:
        """The inventory file, written each time, so that it is what this object says."""
        path = self.folder / f"{self.name}.py"
        prefix = "@lxc/" if self.host_name == "@local" else f"@lxcssh/{self.host_name}:"
        stores, repositories, members = (
            [(f"{prefix}{name}", data) for name, data in group.items()]
            for group in (self.containers, self.repositories, self.members)
        )
        path.write_text(
            f"lxc_hosts = [({self.host_name!r}, {self.host!r})]\nevent_stores = {stores!r}\n"
            f"backup_repositories = {repositories!r}\nconsensus = {members!r}\n"
        )
        return str(path)

    def pyinfra(
        self, *arguments: str, check: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`pyinfra INVENTORY deploy/ ARGUMENTS`, literally."""
        return self.run("deploy/", *arguments, check=check, env=env)

    def run(
        self, *arguments: str, check: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`pyinfra INVENTORY ARGUMENTS`, literally."""
        with host_lock(breaks=False) if "--dry" in arguments else turn_lock():
            return run(PYINFRA, self.inventory, *arguments, check=check, env=os.environ | (env or {}))

    def apply(self) -> list[str]:
        """Deploy; which operations changed something, with their hosts."""
        results = json.loads(self.pyinfra("-y", "--json").stdout)["results"]
        return [
            f"{operation['name']} {operation['success']}" for operation in results["operations"] if operation["success"]
        ]

    def drift(self) -> tuple[int, str]:
        """`make drift`: exit status and report."""
        with host_lock(breaks=False):
            done = run(sys.executable, "-m", "deploy.commands.drift", self.inventory, check=False)
        return done.returncode, done.stdout + done.stderr

    def assert_as_declared(self) -> None:
        """`make drift` finds none; else the test says what it found."""
        status, report = self.drift()
        assert status == 0, report

    def verify(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`make verify`, without the checks that measure how long a client waits."""
        return self._verify(f"--ignore={LATENCY}", *arguments, check=check)

    def _verify(self, *arguments: str, check: bool) -> subprocess.CompletedProcess[str]:
        inventory = f"--inventory={self.inventory}"
        # pytest-xdist's own variables would tell that run that it is one process of several.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = (sys.executable, "-m", "pytest", "-q", "tests/verify", inventory)
        with host_lock(breaks=False):
            return run(*command, *arguments, check=check, env=environment)

    def assert_verified(self, *arguments: str) -> str:
        """All of `make verify` passes, and it measures how long a client waits; its output.

        A budget may be exceeded: the tests beside this one use the machine, and no test of ours asserts a time.
        """
        said = self.verify(*arguments).stdout
        measured = self._verify("-rfE", "-k", LATENCY.stem, check=False).stdout
        failed = re.findall(r"^(?:FAILED|ERROR) .*", measured, flags=re.MULTILINE)
        exceeded = re.findall(r"^E +AssertionError: median .*", measured, flags=re.MULTILINE)
        assert len(failed) == len(exceeded), measured
        assert set(re.findall(r"^(test_\w+)\[.*\]: median .* ms; asked for: ", measured, flags=re.MULTILINE)) == {
            "test_append_1000_events_and_read_them_back",
            "test_read_one_aggregate",
            "test_query_the_projection",
        }, measured
        return said + measured

    def dsn(self, container: str) -> str:
        """`make dsn`."""
        return run(sys.executable, "-m", "deploy.commands.dsn", self.inventory, container).stdout.strip()

    def conninfo(self, container: str) -> str:
        """The same without a process of its own, for who needs it again and again."""
        settings = read_inventory(self.inventory)
        return dsn(choose_event_store(settings, container), settings)

    def connect(self, container: str) -> "psycopg.Connection[Any]":
        """A connection of the application."""
        return psycopg.connect(self.conninfo(container), autocommit=True)

    def destroy(self) -> None:
        """`make destroy` for each container, with its data; also for one that a killed test left half-made."""
        for name in (*self.containers, *self.repositories, *self.members):
            data = ("--data", f"confirm={name}", "--data", "volumes=delete")
            with turn_lock():
                run(PYINFRA, self.inventory, "deploy/destroy.py", "-y", *data)


_ENTERING = """\
#!/bin/sh
echo "$2" >> {entries}
exec {program} "$@"
"""


def record_entries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line with the container's name for each lxc-attach from now on."""
    entries, wrapper = folder / "entries", folder / "bin" / "lxc-attach"
    wrapper.parent.mkdir()
    program = run("sh", "-c", "command -v lxc-attach").stdout.strip()
    wrapper.write_text(_ENTERING.format(entries=entries, program=program))
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    return entries


def schema_dump(container: str, database: str = "stock_analysis_event_store") -> str:
    """`pg_dump --schema-only`, without the random word that newer minor versions put into each dump."""
    dump = f"cd /; runuser -u postgres -- pg_dump --schema-only {database} | grep -v '^.\\(un\\)\\?restrict '"
    return inside(container, dump)


def init_pid(container: str) -> str:
    """The process id of a container's init: another one after a restart."""
    return run("lxc-info", "-n", container, "-pH").stdout.strip()


def differences(report: str) -> list[str]:
    """The objects in a report of `make drift`, without the texts of files."""
    lines = [line.strip() for line in report.splitlines() if line.startswith("  ")]
    return [line for line in lines if not re.match(r"[-+ @]", line)]
