"""`python -m deploy.commands.NAME ARGUMENT…`: the paths from before there was one program, which are documented."""

import sys
from typing import NoReturn

from deploy.commands.program import main


def run(command: str, *options: str) -> NoReturn:
    """Run ``command`` with the arguments of this process, by position, as the values of ``options``.

    An empty argument of ``--inventory`` or ``--container`` is one that was left out.
    """
    arguments = sys.argv[1:]
    given = dict(zip(options, arguments, strict=False))
    line = [word for name, value in given.items() if value or name not in _OPTIONAL for word in (name, value)]
    sys.exit(main([command, *line, *arguments[len(options) :]]))


_OPTIONAL = ("--inventory", "--container", "--compare")
