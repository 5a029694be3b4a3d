"""How the checks reach the LXC hosts of an inventory."""

import atexit
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import testinfra
from pyinfra.api.exceptions import ConnectError
from testinfra.host import Host

from deploy.machine import openssh


def lxc_host(name: str, data: Mapping[str, Any]) -> Host:
    """The testinfra host of an LXC host, as root."""
    try:
        openssh.check(name, data)
    except ConnectError as error:
        raise pytest.UsageError(str(error)) from None
    sudo = bool(data.get("_sudo"))
    if name == "@local":
        return testinfra.get_host("local://", sudo=sudo)
    arguments = shlex.join(openssh.options(data, _control_path()))
    return testinfra.get_host(f"ssh://{openssh.destination(name, data)}", ssh_extra_args=arguments, sudo=sudo)


@cache
def _control_path() -> str:
    """One connection for all commands; in a short-named directory of our own, since socket names are limited."""
    directory = tempfile.mkdtemp(prefix="verify-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return f"{directory}/%C"
