"""How machines are reached with OpenSSH's own client, from the same keys that pyinfra's connectors take."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pyinfra.api.exceptions import ConnectError

#: pyinfra's keys that OpenSSH has no safe or no simple counterpart for.
_UNSUPPORTED: Final = ("ssh_password", "ssh_key_password", "ssh_paramiko_connect_kwargs", "_sudo_password", "_doas")
#: Seconds until a tunnel has to be open.
_PATIENCE: Final = 15


def check(name: str, data: Mapping[str, Any]) -> None:
    """Raise `ConnectError` if this LXC host cannot be reached this way. ``@local`` needs no SSH."""
    if name.startswith("@") and name != "@local":
        raise ConnectError(f"{name}: only LXC hosts on this machine (@local) and over SSH can be reached")
    if name != "@local" and (unsupported := [key for key in _UNSUPPORTED if data.get(key)]):
        raise ConnectError(f"{name}: {', '.join(unsupported)}: use a key, an SSH agent and sudo without a password")


def destination(name: str, data: Mapping[str, Any]) -> str:
    """The host's name or address, for ssh."""
    return str(data.get("ssh_hostname") or name)


def options(data: Mapping[str, Any], control_path: str | None = None) -> list[str]:
    """OpenSSH's options for pyinfra's ``ssh_`` keys; with ``control_path``, all commands share one connection."""
    checking = data.get("ssh_strict_host_key_checking", "accept-new")
    words = {True: "yes", False: "no"}
    shared = {"ControlMaster": "auto", "ControlPersist": "60s", "ControlPath": control_path}
    values = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "StrictHostKeyChecking": words.get(checking, checking),
        **(shared if control_path else {"ControlMaster": "no", "ControlPath": "none"}),
        "User": data.get("ssh_user"),
        "Port": data.get("ssh_port"),
        "IdentityFile": data.get("ssh_key"),
        "UserKnownHostsFile": data.get("ssh_known_hosts_file"),
    }
    arguments = ["-F", str(data["ssh_config_file"])] if data.get("ssh_config_file") else []
    for key, value in values.items():
        if value is not None:
            arguments += ["-o", f"{key}={Path(value).expanduser() if key.endswith('File') else value}"]
    return arguments


@contextmanager
def tunnel(name: str, data: Mapping[str, Any], address: str, port: int) -> Iterator[tuple[str, int]]:
    """Where a container's port is to be reached from here: a remote host's containers are on a bridge behind it.

    Raises `ConnectionError`.
    """
    if name == "@local":
        yield address, port
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        local = free.getsockname()[1]
    # A connection of its own, which ends with this process; it carries nothing but the forwarded port.
    command = ["ssh", *options(data), "-o", "ExitOnForwardFailure=yes", "-N"]
    command += ["-L", f"127.0.0.1:{local}:{address}:{port}", destination(name, data)]
    # In a session of its own, so that Ctrl-C in what uses the tunnel does not end it.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _wait_until_open(local, process)
        yield "127.0.0.1", local
    finally:
        process.terminate()
        process.communicate()


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    raise ConnectionError(f"no SSH tunnel: {process.communicate()[1].decode(errors='replace').strip()}")
