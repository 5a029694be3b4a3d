"""Operations for images."""

from collections.abc import Mapping
from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.lxc.container.facts import RootFileSystem
from deploy.lxc.image.facts import AptSources, Images
from deploy.lxc.image.recipe import Image
from deploy.machine.differences import Commands, report
from deploy.machine.look import look
from deploy.machine.progress import working
from deploy.machine.records import Difference

#: What a build takes on a small machine with a mirror nearby.
_SECONDS: Final = 20


def image_key(image: Image) -> str:
    """The image's name on this host, given its apt sources as they are now."""
    return image.key(look(AptSources))


@operation()
def build(directory: str, image: Image, root_file_systems: list[Mapping[str, str]]) -> Commands:
    """Have the image if one of ``root_file_systems`` is still to be copied from it. They are named as for `RootFileSystem`.

    So a recipe, or apt sources, that changed make no work on a host whose containers are all there. It is built under a
    temporary name and renamed when it is whole.
    """
    path = f"{directory}/{(key := image_key(image))}"
    if key in look(Images, directory=directory):
        host.noop(f"image {path} is there")
        return
    if all(look(RootFileSystem, **root) for root in root_file_systems):
        host.noop(f"image {path} is not needed: all containers have their root file systems")
        return
    report([Difference(f"image {path}", "missing")])
    new = QuoteString(f"{path}.new")
    # A build that was killed leaves the host's own /dev/shm mounted in there, beside /proc and /sys.
    mounts = StringCommand(
        "awk -v new=", new, """ 'index($5, new "/") == 1 {print $5}' /proc/self/mountinfo""", _separator=""
    )
    # For root only: there are set-uid programs in it.
    yield StringCommand(
        "mkdir -p -m 700 --", QuoteString(directory), "&&", mounts, "| sort -r | xargs -r umount --",
        "&& rm -rf --one-file-system --", new,
    )  # fmt: skip
    # Standard input, because the recipe is long; -vvv shows what mmdebstrap and apt say.
    with working(f"building image {key} (about {_SECONDS} s)"):
        yield StringCommand("umask 022; sh -s --", new, _stdin=image.recipe())
    yield StringCommand("mv -T --", new, QuoteString(path))


@operation()
def remove_superseded(directory: str, image: Image) -> Commands:
    """Drop what this image was before its recipe or sources changed; containers are copies and do not need it."""
    key = image_key(image)
    there: list[str] = look(Images, directory=directory)
    superseded = [old for old in there if old.startswith(f"{image.family}-") and old != key and key in there]
    report(Difference(f"image {directory}/{old}", f"superseded by {key}") for old in superseded)
    for old in superseded:
        yield StringCommand("rm -rf --", QuoteString(f"{directory}/{old}"))
