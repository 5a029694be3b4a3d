"""PgBouncer beside the server: many clients share few connections."""

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.services import Services
from deploy.machine.users import SystemUser, have_user
from deploy.model.event_stores import EventStore
from deploy.model.pooling import POOLER_FOLDER, POOLER_ROLE, POOLER_UNIT
from deploy.model.settings import Settings
from deploy.pooler import operations as pooler
from deploy.pooler.config import ACCESS, CONFIGURATION, COPY, FOLDER, SCHEMA, UNIT_FILE, texts
from deploy.pooler.facts import LookupFact, PoolerFact

#: What a pooler leaves. Where nobody knows its unit any more, its copies of the server's files stay as well.
_LEFT = [UNIT_FILE, FOLDER, POOLER_FOLDER]
_FILES = (COPY, ACCESS, CONFIGURATION, UNIT_FILE)


def questions(container: EventStore) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    if container.pool is None:
        return [Ask(Entries, paths=_LEFT), Ask(Services, units=[POOLER_UNIT])]
    return [
        Ask(Services, units=[POOLER_UNIT]),
        Ask(LookupFact, schema=SCHEMA),
        Ask(SystemUser, user=POOLER_ROLE),
        Ask(Entries, paths=[FOLDER]),
        *(Ask(ManagedFile, path=path) for path in _FILES),
        Ask(Entries, paths=[*_FILES, f"{POOLER_FOLDER}/server.crt"]),
        Ask(PoolerFact, tls=container.tls_files.folder),
    ]


@deploy("Pooler")
def deploy_part(container: EventStore, settings: Settings) -> None:
    """Have the pooler as declared. The role that it looks clients up as has to be there."""
    if container.pool is None:
        foreign = "pgbouncer" in container.packages
        pooler.have_none(name="Have no pooler", paths=_LEFT, foreign=foreign)
        return
    contents = texts(container, container.pool, settings)
    have_user(name="Have the pooler's user", user=POOLER_ROLE)
    pooler.have_lookup(name="Have what the pooler looks clients up by")
    machine.have_folders(name="Open the folder of the pooler's files", paths=[FOLDER])
    for path, content in host.loop(contents.items()):
        machine.install(name=f"Write {path}", path=path, content=content)
    pooler.run(name="Run the pooler", pool=container.pool, contents=contents, tls=container.tls_files.folder)
