"""A container whose kind says so is stopped only once others can do without it.

The containers of all hosts restart one after the other. Nobody waits for one to be back before the next one stops, unless that
one's kind says how that is seen.
"""

from collections.abc import Iterator

from pyinfra.api import QuoteString, StringCommand

from deploy.machine.connectors.attach import ENVIRONMENT
from deploy.machine.progress import working


def let_go(container: str, before_stop: str | None) -> Iterator[StringCommand]:
    """Run ``before_stop`` in the container, if it runs; in one without its id map nothing works anyway, so there it may stop."""
    if before_stop is None:
        return
    name = QuoteString(container)
    variables = [bit for variable in ENVIRONMENT for bit in ("--set-var", variable)]
    inner = QuoteString(f"[ ! -O / ] || {{ {before_stop}; }}")
    with working(f"waiting until others can do without {container}"):
        yield StringCommand(
            '[ "$(lxc-info -sH -n', name, '2>/dev/null)" != RUNNING ] || lxc-attach -n', name, "--clear-env", *variables,
            "-- sh -c", inner,
        )  # fmt: skip
