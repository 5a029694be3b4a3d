"""Operations for images."""

from collections.abc import Iterator

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.facts.images import RELEASE, AptSources, Images
from deploy.images import Image
from deploy.operations.differences import refuse, report


def image_path(directory: str, image: Image) -> str:
    """Where the image is, or will be, given the host's apt sources as they are now."""
    return f"{directory}/{image.key(_sources(image))}"


def _sources(image: Image) -> list[str]:
    sources: list[str] = host.get_fact(AptSources)
    return [source.replace(RELEASE, image.release) for source in sources]


@operation()
def build(directory: str, image: Image) -> Iterator[object]:
    """Have the image; it is built under a temporary name and renamed when it is whole."""
    sources = _sources(image)
    path = f"{directory}/{image.key(sources)}"
    if image.key(sources) in host.get_fact(Images, directory=directory):
        host.noop(f"image {path} is there")
        return
    report([f"image {path}: missing"])
    if not sources and host.state.is_executing:
        yield refuse("apt has no Debian source for this host's own release; see /etc/apt/sources.list")
    new = QuoteString(f"{path}.new")
    yield StringCommand("mkdir -p --", QuoteString(directory), "&& rm -rf --", new)
    # Standard input, because the recipe is long; progress is what mmdebstrap and apt say (-vvv).
    yield StringCommand("sh -s --", new, _stdin=image.recipe(sources))
    yield StringCommand("mv -T --", new, QuoteString(path))


@operation()
def remove_superseded(directory: str, image: Image) -> Iterator[object]:
    """Drop what this image was before its recipe or sources changed; containers are copies and do not need it."""
    key = image.key(_sources(image))
    there: list[str] = host.get_fact(Images, directory=directory)
    for old in there:
        if old.startswith(f"{image.family}-") and old != key and key in there:
            report([f"image {directory}/{old}: superseded by {key}"])
            yield StringCommand("rm -rf --", QuoteString(f"{directory}/{old}"))
