"""The exit statuses of the program; docs/operations/commands.md explains them."""

from typing import Final

OK: Final = 0
#: Could not be determined, was refused, or failed.
FAILED: Final = 1
#: Not as declared, or degraded.
DIFFERENT: Final = 2
DOWN: Final = 3
#: The command line cannot be understood (EX_USAGE of sysexits.h). click's own 2 would read as drift.
USAGE: Final = 64
