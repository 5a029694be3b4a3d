"""The container that is made by hand, and the files that whoever types the commands of by_hand.sh has ready."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.database.scram import verifier
from deploy.lxc.container.config import config_text
from deploy.machine.facts import Machine
from deploy.machine.render import render
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, OWNER_ROLE, WORKER_ROLE, EventStore
from deploy.model.settings import Settings
from deploy.postgres.config import pg_hba_conf, postgresql_conf
from deploy.schema import catalogue
from deploy.worker.deploy import UNITS, sql_file, unit_file

SCRIPT: Final = Path(__file__).with_name("by_hand.sh")
NAME: Final = "bench-by-hand"
_FIRST_ID: Final = 2_000_000_000
_ROLES: Final = f"""\
CREATE ROLE {OWNER_ROLE} NOLOGIN;
CREATE ROLE {APPLICATION_ROLE} LOGIN PASSWORD '{{verifier}}';
CREATE ROLE {WORKER_ROLE} LOGIN;
CREATE DATABASE {DATABASE} OWNER {APPLICATION_ROLE} TEMPLATE template0 ENCODING 'UTF8'
    LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8';
REVOKE ALL ON DATABASE {DATABASE}, postgres, template1 FROM PUBLIC;
GRANT CREATE, TEMPORARY ON DATABASE {DATABASE} TO {OWNER_ROLE};
GRANT CONNECT ON DATABASE {DATABASE} TO {WORKER_ROLE};
"""


def like(container: EventStore) -> EventStore:
    """The container by hand: the same as ``container`` under a name, an address and ids of its own."""
    own = {"name": f"@lxc/{NAME}", "lxc_name": NAME, "id_base": _FIRST_ID, "address": "10.0.3.40"}
    return EventStore.model_validate(container.model_dump() | own, strict=False)


def files(container: EventStore, settings: Settings) -> Mapping[str, str]:
    """Name → text, as by_hand.sh takes them."""
    host = settings.host_of(container)
    legacy = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
    apparmor = Path("/sys/module/apparmor/parameters/enabled")
    machine = Machine(
        cgroup_version=1 if legacy else 2, apparmor=apparmor.exists() and apparmor.read_text().strip() == "Y"
    )
    # The hook is the deploy's own.
    config = [line for line in config_text(container, host, machine).splitlines() if not line.startswith("lxc.hook")]
    schema = catalogue.load()
    rows = ", ".join(f"({step.version}, '{step.name}', '{step.sha256}')" for step in schema.migrations)
    settings_row = (
        "INSERT INTO event_store.settings (cluster_identifier, unknown_event_types, retention) SELECT system_identifier, "
        f"'{container.unknown_event_types}', '{container.retention_years} years' FROM pg_control_system() "
        "ON CONFLICT (only_row) DO UPDATE SET retention = excluded.retention"
    )
    return {
        "container.conf": "\n".join([*config, ""]),
        "hosts": render("system/hosts.j2", container=container),
        "resolv.conf": "".join(f"nameserver {address}\n" for address in host.nameserver_addresses),
        "postgresql.conf": postgresql_conf(container),
        "pg_hba.conf": pg_hba_conf(container, settings),
        "roles.sql": _ROLES.format(verifier=verifier("a throw-away password of the benchmarks")),
        "schema.sql": f"BEGIN;\nSET LOCAL check_function_bodies = off;\n{schema.build}\nSET LOCAL ROLE NONE;\n"
        f"INSERT INTO deployment.migrations (version, name, sha256) VALUES {rows};\n{settings_row};\nCOMMIT;\n",
        "worker.sql": sql_file(),
        "event-store@.service": unit_file(container),
        "units": " ".join(UNITS),
    }


def create(container: EventStore, storage: Path, folder: Path) -> None:
    """Run the commands; ``folder`` has the `files`."""
    packages = ",".join(sorted(container.required_packages))
    run("create", str(storage), container.release, packages, str(container.version), str(folder))


def run(action: str, *arguments: str) -> None:
    """by_hand.sh; also ``remove STORAGE``, for what was made wholly or in part, or not at all."""
    command = ["sh", str(SCRIPT), action, NAME, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
