"""Which container a restore goes into, and what to write where there is none."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.commands.connection import choose_event_store
from deploy.commands.copies import check_confirmation, copy_of
from deploy.commands.errors import CommandError
from deploy.model.inventory import read_inventory
from deploy.model.settings import Settings

INVENTORY = """
lxc_hosts = ["@local"]
event_stores = [
    ("@lxc/one", {{"address": "10.0.3.11", "backup_repository": "kept", "disk": "30GiB"}}),
    ("@lxc/other", {{"address": "10.0.3.12", "backup_repository": "kept"}}),
    {more}
]
backup_repositories = [("@lxc/kept", {{"address": "10.0.3.13"}})]
"""
COPY = '("@lxc/two", {"copy_of": "one", "address": "10.0.3.14"}),'


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[str], Settings]:
    def read(more: str) -> Settings:
        file = tmp_path / "some.py"
        file.write_text(INVENTORY.format(more=more))
        return read_inventory(str(file))

    return read


def test_a_copy_is_found_with_its_source(inventory: Callable[[str], Settings]) -> None:
    settings = inventory(COPY)
    for name, container in (("two", None), ("@lxc/two", "one")):
        copy, source = copy_of(settings, name, container)
        assert (copy.lxc_name, source.lxc_name) == ("two", "one")
    check_confirmation("two", copy)
    check_confirmation(None, copy)
    with pytest.raises(CommandError, match="write CONFIRM=two"):
        check_confirmation("one", copy)


@pytest.mark.parametrize(
    ("into", "container", "said"),
    [
        ("two", "other", "is a copy of @lxc/one, not of other"),
        ("other", None, "is no copy"),
        ("kept", None, "is no copy"),
    ],
)
def test_what_is_no_copy_is_left_alone(
    inventory: Callable[[str], Settings], into: str, container: str | None, said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        copy_of(inventory(COPY), into, container)


def test_what_is_to_be_written_is_right_as_it_stands(inventory: Callable[[str], Settings]) -> None:
    with pytest.raises(CommandError, match="there is no container two") as refused:
        copy_of(inventory(""), "two", "one")
    said = str(refused.value)
    assert "some.py" in said
    [lines] = re.findall(r"\n\n(.*),\n$", said, re.DOTALL)
    name, data = ast.literal_eval(lines.strip())
    assert (name, data["address"], data["disk"]) == ("@lxc/two", "10.0.3.2", "30GiB")
    copy, source = copy_of(inventory(f"{(name, data)},"), "two", None)
    assert (copy.disk, source.lxc_name) == (source.disk, "one")


def test_without_a_name_a_copy_is_nobodys_choice(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text("\n".join(line for line in INVENTORY.format(more=COPY).splitlines() if "@lxc/other" not in line))
    settings = read_inventory(str(file))
    assert choose_event_store(settings, None).lxc_name == "one"
    assert choose_event_store(settings, "two").lxc_name == "two"
