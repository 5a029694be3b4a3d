"""`make destroy CONFIRM=name [VOLUMES=delete]`: removes one container; its data volume stays unless deletion is said too."""

from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host

from deploy import command_line
from deploy.inventory import settings_of
from deploy.operations import containers

settings = settings_of(host.inventory, command_line.inventory)
confirmed = str(host.data.get("confirm") or "")
volumes = host.data.get("volumes", "keep")

if confirmed not in {container.lxc_name for container in settings.containers.values()}:
    names = ", ".join(container.lxc_name for container in settings.containers.values())
    raise PyinfraError(
        f"nothing was touched: say CONFIRM=name of the container to remove; {command_line.inventory} has {names}"
    )
if volumes not in ("keep", "delete"):
    raise PyinfraError(f"nothing was touched: VOLUMES={volumes} is neither keep nor delete")

if lxc_settings := settings.hosts.get(host.name):
    for container in settings.containers_on(host.name):
        if container.lxc_name == confirmed:
            containers.destroy(
                name=f"Remove {confirmed}" + (" and its data" if volumes == "delete" else ", keeping its data volume"),
                container=container,
                settings=lxc_settings,
                delete_volume=volumes == "delete",
            )
