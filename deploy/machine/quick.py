"""Has pyinfra 3.10 do the same with less work. Nothing here changes a result.

pyinfra's own time grows with operations × stack frames and with machines × installed distributions; with ten containers
that is more than all that a run with nothing to change asks of the machines.
"""

import gc
import inspect
from functools import cache, partial


def quicken_pyinfra() -> None:
    """To be called before pyinfra reads the inventory."""
    from pyinfra.api import arguments, connectors, facts, inventory, util

    # The order of operations comes from file names and line numbers. By default inspect also reads the source of each frame
    # and searches all modules for the one that a frame belongs to; `context=0` says that nobody wants that.
    util.stack = partial(inspect.stack, context=0)
    util.getframeinfo = partial(inspect.getframeinfo, context=0)
    # Reads annotations, for each operation, each fact that is asked and each class of facts.
    arguments.all_global_arguments = facts.all_global_arguments = cache(arguments.all_global_arguments)
    # Looks through the metadata of all distributions, several times for each machine. What is installed stays the same.
    inventory.get_all_connectors = cache(connectors.get_all_connectors)
    # What is loaded by now stays. Without this, each full collection goes through all of it again, a few times a run.
    gc.freeze()
