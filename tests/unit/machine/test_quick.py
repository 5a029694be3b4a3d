"""What was made quicker gives what pyinfra's own gives."""

import subprocess
import sys
from pathlib import Path

_DEPLOY = """
from pyinfra import config
from pyinfra.api import arguments, deploy, operation
from pyinfra.api.util import get_operation_order_from_stack
from pyinfra.context import host, state

from deploy.machine.quick import order_of_operation, pop_global_arguments


def order(depth):
    if depth:
        order(depth - 1)
    else:  # both calls on one line, which is part of what they return
        orders = (order_of_operation(state), get_operation_order_from_stack(state))
        print("SAME" if orders[0] == orders[1] and len(orders[0]) >= 3 else orders)


def called(**given):
    results = [pop(state, host, kwargs := dict(given)) + (kwargs,) for pop in (pop_global_arguments, arguments.pop_global_arguments)]
    print("EQUAL" if results[0] == results[1] and list(results[0][0]) == list(results[1][0]) else results)


@deploy("Some")
def some():
    order(2)
    called(name="inside")


def call_all():
    called()
    called(name="one", path="/x")
    called(name="two", _chdir="/tmp")
    called(_env={"A": "b"})
    some(name="three", _env={"A": "b"}, _chdir="/tmp")
    some(name="four")


order(0)
call_all()
config.SUDO = True
call_all()
config.ENV = {"C": "d"}
call_all()
host.data._sudo = False
call_all()
for key in ("own", "shared", "of_all", "absent", "ssh_user", "_sudo"):
    print(key, host.data.get(key, "none"))
host.data.absent = "assigned"
print(host.data.get("absent"))
"""


def test_the_order_of_operations_and_the_data_of_machines(tmp_path: Path) -> None:
    (tmp_path / "deploy_some.py").write_text(_DEPLOY)
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "machines.py").write_text("shared = 'group'\nown = 'hidden'\n")
    (tmp_path / "group_data" / "all.py").write_text("of_all = 'all'\nshared = 'hidden'\n")
    (tmp_path / "inventory.py").write_text("machines = [('@local', {'own': 'machine'})]\n")
    command = [sys.executable, "-m", "pyinfra", "inventory.py", "deploy_some.py", "--dry", "--data", "_sudo=False"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [
        "SAME", *["EQUAL", "EQUAL", "EQUAL", "EQUAL", "SAME", "EQUAL", "SAME", "EQUAL"] * 4, "own machine", "shared group", "of_all all", "absent none", "ssh_user none", "_sudo False",
        "assigned",
    ]  # fmt: skip
