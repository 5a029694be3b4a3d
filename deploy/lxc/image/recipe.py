"""The root file system that containers are copied from: its recipe, and the key that names what it was built from."""

import hashlib
from dataclasses import dataclass

from deploy.machine.render import render
from deploy.model.containers import Container


@dataclass(frozen=True, order=True)
class Image:
    """A Debian release with a package set, shared by every container that declares the same."""

    release: str
    packages: tuple[str, ...]
    setup: str | None
    """Template of what prepares it before its packages are configured."""

    @classmethod
    def of(cls, container: Container) -> "Image":
        """The image that a container is made from."""
        return cls(container.release, tuple(sorted(container.required_packages)), container.image_setup)

    def recipe(self) -> str:
        """The shell script that builds the image into directory ``$1`` from the apt sources of the machine it runs on."""
        return render("lxc/image.sh.j2", image=self)

    @property
    def family(self) -> str:
        """Names the release and the package set."""
        return f"{self.release}-{_digest(self.packages)}"

    def key(self, sources: str) -> str:
        """Names the image by everything that it is built from; ``sources`` is a digest of the host's apt sources."""
        return f"{self.family}-{_digest((self.recipe(), sources))}"


def _digest(inputs: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:10]
