"""Where a container's files are on its LXC host, and the text of its LXC configuration."""

from dataclasses import dataclass
from typing import Final

from deploy.machine.facts import Machine
from deploy.machine.render import render
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost
from deploy.model.limits import cgroup_limits

#: The scripts that LXC runs before a container starts, and after it has stopped.
START_HOOK: Final = "/usr/local/lib/event-store/pre-start"
STOP_HOOK: Final = "/usr/local/lib/event-store/post-stop"
#: What stops the containers when the host shuts down.
STOP_SCRIPT: Final = "/usr/local/lib/event-store/stop-containers"


@dataclass(frozen=True)
class Paths:
    """One container's files. The data volume lies apart from everything that goes with the container."""

    images: str
    mount: str
    """Where the root disk image ``MOUNT.img`` is mounted."""
    root: str
    volume: str
    """Where the data volume's disk image ``VOLUME.img`` is mounted."""
    data: str
    """What the container sees of the data volume."""
    config: str
    """LXC's configuration of the container."""
    log: str
    """What LXC says when it cannot start the container."""
    start_hook: str = START_HOOK
    stop_hook: str = STOP_HOOK

    @classmethod
    def of(cls, container: Container, settings: LxcHost) -> "Paths":
        """The paths under the host's storage path."""
        storage, name = settings.storage_path, container.lxc_name
        mount = f"{storage}/containers/{name}"
        volume = settings.volume_of(name)
        return cls(
            images=f"{storage}/images",
            mount=mount,
            root=f"{mount}/rootfs",
            volume=volume,
            data=settings.data_of(name),
            config=f"/var/lib/lxc/{name}/config",
            log=f"/var/log/lxc/{name}.log",
        )


def config_text(container: Container, settings: LxcHost, machine: Machine) -> str:
    """The LXC configuration for this container on this kind of machine."""
    return render(
        "lxc/container.conf.j2",
        container=container,
        host=settings,
        machine=machine,
        paths=Paths.of(container, settings),
        limits=cgroup_limits(container, machine.cgroup_version),
    )
