"""The program and its commands."""

from collections.abc import Sequence

import click

from deploy.commands.demo import demo
from deploy.commands.drift import drift
from deploy.commands.dsn import dsn
from deploy.commands.export_seals import export_seals
from deploy.commands.psql import psql
from deploy.commands.retire import retire
from deploy.commands.running import run
from deploy.commands.runs import deploy, destroy, plan, rollback
from deploy.commands.seals import seals
from deploy.commands.shell import shell
from deploy.commands.status import status
from deploy.commands.summary import summary
from deploy.commands.verify import verify

_COMMANDS: tuple[click.Command, ...] = (
    deploy, plan, drift, status, verify, summary, dsn, psql, shell, demo, seals, export_seals, retire, rollback, destroy,
)  # fmt: skip


@click.group(
    "event-store",
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


for _command in _COMMANDS:
    program.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line of the program, by default this process's own; returns the exit status."""
    return run(program, "event-store", arguments)
