"""The options that commands share, so that each is the same wherever it is taken."""

from typing import Final

import click

DEFAULT_INVENTORY: Final = "inventory/local.py"

inventory = click.option(
    "-i",
    "--inventory",
    metavar="FILE",
    type=click.Path(),
    envvar="INVENTORY",
    show_envvar=True,
    default=DEFAULT_INVENTORY,
    show_default=True,
    help="The inventory.",
)
container = click.option(
    "-c", "--container", metavar="NAME", help="Which container; may be left out if there is only one."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def make(target: str, file: str) -> str:
    """The command line of a Makefile's target for the inventory ``file``, for messages."""
    return f"make {target}" if file == DEFAULT_INVENTORY else f"make {target} INVENTORY={file}"
