"""`make restore` and `make discard`, the server's side: the data of a container from a backup, or no old ones any more.

The command has looked for the place, and says it with ``--data``; ``--limit`` names the container.
"""

import json
from datetime import UTC, datetime

from pyinfra.context import host

from deploy.backups import restoring
from deploy.machine import command_line
from deploy.machine.turns import take_turn
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.inventory import settings_of
from deploy.model.sizes import MIB, parse_postgres

settings = settings_of(host.inventory, command_line.inventory)
take_turn()
said = {key: str(value) for key, value in host.inventory.get_override_data().items()}

store = settings.containers.get(host.name)
if isinstance(store, EventStore):
    paths = ClusterPaths(store.version)
    if said.get("discard"):
        restoring.discard(name="Discard the data that restores have replaced", paths=paths)
    else:
        wal = parse_postgres(store.server_settings["max_wal_size"], MIB)
        target = {key: said.get(key, "") for key in ("label", "bytes", "timeline", "lsn")}
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
        restoring.restore(
            name="Restore the data",
            stanza=store.copy_of or store.lxc_name,
            paths=paths,
            target=target,
            wal=wal,
            copy=json.dumps({"of": store.copy_of, "label": target["label"], "lsn": target["lsn"], "at": at})
            if store.copy_of
            else "",
        )
