"""Brings one container to life on its LXC host: image, volumes, configuration, limits, start."""

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.lxc.claims import operations as claims
from deploy.lxc.claims.facts import ClaimsFact
from deploy.lxc.container import operations as containers
from deploy.lxc.container.config import Paths
from deploy.lxc.container.facts import ContainerFact, Mounts, RootFileSystem, VolumeFact
from deploy.lxc.image import operations as images
from deploy.lxc.image.facts import AptSources, Images
from deploy.lxc.image.recipe import Image
from deploy.lxc.volume import operations as storage
from deploy.machine.facts import ManagedFile
from deploy.machine.look import Ask
from deploy.model.settings import Container, LxcHost


def questions(container: Container, settings: LxcHost) -> list[Ask]:
    """What the operations of `build_images` and `create` are going to ask."""
    paths = Paths.of(container, settings)
    return [
        Ask(ClaimsFact, **claims.arguments(container, paths)),
        Ask(AptSources),
        Ask(Images, directory=paths.images),
        Ask(VolumeFact, path=f"{paths.mount}.img"),
        Ask(VolumeFact, path=f"{paths.volume}.img"),
        Ask(Mounts, directories=[paths.mount, paths.volume]),
        Ask(RootFileSystem, image=f"{paths.mount}.img", directory=paths.mount),
        Ask(ManagedFile, path=paths.config),
        Ask(ContainerFact, container=container.lxc_name),
    ]


@deploy("Images")
def build_images(settings: LxcHost, on_host: list[Container]) -> None:
    """Have the images that a host's containers are made from."""
    directory = f"{settings.storage_path}/images"
    for image in host.loop(sorted({Image.of(container) for container in on_host})):
        images.build(name=f"Build image {image.family}", directory=directory, image=image)
        images.remove_superseded(name=f"Remove superseded images {image.family}", directory=directory, image=image)


@deploy("Container")
def create(container: Container, settings: LxcHost) -> None:
    """Have the container running as declared. What exists is changed in place; its data volume is never touched."""
    name, paths = container.lxc_name, Paths.of(container, settings)
    claims.check_claims(name=f"Check what there is of {name}", container=container, settings=settings)
    for kind, path, size in host.loop(
        (("data", f"{paths.volume}.img", container.disk), ("root", f"{paths.mount}.img", container.root_disk))
    ):
        storage.have_volume(name=f"Have the {kind} volume of {name}", container=name, path=path, size=size)
    storage.have_mounts(name=f"Mount the volumes of {name}", directories=[paths.mount, paths.volume])
    containers.have_root(name=f"Copy the image to {name}", container=container, settings=settings)
    containers.configure(name=f"Configure {name}", container=container, settings=settings)
    containers.limit(name=f"Limit {name} while it runs", container=container, settings=settings)
    containers.restart(name=f"Restart {name} for its new configuration", container=container, settings=settings)
    containers.start(name=f"Start {name}", container=container)
