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
        """The superblock says the size, so that nothing has to be mounted to be looked at."""
        quoted = QuoteString(path)
        blocks = 'awk -F: \'$1 == "Block count" {n = $2} $1 == "Block size" {s = $2} END {printf "%.0f\\n", n * s}\''
        return StringCommand(
            "[ ! -f",
            quoted,
            "] || { stat -c '%s %a' --",
            quoted,
            "; dumpe2fs -h",
            quoted,
            f"2>/dev/null | {blocks}; }}",
        )

    def process(self, output: list[str]) -> Volume:
        """Two numbers."""
        size, mode = output[0].split()
        return Volume(int(size), int(output[1]), mode)


class Mounts(FactBase[dict[str, list[str]]]):
    """Of some directories, those that are mounted (``mounted``), and the lines of /etc/fstab (``fstab``)."""

    @staticmethod
    def default() -> dict[str, list[str]]:
        """None."""
        return {"mounted": [], "fstab": []}

    def command(self, directories: list[str]) -> StringCommand:
        """One word and the rest."""
        quoted = [QuoteString(directory) for directory in directories]
        return StringCommand(
            "for directory in", *quoted, '; do ! mountpoint -q -- "$directory" || echo "mounted $directory"; done;',
            "sed 's/^/fstab /' /etc/fstab 2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> dict[str, list[str]]:
        """By the word."""
        return {
            word: [line.removeprefix(f"{word} ") for line in output if line.startswith(f"{word} ")]
            for word in ("mounted", "fstab")
        }
