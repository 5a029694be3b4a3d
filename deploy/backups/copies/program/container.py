"""The repository's container, as far as copies need it: it has the key, and the lock of its jobs."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence

from .names import made_at
from .tree import CopyError

_PROGRAM = "/usr/local/sbin/event-store-backups"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What the program ends with if something is wrong with the backups; also if it does not understand its arguments.
_WRONG = 2
#: What it says of each event store with which nothing is wrong.
WHOLE = "everything that is kept is whole"


class Container:
    """The repository in one container."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _command(self, *arguments: str) -> list[str]:
        attach = ["lxc-attach", "-n", self._name, "--clear-env", "--set-var", _PATH, "--set-var", "LANG=C.UTF-8", "--"]
        return [*attach, _PROGRAM, *arguments]

    @contextlib.contextmanager
    def held(self, stores: Sequence[str]) -> Iterator[Callable[[], None]]:
        """Have no backup and no expire run; waits for those that do. WAL goes on being archived. Raises `CopyError`.

        What it gives raises `CopyError` if they are held no more.
        """
        # With a terminal among these three, lxc-attach gives its command one, which hangs up in the end.
        with (
            tempfile.TemporaryFile("w+", errors="replace") as errors,
            subprocess.Popen(
                self._command("hold", *stores), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as holder,
        ):

            def said() -> str:
                errors.seek(0)
                return errors.read().strip() or "it said nothing"

            assert holder.stdin is not None  # noqa: S101  asked for above
            assert holder.stdout is not None  # noqa: S101
            if holder.stdout.readline().strip() != "held":
                holder.stdin.close()
                holder.wait()
                raise CopyError(f"{self._name} cannot be held; is the container up? `make deploy` starts it: {said()}")

            def check() -> None:
                if holder.poll() is not None:
                    raise CopyError(
                        f"{self._name} was not held to the end, so a backup may have run meanwhile, and no copy was made; was the "
                        f"container restarted? `make copy` makes one: {said()}"
                    )

            # It ends with its standard input, however this ends.
            with holder.stdin:
                yield check
            if holder.wait():
                raise CopyError(f"{self._name} was held by a process that ended with {holder.returncode}: {said()}")

    def verify(self, copy: str, stores: Sequence[str]) -> list[str]:
        """What is wrong with a copy. Raises `CopyError` if that cannot be found out."""
        done = subprocess.run(
            self._command("verify", "--copy", copy, *stores),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = done.stdout.strip().splitlines()
        problems = [line for line in lines if line not in {f"{store}: {WHOLE}" for store in stores}]
        if done.returncode == _WRONG and problems:
            return problems
        if done.returncode:
            raise CopyError(f"{copy} could not be verified in {self._name}: {(done.stderr or done.stdout).strip()}")
        return []

    def drilled(self) -> dict[str, str]:
        """Event store → the copy that a drill has restored last, and found good. Raises `CopyError`."""
        done = subprocess.run(
            self._command("report"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        try:
            told = [(store, one["drilled-copy"]) for store, one in json.loads(done.stdout).items()]
            drilled = {store: one["copy"] for store, one in told if one is not None}
            if odd := [name for name in drilled.values() if made_at(name) is None]:
                raise ValueError(f"{odd[0]!r} is no copy")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CopyError(
                f"{self._name} does not say what was drilled, so no older copy was removed: {done.stderr.strip() or repr(error)}"
            ) from None
        return drilled
