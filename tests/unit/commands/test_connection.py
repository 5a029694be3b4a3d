from typing import Any

import pytest

from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.model.inventory import Entry, make_settings
from deploy.model.settings import Settings

FILE = "inventory/some.py"


def settings(*names: str) -> Settings:
    def data(number: int, name: str) -> dict[str, Any]:
        return {"lxc_name": name, "lxc_host": "@local", "address": f"10.0.3.{number}"}

    stores = [
        Entry(f"@lxc/{name}", ("event_stores",), data(*pair)) for pair in enumerate(names, 10) for name in pair[1:]
    ]
    return make_settings([Entry("@local", ("lxc_hosts",), {}), *stores], FILE)


@pytest.mark.parametrize("name", [None, "", "one", "@lxc/one"])
def test_the_only_container_needs_no_name(name: str | None) -> None:
    assert choose_event_store(settings("one"), name).lxc_name == "one"


@pytest.mark.parametrize("name", ["two", "@lxc/two"])
def test_one_of_several_is_chosen_by_either_name(name: str) -> None:
    assert choose_event_store(settings("one", "two"), name).lxc_name == "two"


@pytest.mark.parametrize("name", [None, "three"])
def test_without_a_name_that_fits_those_that_are_there_are_listed(name: str | None) -> None:
    with pytest.raises(CommandError, match=r"inventory/some\.py: .* CONTAINER=NAME to make; there is one, two"):
        choose_event_store(settings("one", "two"), name)
