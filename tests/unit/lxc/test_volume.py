"""The size of a file system, read from its superblock."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.lxc.volume.facts import Volume, VolumeFact


def _look(path: Path) -> Volume:
    command = VolumeFact().command(str(path)).get_raw_value()
    output = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.splitlines()
    return VolumeFact().process(output) if output else VolumeFact().default()


@pytest.mark.parametrize("options", [[], ["-b", "1024"], ["-O", "^64bit"]])
def test_the_size_is_what_dumpe2fs_says(tmp_path: Path, options: list[str]) -> None:
    image = tmp_path / "a volume.img"
    image.touch(0o600)
    subprocess.run(["truncate", "-s", "48M", str(image)], check=True)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", *options, str(image), "40M"], check=True)
    header = subprocess.run(["/sbin/dumpe2fs", "-h", str(image)], capture_output=True, text=True, check=True).stdout
    numbers = [int(number) for number in re.findall(r"^Block (?:count|size):\s+(\d+)$", header, re.MULTILINE)]
    assert _look(image) == Volume(48 * 2**20, numbers[0] * numbers[1], "600")
    assert _look(image).file_system == 40 * 2**20


@pytest.mark.parametrize("size", [0, 100, 2**20])
def test_what_is_no_file_system_has_no_size(tmp_path: Path, size: int) -> None:
    image = tmp_path / "volume.img"
    image.write_bytes(bytes(size))
    image.chmod(0o644)
    assert _look(image) == Volume(size, 0, "644")


def test_no_image(tmp_path: Path) -> None:
    assert _look(tmp_path / "absent.img") == Volume()
