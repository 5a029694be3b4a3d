"""`make destroy CONFIRM=name [VOLUMES=delete]`: removes one container; its data volume stays unless deletion is said too."""

from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host

from deploy.backups.copies import deploy as copies
from deploy.lxc.claims import operations as claims
from deploy.machine import command_line
from deploy.machine.turns import take_turn
from deploy.model.backup_repositories import BackupRepository
from deploy.model.inventory import settings_of

settings = settings_of(host.inventory, command_line.inventory)
said = host.inventory.get_override_data()
confirmed, volumes = str(said.get("confirm") or ""), said.get("volumes", "keep")

doomed = [own for own in settings.containers.values() if confirmed in (own.lxc_name, own.name)]
if len(doomed) != 1:
    raise PyinfraError(
        f"nothing was touched: CONFIRM={confirmed} names {len(doomed)} containers, not one; "
        f"{command_line.inventory} has {', '.join(settings.containers)}"
    )
if volumes not in ("keep", "delete"):
    raise PyinfraError(f"nothing was touched: VOLUMES={volumes} is neither keep nor delete")

[container] = doomed
if container.lxc_host in (host.name, host.data.get("lxc_host")):
    take_turn()
if container.lxc_host == host.name:
    claims.destroy(
        name=f"Remove {confirmed}" + (" and its data" if volumes == "delete" else ", keeping its data volume"),
        container=container,
        settings=settings.host_of(container),
        delete_volume=volumes == "delete",
    )
    if isinstance(container, BackupRepository):
        copies.forget(container, settings)
