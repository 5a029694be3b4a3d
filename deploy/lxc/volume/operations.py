"""Operations for volumes: disk images on an LXC host, with a file system each, that /etc/fstab mounts."""

from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.lxc.container.absence import let_go
from deploy.lxc.volume.facts import Mounts, Volume, VolumeFact
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.facts import Machine, MachineFact
from deploy.machine.look import look
from deploy.machine.operations import locked
from deploy.machine.progress import working
from deploy.machine.records import Difference
from deploy.model.containers import STOP_TIMEOUT

#: What a file system may be smaller than its image: ext4 leaves out a last block group that is too small.
_SLACK: Final = 8 * 1024**2
_GROW_MOUNTED: Final = """
    device=$(losetup -n -O NAME -j "$1" | head -n 1)
    [ -z "$device" ] || { losetup -c "$device" && resize2fs "$device"; }
"""
_GROW_UNMOUNTED: Final = """
    [ -z "$(losetup -n -O NAME -j "$1")" ] || exit 0
    e2fsck -f -p "$1" || [ $? -le 2 ] && resize2fs "$1"
"""


@operation()
def have_volume(container: str, path: str, size: int, before_stop: str | None = None) -> Commands:
    """Have a sparse disk image of ``size`` bytes with a file system on all of it. It grows in use; it never shrinks.

    ``before_stop``: of the container's kind, see `let_go`.
    """
    volume: Volume = look(VolumeFact, path=path)
    image, directory = QuoteString(path), QuoteString(path.removesuffix(".img"))
    if volume.size > size:
        yield refuse(
            f"{path} has {volume.size} bytes and {size} are declared: a volume never shrinks, since that could lose data; "
            f"declare at least {volume.size // 1024**2}MiB"
        )
    elif not volume.size:
        report([Difference(f"volume {path}", "missing")])
        new = QuoteString(f"{path}.new")
        # Looked up once more where it counts: a question that was not answered must not cost a volume.
        yield StringCommand("[ ! -e", image, "] || { echo", image, "is there after all >&2; exit 1; }")
        yield StringCommand("rm -f --", new)
        # A mount of an image that was deleted would hide the new one.
        yield StringCommand("umount -l --", directory, "2>/dev/null || true")
        with working(f"creating volume {path} ({size // 1024**2} MiB)"):
            yield StringCommand(f"truncate -s {size} --", new, "&& chmod 600", new, "&& mkfs.ext4 -q -F -m 0 --", new)
        yield StringCommand("mv -T --", new, image)
    elif size - volume.file_system > _SLACK:
        machine: Machine = look(MachineFact)
        how = "live" if machine.grows_mounted else "with a restart, as root here may not resize what is mounted"
        report([Difference(f"volume {path}", f"{volume.file_system} bytes, not {size} ({how})")])
        yield StringCommand(f"truncate -s {size} --", image)
        if machine.grows_mounted:
            yield StringCommand("sh -c", QuoteString(_GROW_MOUNTED), "grow", image)
        else:  # have_mounts and start bring it back
            yield from let_go(container, before_stop)
            yield StringCommand("lxc-stop -n", QuoteString(container), f"--timeout {STOP_TIMEOUT} 2>/dev/null || true")
            yield StringCommand("! mountpoint -q --", directory, "|| umount --", directory)
        yield StringCommand("sh -c", QuoteString(_GROW_UNMOUNTED), "grow", image)
    elif volume.mode != "600":
        report([Difference(f"volume {path}", f"mode is {volume.mode}, not 600: others could read the data")])
        yield StringCommand("chmod 600 --", image)
    else:
        host.noop(f"volume {path} is as declared")


def _fstab_line(directory: str) -> str:
    # nosuid: container root's files are root's on disk, and a host's users must not run them as such.
    # before lxc.service, since nofail takes a mount out of the order in which systemd boots.
    options = "loop,noatime,nosuid,nodev,nofail,x-systemd.before=lxc.service"
    return f"{directory}.img {directory} ext4 {options} 0 0"


def edit_fstab(directory: str, line: str) -> StringCommand:
    """Replace what /etc/fstab says of a directory; with an empty line, by nothing. systemd reads it again."""
    return locked(StringCommand(
        "touch /etc/fstab && cp -p /etc/fstab /etc/fstab.new && awk -v", QuoteString(f"directory={directory}"),
        "'$2 != directory' /etc/fstab > /etc/fstab.new &&", *(["echo", QuoteString(line), ">> /etc/fstab.new &&"] if line else []),
        "mv -T /etc/fstab.new /etc/fstab; [ ! -d /run/systemd/system ] || systemctl daemon-reload",
    ))  # fmt: skip


@operation()
def have_mounts(directories: list[str]) -> Commands:
    """Have disk images mounted on ``DIRECTORY``, now and by /etc/fstab at each boot, before LXC starts containers.

    By fstab and not by a hook of LXC, because AppArmor does not let lxc-start mount them.
    """
    mounts: dict[str, list[str]] = look(Mounts)
    unlisted = [directory for directory in directories if _fstab_line(directory) not in mounts["fstab"]]
    unmounted = [directory for directory in directories if directory not in mounts["mounted"]]
    report(Difference("/etc/fstab", f"{_fstab_line(directory)} is missing") for directory in unlisted)
    report(Difference(directory, "not mounted") for directory in unmounted)
    for directory in unlisted:
        yield edit_fstab(directory, _fstab_line(directory))
    for directory in unmounted:
        quoted = QuoteString(directory)
        yield StringCommand("mkdir -p -m 755 --", quoted, "&& mount --", quoted)
