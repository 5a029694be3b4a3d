"""The files on an LXC host that copy the repositories of backups that run there."""

import json
from pathlib import Path
from typing import Final

from deploy.backups.config import REPOSITORY, installed
from deploy.machine.render import render
from deploy.model.backup_repositories import VOLUME, BackupRepository
from deploy.model.settings import Settings

PROGRAM: Final = "/usr/local/sbin/event-store-copies"
#: What the program needs on a host.
PACKAGES: Final = ["python3"]
_SOURCES: Final = Path(__file__).with_name("program")


def program_texts() -> dict[str, str]:
    """Path → text of the program, of which a host has one for all its repositories."""
    return installed(_SOURCES, "event_store_copies", PROGRAM)


def timer_of(repository: BackupRepository) -> str:
    """The unit that starts the program."""
    return f"event-store-copies-{repository.lxc_name}.timer"


def texts(repository: BackupRepository, settings: Settings) -> dict[str, str]:
    """Path → text of what a host has for one repository."""
    name, unit = repository.lxc_name, f"/etc/systemd/system/{timer_of(repository).removesuffix('.timer')}"
    return {
        f"/etc/event-store/copies/{name}.json": _configuration(repository, settings),
        f"{unit}.service": render("backups/copies.service.j2", name=name, program=PROGRAM),
        f"{unit}.timer": render("backups/copies.timer.j2", name=name, schedule=repository.copy_schedule),
    }


def _configuration(repository: BackupRepository, settings: Settings) -> str:
    host = settings.host_of(repository)
    values = {
        "container": repository.lxc_name,
        "source": f"{host.data_of(repository.lxc_name)}{REPOSITORY.removeprefix(VOLUME)}",
        "folder": repository.copies(host.storage_path),
        "stores": [store.lxc_name for store in settings.stores_of(repository)],
        "keep": repository.keep_copies,
        "keep_full": repository.keep_full,
        "leave_free": repository.copies_leave_free,
    }
    return f"{json.dumps(values, indent=2)}\n"
