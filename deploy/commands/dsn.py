"""`make dsn`: the application's libpq URI, alone on standard output."""

import sys

from pyinfra.api.exceptions import PyinfraError

from deploy.commands.connection import arguments, dsn


def main() -> None:
    """Print the URI; the password is in it, so it is printed nowhere else."""
    settings, container = arguments()
    print(dsn(container, settings))


if __name__ == "__main__":
    try:
        main()
    except PyinfraError as error:
        sys.exit(str(error))
