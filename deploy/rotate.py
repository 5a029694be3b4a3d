"""`make rotate`, the servers' side: has the roles of the machines that `--limit` names, and touches nothing else there.

Which roles those are is decided by the stored passwords, as in a deploy. `--data terminate=ROLE` also ends its sessions.
"""

from pyinfra.context import host

from deploy.database import operations as database
from deploy.database import roles
from deploy.database.roles import Credentials
from deploy.machine import command_line
from deploy.machine.turns import take_turn
from deploy.model.event_stores import EventStore
from deploy.model.inventory import settings_of

settings = settings_of(host.inventory, command_line.inventory)
take_turn()

store = settings.containers.get(host.name)
if isinstance(store, EventStore):
    credentials = Credentials(settings.passwords_of(store), store.name)
    pooled = store.pool is not None
    roles.have_roles(
        name="Have the roles",
        credentials=credentials,
        application_connections=store.application_connections,
        version=store.version,
        pooled=pooled,
    )
    database.have_database(name="Have the database", credentials=credentials, pooled=pooled)
    if terminated := host.inventory.get_override_data().get("terminate"):
        roles.end_sessions(name=f"End the sessions of {terminated}", role=str(terminated))
