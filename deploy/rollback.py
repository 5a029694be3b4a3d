"""`pyinfra INVENTORY deploy/rollback.py --data to=NNNN`: takes migrations back, one by one, until NNNN is the last one.

Refuses, before any machine is touched, if events would be lost, or rows that nothing can bring back and that are not
given up by name: `--data lose=TABLE,TABLE`. `--dry --diff` shows what would be done.
"""

from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host

from deploy.machine import command_line
from deploy.machine.turns import take_turn
from deploy.model.event_stores import DATABASE, EventStore
from deploy.model.inventory import settings_of
from deploy.schema import catalogue
from deploy.schema.migrations import MigrationError, target
from deploy.schema.rollback import operations as rollback
from deploy.worker import operations as worker
from deploy.worker.deploy import UNITS

settings = settings_of(host.inventory, command_line.inventory)
take_turn()
said = host.inventory.get_override_data()
try:
    version = target(said.get("to"), catalogue.load().migrations)
except MigrationError as error:
    raise PyinfraError(f"nothing was touched: {error}") from None
given_up = [table.strip() for table in str(said.get("lose") or "").split(",") if table.strip()]

if isinstance(settings.containers.get(host.name), EventStore):
    step = rollback.Rollback(DATABASE, version, tuple(given_up))
    # All machines pass the first operation, or none gets to the second.
    rollback.check(name="Check what would be lost", rollback=step)
    worker.stop(name="Stop the worker", units=UNITS, when=lambda: rollback.is_due(step))
    rollback.take_back(name="Take migrations back", rollback=step)
