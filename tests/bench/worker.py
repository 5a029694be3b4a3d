"""The worker on a database of the benchmarks: the file that the services in a container run, with the same pauses."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.model.event_stores import WORKER_ROLE
from deploy.worker.deploy import PAUSES, sql_file

from .stores import Store


@contextmanager
def working(store: Store, folder: Path) -> Iterator[None]:
    """All instances, until the end of the block."""
    file = folder / "worker.sql"
    file.write_text(sql_file())
    role = {"PGOPTIONS": f"-c role={WORKER_ROLE} -c search_path=pg_catalog,pg_temp"}
    with ExitStack() as instances:
        for instance in PAUSES:
            command = [
                "psql",
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-v",
                f"instance={instance}",
                "-f",
                str(file),
            ]
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            instances.enter_context(store.server.program(store.database, command, role, **silent))
        yield


def project_everything(store: Store) -> None:
    """Feed the projections with all that is stored, without the worker's pauses; it may be at it as well."""
    with store.server.connect(store.database) as connection:
        while True:
            connection.execute("SELECT event_store.work_projections()")
            found = connection.execute("SELECT max(events_behind) FROM event_store.projection_lag()").fetchone()
            if found and found[0] == 0:
                return
