"""What the LXC part makes of a kind of container that it has never heard of."""

from typing import ClassVar

from declared import container, lxc_host

from deploy.lxc.container.config import config_text
from deploy.lxc.image.recipe import Image
from deploy.machine.facts import Machine
from deploy.model.containers import Container


class Monitor(Container):
    """A kind with a volume of its own, packages of its own, and nothing to prepare."""

    group: ClassVar[str] = "monitors"
    kind: ClassVar[str] = "monitor"
    volume_path: ClassVar[str] = "/srv/metrics"

    @property
    def required_packages(self) -> set[str]:
        return super().required_packages | {"prometheus"}


ONE = Monitor.model_validate({"name": "@lxc/m", "lxc_name": "m", "lxc_host": "@local", "address": "10.0.3.20"})


def test_its_volume_is_mounted_where_it_says() -> None:
    assert "/volumes/m/data srv/metrics none bind" in config_text(ONE, lxc_host(), Machine())


def test_its_image_has_its_packages_and_nothing_of_other_kinds() -> None:
    recipe = Image.of(ONE).recipe()
    assert "prometheus" in recipe.partition("--include=")[2].partition(" ")[0].split(",")
    assert "createcluster" not in recipe
    assert "createcluster" in Image.of(container()).recipe()
