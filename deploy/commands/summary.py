"""The end of `make deploy`: what exists now, and how to connect to it."""

import sys

from pyinfra.api.exceptions import PyinfraError

from deploy.commands.connection import address_of
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT
from deploy.model.inventory import read_inventory


def main(file: str) -> None:
    """One paragraph for each event store; no password."""
    settings = read_inventory(file)
    default = "" if file == "inventory/local.py" else f" INVENTORY={file}"
    for container in settings.event_stores:
        choice = "" if len(settings.event_stores) == 1 else f" CONTAINER={container.lxc_name}"
        print(
            f"\nEvent store {container.name} is up: PostgreSQL {container.version} on Debian {container.release}, "
            f"{container.memory // 1024**2} MiB, {container.cpus} CPUs\n"
            f"  address   {address_of(container, settings)}:{PORT}\n"
            f"  database  {DATABASE}, role {APPLICATION_ROLE}\n"
            f'  connect   psql "$(make -s dsn{default}{choice})"\n'
            f"  check     make verify{default}" + (f"\n  {container.warning}" if container.warning else "")
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except PyinfraError as error:
        sys.exit(str(error))
