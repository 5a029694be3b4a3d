import shutil
import subprocess

import pytest
from declared import container

from deploy.lxc.image.recipe import Image
from deploy.machine.render import render
from deploy.model.containers import Container
from deploy.model.settings import KINDS


def test_containers_that_declare_the_same_share_an_image() -> None:
    one, two = container(packages=["vim", "jq"]), container(name="@lxc/two", packages=["jq", "vim"], memory="4GiB")
    assert Image.of(one) == Image.of(two)
    assert Image.of(one).key("sources") == Image.of(two).key("sources")


def test_a_release_or_package_of_its_own_makes_an_image_of_its_own() -> None:
    families = {Image.of(container(**data)).family for data in ({}, {"release": "bookworm"}, {"packages": ["jq"]})}
    assert len(families) == 3


def test_other_apt_sources_make_another_image_of_the_same_family() -> None:
    image = Image.of(container())
    assert image.key("one") != image.key("two")
    assert image.key("one").startswith(f"{image.family}-")


@pytest.mark.parametrize(("release", "version"), [("trixie", 17), ("bookworm", 15)])
def test_the_release_brings_its_own_postgresql(release: str, version: int) -> None:
    packages = container(release=release, packages=["jq"]).required_packages
    servers = {f"postgresql-{version}", f"postgresql-client-{version}", f"postgresql-plpython3-{version}"}
    assert {*servers, "python3-jsonschema", "systemd-sysv", "locales", "jq"} <= packages


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_the_recipe_is_a_shell_script_for_its_release(release: str) -> None:
    image = Image.of(container(release=release, packages=["jq"]))
    recipe = image.recipe()
    assert f"--include={','.join(image.packages)} " in recipe
    assert f'\n    {release} "$1" "$1.list"\n' in recipe
    assert f'echo {release} > "$1/etc/event-store-release"' in recipe
    assert "{{" not in recipe
    shell = shutil.which("sh")
    assert shell is not None
    assert subprocess.run([shell, "-n"], input=recipe, text=True, check=False, capture_output=True).stderr == ""


@pytest.mark.parametrize("kind", KINDS.values())
def test_what_a_kind_adds_to_the_recipe_stays_in_its_quotes(kind: type[Container]) -> None:
    assert kind.image_setup is None or "'" not in render(kind.image_setup)
