"""The program: its commands, and what becomes of errors."""

import os
import sys
from collections.abc import Sequence

import click
import psycopg
from pyinfra.api.exceptions import PyinfraError

from deploy.commands import exits
from deploy.commands.demo import demo
from deploy.commands.drift import drift
from deploy.commands.dsn import dsn
from deploy.commands.export_seals import export_seals
from deploy.commands.retire import retire
from deploy.commands.runs import deploy, destroy, plan, rollback
from deploy.commands.seals import seals
from deploy.commands.summary import summary
from deploy.commands.verify import verify
from deploy.model.passwords import PasswordError

_COMMANDS: tuple[click.Command, ...] = (
    deploy, plan, drift, verify, summary, dsn, demo, seals, export_seals, retire, rollback, destroy,
)  # fmt: skip


@click.group(
    "event-store",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
    Exit status, unless a command says otherwise:
      0   fine
      1   could not be determined, was refused, or failed
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
    """Run a command line; returns the exit status. What went wrong is said on standard error, in words."""
    try:
        result = program.main(arguments, prog_name="event-store", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return exits.USAGE
    except click.ClickException as error:
        error.show()
        return exits.FAILED
    except click.Abort:  # Ctrl-C
        click.echo("Aborted.", err=True)
        return exits.FAILED
    except BrokenPipeError:
        # Who reads has gone. Python flushes at the end, which must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.FAILED
    except (PyinfraError, PasswordError, OSError, psycopg.Error) as error:
        click.echo(str(error), err=True)
        return exits.FAILED
    return result if isinstance(result, int) else exits.OK
