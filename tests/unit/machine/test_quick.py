"""What is done with less work gives what pyinfra's own code gives."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api import Config, Inventory, State, util
from pyinfra.api.host import HostData

from deploy.machine import quick


def _orders(state: Any) -> list[list[int]]:
    def deeper(depth: int) -> list[list[int]]:
        if depth:
            return deeper(depth - 1)
        return [order(state) for order in (util.get_operation_order_from_stack, quick.order_of_operation)]

    return deeper(3)


@pytest.mark.parametrize("file", [__file__, None])
def test_operations_have_the_same_place(file: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyinfra.is_cli", True)
    original, own = _orders(SimpleNamespace(current_deploy_filename=file, current_op_file_number=7))
    assert own == original


def test_data_of_a_machine_are_the_same() -> None:
    inventory = Inventory(([("one", {"own": 1, "both": 2})], {}), group=(["one"], {"groups": 3, "both": 4}))
    State(inventory, Config())
    original = inventory.get_host("one").data
    for key in ("own", "both", "groups"):
        assert quick._host_datum(original, key) == getattr(original, key)
    for look_up in (HostData.__getattr__, quick._host_datum):
        with pytest.raises(AttributeError):
            look_up(original, "nowhere")
