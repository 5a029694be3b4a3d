"""Operations for a container's system."""

from typing import Final

from pyinfra.api import operation

from deploy.machine.differences import Commands, report
from deploy.machine.look import look
from deploy.machine.records import Difference
from deploy.system.facts import SharedMemory

_PATH: Final = "/dev/shm"  # noqa: S108  a file system, and no temporary file of ours


@operation()
def limit_shared_memory(size: int) -> Commands:
    """Have /dev/shm take ``size`` bytes at the most, from now on; /etc/fstab has it for the next boot."""
    there: int = look(SharedMemory)
    if there != size:
        report([Difference(_PATH, f"has room for {there} bytes, not {size} (live)")])
        yield f"mount -o remount,size={size} {_PATH}"
