"""What a container's system is like."""

from pyinfra.api import FactBase


class SharedMemory(FactBase[int]):
    """The size of /dev/shm, in bytes."""

    @staticmethod
    def default() -> int:
        """A blank machine."""
        return 0

    def command(self) -> str:
        """Blocks, and the size of one."""
        return "stat -f -c '%b %S' /dev/shm"

    def process(self, output: list[str]) -> int:
        """See `command`."""
        blocks, size = output[0].split()
        return int(blocks) * int(size)
