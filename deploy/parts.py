"""The parts of each kind of container: whoever adds a part adds its folder, and its line here."""

from collections.abc import Mapping, Sequence

from deploy.backups import deploy as backups
from deploy.backups import status as backups_status
from deploy.certificates import deploy as certificates
from deploy.certificates import status as certificates_status
from deploy.consensus import deploy as consensus
from deploy.consensus import status as consensus_status
from deploy.database import deploy as database
from deploy.database import status as database_status
from deploy.machine.part import Part
from deploy.model.backup_repositories import BackupRepository
from deploy.model.consensus import ConsensusMember
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.pooler import deploy as pooler
from deploy.pooler import status as pooler_status
from deploy.postgres import deploy as postgres
from deploy.postgres import status as postgres_status
from deploy.schema import deploy as schema
from deploy.schema import status as schema_status
from deploy.system import deploy as system
from deploy.worker import deploy as worker
from deploy.worker import status as worker_status

#: Kind → its parts, in the order in which they are deployed and in which `event-store status` lists them.
PARTS: Mapping[type[Container], Sequence[Part]] = {
    EventStore: (
        Part(system),
        Part(certificates, certificates_status),
        Part(backups, backups_status, backups.deploy_afterwards),
        Part(postgres, postgres_status),
        Part(database, database_status),
        Part(schema, schema_status),
        Part(worker, worker_status),
        Part(pooler, pooler_status),
    ),
    BackupRepository: (
        Part(system),
        Part(certificates, certificates_status),
        Part(backups, backups_status, backups.deploy_afterwards),
    ),
    ConsensusMember: (
        Part(system),
        Part(certificates, certificates_status),
        Part(consensus, consensus_status, consensus.deploy_afterwards, consensus.check),
    ),
}
