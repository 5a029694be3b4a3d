"""How the machines of an inventory are reached, from the same keys that pyinfra's connectors take."""

import atexit
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import testinfra
from testinfra.host import Host

#: pyinfra's keys that OpenSSH has no safe or no simple counterpart for.
_UNSUPPORTED: Final = ("ssh_password", "ssh_key_password", "ssh_paramiko_connect_kwargs", "_sudo_password", "_doas")


def lxc_host(name: str, data: Mapping[str, Any]) -> Host:
    """The testinfra host of an LXC host, as root."""
    if name == "@local":
        return testinfra.get_host("local://", sudo=bool(data.get("_sudo")))
    if name.startswith("@"):
        raise pytest.UsageError(f"{name}: the checks reach LXC hosts on this machine (@local) and over SSH only")
    if unsupported := [key for key in _UNSUPPORTED if data.get(key)]:
        raise pytest.UsageError(
            f"{name}: {', '.join(unsupported)}: use a key, an SSH agent and sudo without a password"
        )
    return testinfra.get_host(
        f"ssh://{_destination(name, data)}", ssh_extra_args=shlex.join(_options(data)), sudo=bool(data.get("_sudo"))
    )


def _destination(name: str, data: Mapping[str, Any]) -> str:
    return str(data.get("ssh_hostname") or name)


@cache
def _control_path() -> str:
    """One connection for all commands; in a short-named directory of our own, since socket names are limited."""
    directory = tempfile.mkdtemp(prefix="verify-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return f"{directory}/%C"


def _options(data: Mapping[str, Any]) -> list[str]:
    """OpenSSH's options for pyinfra's ``ssh_`` keys."""
    checking = data.get("ssh_strict_host_key_checking", "accept-new")
    words = {True: "yes", False: "no"}
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "StrictHostKeyChecking": words.get(checking, checking),
        "ControlMaster": "auto",
        "ControlPersist": "60s",
        "ControlPath": _control_path(),
        "User": data.get("ssh_user"),
        "Port": data.get("ssh_port"),
        "IdentityFile": data.get("ssh_key"),
        "UserKnownHostsFile": data.get("ssh_known_hosts_file"),
    }
    arguments = ["-F", str(data["ssh_config_file"])] if data.get("ssh_config_file") else []
    for key, value in options.items():
        if value is not None:
            arguments += ["-o", f"{key}={Path(value).expanduser() if key.endswith('File') else value}"]
    return arguments


@contextmanager
def tunnel(name: str, data: Mapping[str, Any], address: str, port: int) -> Iterator[tuple[str, int]]:
    """Where a container's port is to be reached from here: a remote host's containers are on a bridge behind it."""
    if name == "@local":
        yield address, port
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        local = free.getsockname()[1]
    # A connection of its own, which ends with this process; it carries nothing but the forwarded port.
    command = ["ssh", *_options(data), "-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes", "-N"]
    command[1:1] = ["-o", "ControlMaster=no", "-o", "ControlPath=none"]  # the first of two values counts
    command += ["-L", f"127.0.0.1:{local}:{address}:{port}", _destination(name, data)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_until_open(local, process)
        yield "127.0.0.1", local
    finally:
        process.terminate()
        process.communicate()


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    raise ConnectionError(f"no SSH tunnel: {process.communicate()[1].decode(errors='replace').strip()}")
