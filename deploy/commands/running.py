"""Runs a command line; what goes wrong becomes a message and an exit status."""

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from deploy.commands import exits
from deploy.commands.errors import CommandError

#: Variables that would change what the programs do that this one runs, and the library it connects with: PYINFRA_YES, say,
#: which makes a run out of a plan.
_OTHERS: Final = ("PYINFRA_", "PYTEST_", "PG")
#: Those of them that change nothing that is done.
_KEPT: Final = ("PGCONNECT_TIMEOUT", "PGAPPNAME")
#: What may be left out; an empty argument is one that was.
_OPTIONAL: Final = ("--inventory", "--container", "--compare")
#: What else has a message for the operator, by module; not loaded for that, which takes longer than many a command.
_EXPECTED: Final = {
    "pyinfra.api.exceptions": "PyinfraError",
    "deploy.model.providers": "PasswordError",
    "deploy.certificates.errors": "AuthorityError",
    "psycopg": "Error",
}


def run(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own; returns the exit status."""
    for variable in [name for name in os.environ if name.startswith(_OTHERS) and name not in _KEPT]:
        del os.environ[variable]
    try:
        result = command.main(arguments, prog_name=name, standalone_mode=False)
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
    except _expected() as error:
        click.echo(str(error), err=True)
        return exits.FAILED
    return result if isinstance(result, int) else exits.OK


def _expected() -> tuple[type[Exception], ...]:
    loaded = (getattr(sys.modules[module], name) for module, name in _EXPECTED.items() if module in sys.modules)
    return (CommandError, OSError, *loaded)


def run_old_path(command: click.Command, *options: str) -> NoReturn:
    """`python -m deploy.commands.NAME ARGUMENT…`, from before there was one program, which is documented.

    The arguments, by position, are the values of ``options``.
    """
    arguments = sys.argv[1:]
    if arguments[:1] in (["--help"], ["-h"]):
        sys.exit(run(command, f"event-store {command.name}", arguments))
    if not arguments:
        click.echo("say the file of the inventory first, for example inventory/local.py", err=True)
        sys.exit(exits.USAGE)
    given = zip(options, arguments, strict=False)
    line = [word for name, value in given if value or name not in _OPTIONAL for word in (name, value)]
    sys.exit(run(command, f"event-store {command.name}", [*line, *arguments[len(options) :]]))
