"""What both LXC connectors share: running a command in a container through its host's lxc-attach.

Two privileges are kept apart. *Outside*, on the LXC host, lxc-attach needs root: it is run with the ``_sudo`` settings of
the LXC host's own inventory entry (or of ``--sudo``). *Inside*, a command is root already; ``_su_user`` and
``_sudo_user`` mean a user of the container.

The connectors are lazy. A container that does not run yet is no error while the plan is made: each command succeeds
without output there, so that every fact reads as on a blank machine. At execution it is an error. The same holds for one
that LXC has started without the id map of its root file system, in which root may not read its own files.
"""

import base64
import re
from collections.abc import Mapping
from io import IOBase
from typing import Any, Final, cast

from pyinfra.api import Host, QuoteString, StringCommand
from pyinfra.api.arguments import ConnectorArguments
from pyinfra.api.exceptions import ConnectError, InventoryError, NoHostError
from pyinfra.api.state import State, StateStage
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, extract_control_arguments, make_unix_command_for_host
from typing_extensions import Unpack

#: The line on standard error that says "the container is not running", which an exit status alone could not.
NOT_RUNNING: Final = "!container-not-running"
#: The same for "root does not own its root file system", after which no answer of the container means anything.
NOT_MAPPED: Final = "!container-not-mapped"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
#: Arguments of an operation that are for the way to the LXC host.
OUTER_ARGUMENTS: Final = ("_sudo", "_use_sudo_login", "_doas", "_doas_user")
#: What root's programs in a container find in their environment, whatever it is on the host.
ENVIRONMENT: Final = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)
_UNATTENDED: Final = "DEBIAN_FRONTEND=noninteractive"


def check_container_name(name: str | None) -> str:
    """The name itself, if it can be the name of a container, a directory and a host alike; `InventoryError` if not."""
    if not name or not _NAME.fullmatch(name):
        raise InventoryError(
            f"{name!r} is not a container name: use letters, digits, - and _, starting with a letter or digit"
        )
    return name


def attach_command(name: str, inner: StringCommand, *, has_input: bool = False) -> StringCommand:
    """Run ``inner`` as root in container ``name``; prints `NOT_RUNNING` or `NOT_MAPPED` to standard error if it cannot.

    ``has_input``: something comes over standard input. It is read also if there is nobody to take it, because pyinfra
    does not look at what a command says that has closed its input.
    """
    quoted = QuoteString(name)
    variables = [bit for variable in (*ENVIRONMENT, _UNATTENDED) for bit in ("--set-var", variable)]
    # The umask would be that of whoever deploys.
    owned = f"umask 022; [ -O / ] || {{ echo '{NOT_MAPPED}' >&2; exit 1; }};"
    command = QuoteString(StringCommand(owned, inner))
    attach = StringCommand("lxc-attach", "-n", quoted, "--clear-env", *variables, "--", "sh", "-c", command)
    # lxc-attach's own failure and the command's cannot be told apart by status, so ask only after a failure.
    state = StringCommand('"$(lxc-info -sH -n', quoted, '2>/dev/null)"')
    drain = ["cat > /dev/null;"] if has_input else []
    return StringCommand(
        attach, "|| { code=$?;", *drain, "[", state, f"= RUNNING ] || echo '{NOT_RUNNING}' >&2; exit $code; }}"
    )


