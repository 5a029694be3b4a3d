"""What pyinfra passes to a machine's connector with each command."""

from typing import Any

from pyinfra.api import Host
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments


def connector_arguments(host: Host) -> dict[str, Any]:
    """``_sudo`` and the like, as the machine's inventory entry and the command line say."""
    arguments, _ = pop_global_arguments(host.state, host, {})
    return {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS}
