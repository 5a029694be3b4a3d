"""Volumes on an LXC host: disk images, and where they are mounted."""

from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand


@dataclass(frozen=True)
class Volume:
    """A disk image on an LXC host with a file system in it; sizes in bytes, 0 if it is not there."""

    size: int = 0
    file_system: int = 0
    """What the file system in it spans; less than ``size`` until it has been grown."""
    mode: str = ""


class VolumeFact(FactBase[Volume]):
    """See `Volume`."""

    @staticmethod
    def default() -> Volume:
        """Not there."""
        return Volume()

    def command(self, path: str) -> StringCommand:
        """The superblock of ext4 says the size, so that nothing has to be mounted to be looked at; as 32-bit words."""
        quoted = QuoteString(path)
        words = StringCommand("od -A n -v -t u4 -j 1024 -N 344 --", quoted, "2>/dev/null || true")
        return StringCommand("[ ! -f", quoted, "] || { stat -c '%s %a' --", quoted, ";", words, "; }")

    def process(self, output: list[str]) -> Volume:
        """Size and mode, then the superblock."""
        size, mode = output[0].split()
        words = [int(word) for line in output[1:] for word in line.split()]
        return Volume(int(size), _file_system(words), mode)


def _file_system(superblock: list[int]) -> int:
    """The size in bytes that a superblock of ext4 says, by the offsets of its documentation; 0 if it is none."""
    if len(superblock) < 0x158 // 4 or superblock[0x38 // 4] & 0xFFFF != 0xEF53:
        return 0
    blocks_low, blocks_high, log_block_size = superblock[0x4 // 4], superblock[0x150 // 4], superblock[0x18 // 4]
    has_64_bits = superblock[0x60 // 4] & 0x80
    return ((blocks_high << 32 if has_64_bits else 0) + blocks_low) << (10 + log_block_size)


class Mounts(FactBase[dict[str, list[str]]]):
    """The directories on which something is mounted (``mounted``), and the lines of /etc/fstab (``fstab``)."""

    @staticmethod
    def default() -> dict[str, list[str]]:
        """None."""
        return {"mounted": [], "fstab": []}

    def command(self) -> str:
        """One word and the rest."""
        return "sed -E 's/^([^ ]* ){4}([^ ]*).*/mounted \\2/' /proc/self/mountinfo; sed 's/^/fstab /' /etc/fstab 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, list[str]]:
        """By the word."""
        return {
            word: [line.removeprefix(f"{word} ") for line in output if line.startswith(f"{word} ")]
            for word in ("mounted", "fstab")
        }
