"""The program and its commands."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

import click

from deploy.commands.running import run

#: Command → its module. A command is loaded when it is called: what one of them needs, most others do not.
_COMMANDS: Final[Mapping[str, str]] = {
    "deploy": "runs",
    "plan": "runs",
    "drift": "drift",
    "status": "status",
    "verify": "verify",
    "summary": "summary",
    "dsn": "dsn",
    "types": "types",
    "psql": "psql",
    "shell": "shell",
    "demo": "demo",
    "seals": "seals",
    "export-seals": "export_seals",
    "retire": "retire",
    "rotate": "rotate",
    "backup": "backup",
    "backups": "backup",
    "drill": "drill",
    "copy": "copy",
    "restore-repository": "copy",
    "restore": "restore",
    "restore-point": "restore_point",
    "discard": "restore",
    "rollback": "runs",
    "destroy": "runs",
    "ca": "ca",
    "authorities": "ca",
    "trust": "trust",
    "rollover": "rollover",
    "certificate": "certificate",
    "revoke": "certificate",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's own
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's own
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            import_module(f"deploy.commands.{_COMMANDS[cmd_name]}"), cmd_name.replace("-", "_")
        )
        return command


@click.group(
    "event-store",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
    Exit status, unless a command says otherwise:
      0   fine
      1   could not be determined, was refused, failed, or was interrupted
      2   not as declared, or degraded
      3   down
      64  the command line cannot be understood
    """,
)
def program() -> None:
    """Deploy event stores, and look after them. Run it in the checkout."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line of the program, by default this process's own; returns the exit status."""
    return run(program, "event-store", arguments)
