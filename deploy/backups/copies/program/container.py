"""The repository's container, as far as copies need it: it has the key, and the lock of its jobs."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from .tree import CopyError

_PROGRAM = "/usr/local/sbin/event-store-backups"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What the program ends with if something is wrong with the backups.
_WRONG = 2


class Container:
    """The repository in one container."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _command(self, *arguments: str) -> list[str]:
        attach = ["lxc-attach", "-n", self._name, "--clear-env", "--set-var", _PATH, "--set-var", "LANG=C.UTF-8", "--"]
        return [*attach, _PROGRAM, *arguments]

    @contextlib.contextmanager
    def held(self, stores: Sequence[str]) -> Iterator[None]:
        """Have no backup and no expire run; waits for those that do. WAL goes on being archived. Raises `CopyError`."""
        with subprocess.Popen(
            self._command("hold", *stores), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None  # noqa: S101  asked for above
            assert holder.stdout is not None  # noqa: S101
            if holder.stdout.readline().strip() != "held":
                raise CopyError(f"{self._name} cannot be held; is the container up? `make deploy` starts it")
            # It ends with its standard input, however this ends.
            with holder.stdin:
                yield

    def verify(self, copy: str, stores: Sequence[str]) -> list[str]:
        """What is wrong with a copy. Raises `CopyError` if that cannot be found out."""
        done = subprocess.run(
            self._command("verify", "--copy", copy, *stores),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode == _WRONG:
            return done.stdout.strip().splitlines() or ["verify says that something is wrong, and not what"]
        if done.returncode:
            raise CopyError(f"{copy} could not be verified in {self._name}: {(done.stderr or done.stdout).strip()}")
        return []

    def drilled(self) -> dict[str, str]:
        """Event store → the copy that a drill has restored last, and found good."""
        done = subprocess.run(
            self._command("report"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        try:
            report: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise CopyError(f"{self._name} does not say what was drilled: {done.stderr.strip()}") from None
        return {store: one["drilled-copy"]["copy"] for store, one in report.items() if one["drilled-copy"]}
