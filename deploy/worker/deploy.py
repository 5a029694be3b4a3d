"""The worker: services in the container that do what follows appends, each by calling one function of the store.

psql calls it, so that nothing but PostgreSQL's own client is needed in a container; what there is to do, and how much at a
time, is the function's to know.
"""

from collections.abc import Mapping
from typing import Final

from pyinfra.api import deploy

from deploy.machine import operations as files
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.psql import SESSION, session_options
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.machine.users import SystemUser, have_user
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import DATABASE, WORKER_ROLE, EventStore
from deploy.model.settings import Settings
from deploy.worker import operations as worker
from deploy.worker.facts import ForeignUnits

#: Instance → the seconds between two rounds: what readers of a projection, of a view or of the feed may wait for longer.
PAUSES: Final[Mapping[str, float]] = {"projections": 0.1, "views": 0.25, "feed": 0.05, "seals": 5}
UNITS: Final = [f"event-store@{instance}.service" for instance in PAUSES]
UNIT_FILE: Final = "/etc/systemd/system/event-store@.service"
#: What else the application could set, if the server knows it.
_SESSION_OF_VERSION: Final[Mapping[int, Mapping[str, str]]] = {17: {"transaction_timeout": "0"}}
FOLDER: Final = "/etc/event-store"
SQL_FILE: Final = f"{FOLDER}/worker.sql"


def unit_file(container: EventStore) -> str:
    """The text of the unit that all instances share."""
    paths = ClusterPaths(container.version)
    return render(
        "worker/event-store@.service.j2",
        instances=PAUSES,
        server=paths.unit,
        psql=f"{paths.programs}/psql",
        database=DATABASE,
        user=WORKER_ROLE,
        sql=SQL_FILE,
        options=session_options({**SESSION, **_SESSION_OF_VERSION.get(container.version, {})}),
    )


def sql_file() -> str:
    """The text of what psql runs."""
    return render("worker/worker.sql.j2", pauses=PAUSES, user=WORKER_ROLE)


def questions(container: EventStore) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    if container.copy_of:
        return [Ask(Services, units=UNITS)]
    return [
        Ask(SystemUser, user=WORKER_ROLE),
        Ask(Entries, paths=[FOLDER]),
        Ask(Entries, paths=[UNIT_FILE, SQL_FILE]),
        Ask(ManagedFile, path=SQL_FILE),
        Ask(ManagedFile, path=UNIT_FILE),
        Ask(Services, units=UNITS),
        Ask(ForeignUnits, template=UNIT_FILE),
    ]


@deploy("Worker")
def deploy_part(container: EventStore, settings: Settings) -> None:  # noqa: ARG001  the same for each part
    """Have the services run as declared. The functions that they call have to be there."""
    if container.copy_of:
        worker.stop(name="Have no worker in a copy", units=UNITS, when=lambda: True)
        return
    contents = {UNIT_FILE: unit_file(container), SQL_FILE: sql_file()}
    have_user(name="Have the worker's user", user=WORKER_ROLE)
    files.have_folders(name="Open the folder of the worker's files", paths=[FOLDER])
    files.install(name="Write the worker's SQL", path=SQL_FILE, content=contents[SQL_FILE])
    files.install(name="Write the worker's unit", path=UNIT_FILE, content=contents[UNIT_FILE])
    worker.run(name="Run the worker", units=UNITS, template=UNIT_FILE, contents=contents)
