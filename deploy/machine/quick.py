"""Has pyinfra 3.10 do the same with less work. Nothing here changes a result.

pyinfra's own time grows with operations × machines; with ten containers it is more than all that a run with nothing to
change asks of them.
"""

import gc
import sys
from functools import cache
from importlib import import_module
from typing import Any

from pyinfra.api import arguments, connectors, facts, inventory, util
from pyinfra.api.host import Host, HostData
from pyinfra.api.state import State
from pyinfra.context import ctx_config


def quicken_pyinfra() -> None:
    """To be called before pyinfra reads the inventory."""
    # Reads annotations, for each operation, each fact that is asked and each class of facts.
    arguments.all_global_arguments = facts.all_global_arguments = cache(arguments.all_global_arguments)
    # Looks through the metadata of all distributions, several times for each machine.
    inventory.get_all_connectors = cache(connectors.get_all_connectors)
    # Has `inspect` read the source of each frame and search all modules for its own.
    # The name of the module is the decorator's as well, which hides it.
    vars(import_module("pyinfra.api.operation"))["get_operation_order_from_stack"] = order_of_operation
    # Puts the data of all groups together for each of the thirty arguments that an operation could have and has not.
    HostData.__getattr__ = _host_datum  # type: ignore[method-assign]
    # Works out all thirty again for each operation of a machine, most of which have nothing but a name.
    for module in ("pyinfra.api.operation", "pyinfra.api.deploy"):
        vars(import_module(module))["pop_global_arguments"] = pop_global_arguments
    # What is loaded by now stays. Without this, each full collection goes through all of it again, a few times a run.
    gc.freeze()


def order_of_operation(state: State) -> list[int]:
    """What pyinfra sorts operations by: the line numbers of the calls that lead from the deploy's file to this one."""
    calls = []
    frame = sys._getframe(1)
    while frame:
        calls.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    calls.reverse()
    start = 0  # `exec` and single operations have no file
    if state.current_deploy_filename:
        files = [file for file, _ in calls]
        start = files.index(state.current_deploy_filename) if state.current_deploy_filename in files else len(calls)
    lines = [line for file, line in calls[start:] if not file.startswith(util.PYINFRA_INSTALL_DIR)]
    return [state.current_op_file_number, *lines]


#: Machine → the arguments that surround its operations, the configuration, and what follows from both and its data.
_surroundings: dict[str, tuple[object, dict[str, object], dict[str, Any]]] = {}


def pop_global_arguments(state: State, host: Host, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """pyinfra's function of that name: what an operation is called with, beside what it does."""
    given = [key for key in kwargs if key in arguments.all_argument_meta]
    if given != ["name"] or not isinstance(kwargs["name"], str) or host.data.override_datas or host.get_deploy_data():
        return arguments.pop_global_arguments(state, host, kwargs)  # type: ignore[return-value]
    config = ctx_config.get() if ctx_config.isset() else state.config
    around, settings, values = _surroundings.get(host.name, (None, {}, {}))
    if not values or around is not host.current_deploy_kwargs or settings != vars(config):
        values = dict(arguments.pop_global_arguments(state, host, {})[0])
        _surroundings[host.name] = (host.current_deploy_kwargs, dict(vars(config)), values)
    return {**values, "_env": dict(values["_env"]), "name": kwargs.pop("name")}, given


_look_up = HostData.__getattr__


def _host_datum(data: HostData, key: str) -> Any:
    if key not in _inventory_keys(data) and key not in data.override_datas and key not in data.host.get_deploy_data():
        raise AttributeError(key)
    return _look_up(data, key)


@cache
def _inventory_keys(data: HostData) -> set[str]:
    """What the inventory says about a machine, which stays the same in a run."""
    return set(data.dict())
