"""Operations for what is on an LXC host under a container's name: nobody else's is taken over, and one's own goes whole."""

from typing import Any

from pyinfra.api import QuoteString, StringCommand, operation

from deploy.lxc.claims.facts import Claims, ClaimsFact
from deploy.lxc.container.config import Paths
from deploy.lxc.volume.operations import edit_fstab
from deploy.machine.differences import Commands, refuse
from deploy.machine.look import look
from deploy.machine.operations import locked
from deploy.model.containers import STOP_TIMEOUT, Container
from deploy.model.hosts import LxcHost


@operation()
def check_claims(container: Container, settings: LxcHost) -> Commands:
    """End here if going on would take over what is somebody else's, or start an empty store in place of a full one."""
    paths = Paths.of(container, settings)
    claims: Claims = look(ClaimsFact, **arguments(container, paths))
    name = container.lxc_name
    for wrong, message in (
        (claims.foreign, f"there is a container {name} that this project did not make; rename one of the two"),
        (
            claims.root not in ("", paths.root),
            f"container {name} has its root file system in {claims.root}, not in {paths.root}; set storage_path back, or "
            "stop the container, move its files and edit /etc/fstab and its configuration",
        ),
        (
            claims.volume_known and not claims.volume_there,
            f"the data volume {paths.volume}.img is gone, or its disk is not mounted. Bring it back; or, if the data may "
            f"go, say make destroy CONFIRM={name} VOLUMES=delete first",
        ),
        (
            claims.volume_replaced and claims.volume_there,
            f"{paths.volume}.img was replaced while it was in use: the running container still writes to the file before. "
            f"Save the data with {container.move_data}, or stop the container and unmount the volume to go on with the file "
            "that is there",
        ),
        (claims.others, f"container {name}: {'; '.join(claims.others)} already; give one of them another"),
    ):
        if wrong:
            yield refuse(message)


def arguments(container: Container, paths: Paths) -> dict[str, Any]:
    """What `ClaimsFact` is asked."""
    return {
        "container": container.lxc_name,
        "volume": paths.volume,
        "address": str(container.address),
        "id_base": container.ids.start,
    }


@operation()
def destroy(container: Container, settings: LxcHost, delete_volume: bool) -> Commands:
    """Stop a container and remove it with its root file system; its data volume only if that is asked for."""
    paths = Paths.of(container, settings)
    claims: Claims = look(ClaimsFact, **arguments(container, paths))
    if claims.foreign:
        yield refuse(f"there is a container {container.lxc_name} that this project did not make; it is left alone")
        return
    yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), f"--timeout {STOP_TIMEOUT} 2>/dev/null || true")
    for mount in (paths.mount, paths.volume):
        directory = QuoteString(mount)
        yield StringCommand("! mountpoint -q --", directory, "|| umount --", directory)
        yield edit_fstab(mount, "")
        if mount == paths.mount or delete_volume:
            # rmdir, not rm -r: whatever is still mounted there must not be emptied.
            image = QuoteString(f"{mount}.img")
            yield StringCommand("rm -f --", image, "&& { [ ! -d", directory, "] || rmdir --", directory, "; }")
    configuration, started = QuoteString(paths.config), QuoteString(f"/run/event-store/{container.lxc_name}.config")
    yield StringCommand("rm -f --", QuoteString(paths.log))
    directory = QuoteString(f"/var/lib/lxc/{container.lxc_name}")
    yield StringCommand("rm -f --", configuration, started, "&& { [ ! -d", directory, "] || rmdir --", directory, "; }")
    id_range = f"^root:{container.ids.start}:{len(container.ids)}$"
    yield locked(StringCommand(f"sed -i '/{id_range}/d' /etc/subuid /etc/subgid"))