class AttachConnector(BaseConnector):
    """Base of the LXC connectors; a subclass supplies `outer`, a connected connector to the LXC host."""

    handles_execution = True
    outer: BaseConnector

    def __init__(self, state: State, host: Host) -> None:
        super().__init__(state, host)
        self.name: str = host.data.lxc_name

    def lxc_host(self) -> Host | None:
        """The inventory's entry for the machine that this container runs on, if it has one."""
        try:
            return self.state.inventory.get_host(self.host.data.lxc_host)
        except NoHostError:
            return None

    def connect(self) -> None:
        if (entry := self.lxc_host()) is not None and entry.data.get("_sudo_password"):
            raise ConnectError(
                f"{entry.name}: _sudo_password does not reach its containers; allow sudo without a password there"
            )
        self.outer.connect()

    def disconnect(self) -> None:
        self.outer.disconnect()

    def privilege_outside(self, inner: Mapping[str, Any]) -> ConnectorArguments:
        """Privilege on the LXC host: as its own inventory entry says, else as the command line says (``--sudo``)."""
        source: dict[str, Any] = dict(inner)
        if (entry := self.lxc_host()) is not None:
            source.update({key: value for key in OUTER_ARGUMENTS if (value := entry.data.get(key)) is not None})
        return cast("ConnectorArguments", {key: source[key] for key in OUTER_ARGUMENTS if key in source})

    def run_shell_command(
        self,
        command: StringCommand,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> tuple[bool, CommandOutput]:
        """Run a command as root in the container; see the module's text for a container that does not run."""
        outer = extract_control_arguments(arguments)
        outer.update(self.privilege_outside(arguments))
        if not arguments.get("_sudo_user"):
            arguments.pop("_sudo", None)  # root already, and a minimal container has no sudo
        inner = make_unix_command_for_host(self.state, self.host, command, **arguments)
        is_planning = self.state.current_stage < StateStage.Execute  # a question may be answered in a later stage
        status, output = self.outer.run_shell_command(
            attach_command(self.name, inner, has_input=bool(outer.get("_stdin"))),
            print_output=print_output,
            print_input=print_input,
            **outer,
        )
        there = self.host.data.lxc_host
        if NOT_RUNNING in output.stderr_lines:
            message = f"container {self.name} is not running on {there}; `lxc-start -F -n {self.name}` there shows why"
        elif NOT_MAPPED in output.stderr_lines:
            message = f"container {self.name} was started on {there} without its id map; stop it and deploy again"
        else:
            return status, output
        if is_planning:
            return True, CommandOutput([])
        return False, CommandOutput([OutputLine("stderr", message)])

    def put_file(
        self,
        filename_or_io: str | IOBase,
        remote_filename: str,
        remote_temp_filename: str | None = None,  # noqa: ARG002  the temporary file has to be beside the target
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> bool:
        """Write a file in the container, byte for byte; readers see the old content or the new one, nothing between.

        The mode and owner of a file that is there already are kept. Raises `OSError` if it cannot be written.
        """
        with get_file_io(cast("Any", filename_or_io)) as file_io:
            data = file_io.read()
        content = data.encode() if isinstance(data, str) else cast("bytes", data)
        # base64, because pyinfra's standard input is text and gets a newline at its end.
        script = """
            set -e; umask 077
            target=$(readlink -f -- "$1" || printf %s "$1"); new=$target.new-$$
            trap 'rm -f -- "$new"' EXIT
            base64 -d > "$new"
            if [ -e "$target" ]; then chmod --reference="$target" -- "$new"; chown --reference="$target" -- "$new"
            else chmod 644 -- "$new"; fi
            mv -f -- "$new" "$target"
        """
        command = StringCommand("sh", "-c", QuoteString(script), "put-file", QuoteString(remote_filename))
        arguments["_stdin"] = base64.encodebytes(content).decode()
        status, output = self.run_shell_command(command, print_output, print_input, **arguments)
        if not status:
            raise OSError(output.stderr or f"could not write {remote_filename}")
        return True

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: str | IOBase,
        remote_temp_filename: str | None = None,  # noqa: ARG002  nothing is copied on the way
        print_output: bool = False,  # noqa: ARG002  base64 is nothing to print
        print_input: bool = False,
        **arguments: Unpack[ConnectorArguments],
    ) -> bool:
        """Read a file of the container, byte for byte. Raises `OSError` if it cannot be read."""
        command = StringCommand("base64 --", QuoteString(remote_filename))
        status, output = self.run_shell_command(command, False, print_input, **arguments)
        if not status:
            raise OSError(output.stderr or f"could not read {remote_filename}")
        with get_file_io(cast("Any", filename_or_io), "wb") as file_io:
            file_io.write(base64.b64decode(output.stdout))
        return True
