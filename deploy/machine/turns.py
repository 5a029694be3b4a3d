"""Runs take turns: of two that would change one LXC host at once, the second is refused.

A run holds a lock on the host from its plan to its end. What holds it is a process on the host that waits for the end of
its standard input, which is a pipe or an SSH channel of the run. However the run ends, the kernel closes that, and the
lock is free again: nothing is left behind that somebody would have to remove.
"""

import atexit
import getpass
import os
import platform
import subprocess
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from pyinfra.api import Host, QuoteString, StringCommand
from pyinfra.api.arguments import ConnectorArguments, pop_global_arguments
from pyinfra.api.exceptions import OperationError
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.local import LocalConnector
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import make_unix_command_for_host
from pyinfra.context import host, state

from deploy.machine import command_line
from deploy.machine.connectors.attach import OUTER_ARGUMENTS, AttachConnector

#: A run that has just ended, or was just killed, may need a moment until its holder has noticed.
_PATIENCE: Final = 2
_HELD: Final = "held"
_BUSY: Final = "busy "
# The file stays: another run may have it open already. What is written in it says who has the lock.
_SCRIPT: Final = f"""
    umask 077; mkdir -p -m 755 /run/event-store && exec 9>> /run/event-store/run.lock || exit 1
    flock -E 75 -w {_PATIENCE} 9; status=$?
    if [ $status = 0 ]; then
        echo "$1; on this host process $$ holds its lock" > /run/event-store/run.lock
        echo {_HELD}; cat > /dev/null
    elif [ $status = 75 ]; then
        echo "{_BUSY}$(cat /run/event-store/run.lock)"
    fi
"""

#: LXC host → what keeps its lock, or why another run has it.
_turns: dict[str, object] = {}
_one_at_a_time = Lock()


def take_turn() -> None:
    """Hold the lock of the current machine's LXC host until this process ends. Does nothing in a dry run.

    Raises `OperationError` if another run has it, which ends this run for all machines before anything is touched.
    """
    if command_line.dry:
        return
    lxc_host = host.data.get("lxc_host") or host.name
    with _one_at_a_time:
        if lxc_host not in _turns:
            _turns[lxc_host] = _hold(lxc_host)
    if isinstance(refused := _turns[lxc_host], OperationError):
        raise refused


def _hold(lxc_host: str) -> object:
    """What keeps the lock, or an `OperationError` that says who has it."""
    connector, arguments = _way_to_lxc_host(host)
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    who = f"{getpass.getuser()} on {platform.node()}, process {os.getpid()}, {command_line.inventory}, since {since}"
    script = StringCommand("bash -c", QuoteString(_SCRIPT), "take-turn", QuoteString(who))
    command = make_unix_command_for_host(state, host, script, **arguments).get_raw_value()
    holder, answer = _start(connector, command)
    if answer == _HELD:
        return holder
    if answer.startswith(_BUSY):
        return OperationError(
            f"{lxc_host}: nothing was touched: another run is at work there: {answer.removeprefix(_BUSY)}. "
            "Wait until it has ended, or end it"
        )
    return OperationError(
        f"{lxc_host}: nothing was touched: the host's lock /run/event-store/run.lock could not be taken. If commands do "
        "not run as root there, set _sudo = True in its inventory entry; it also takes flock and room on /run"
    )


def _way_to_lxc_host(machine: Host) -> tuple[BaseConnector, ConnectorArguments]:
    """How the current machine's LXC host is reached, and with which privilege."""
    arguments: Any = pop_global_arguments(state, machine, {})[0]
    privilege: Any = {key: arguments[key] for key in OUTER_ARGUMENTS}
    if isinstance(machine.connector, AttachConnector):
        return machine.connector.outer, machine.connector.privilege_outside(privilege)
    return machine.connector, privilege


def _start(connector: BaseConnector, command: str) -> tuple[object, str]:
    """A process on the LXC host that lives until this one ends, and the first line that it prints."""
    if isinstance(connector, LocalConnector):
        # In a session of its own: Ctrl-C ends the run, and by that the holder, not the holder before the run.
        process = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None  # noqa: S101  asked for above
        return process, process.stdout.readline().strip()
    if isinstance(connector, SSHConnector) and connector.client is not None:
        stdin, stdout, _ = connector.client.exec_command(command)
        # Closed by hand: when the interpreter takes everything apart, paramiko has no more threads to do it with.
        atexit.register(stdin.channel.close)
        return (stdin, stdout), stdout.readline().strip()
    # Only these two are real ways to an LXC host; pyinfra's @fake has no machine that a lock could be on.
    return None, _HELD
