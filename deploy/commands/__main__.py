"""Runs the program. What it asks of several machines at once, over pyinfra's connectors, needs gevent's patches first."""

import sys

from gevent import monkey

monkey.patch_all()

from deploy.commands.program import main  # noqa: E402  after the patches


def run() -> None:
    """The console script `event-store`."""
    sys.exit(main())


if __name__ == "__main__":
    run()
