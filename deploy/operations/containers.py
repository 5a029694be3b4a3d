"""Operations that have a container exist, limited and running, on its LXC host."""

from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.container_config import Paths, config_text
from deploy.facts.containers import BootState, ContainerFact, Mounts, RootFileSystem, Volume, VolumeFact
from deploy.facts.containers import Container as State
from deploy.facts.lxc_host import Machine, MachineFact
from deploy.images import Image
from deploy.limits import cgroup_limits, is_limit
from deploy.look import look
from deploy.operations import Commands, files
from deploy.operations.differences import refuse, report
from deploy.operations.files import locked
from deploy.operations.images import image_key
from deploy.settings import Container, LxcHost

_BOOTED: Final = ("running", "degraded")
_GROW_MOUNTED: Final = """
    device=$(losetup -n -O NAME -j "$1" | head -n 1)
    [ -z "$device" ] || { losetup -c "$device" && resize2fs "$device"; }
"""
_GROW_UNMOUNTED: Final = """
    [ -z "$(losetup -n -O NAME -j "$1")" ] || exit 0
    e2fsck -f -p "$1" || [ $? -le 2 ] && resize2fs "$1"
"""


@operation()
def have_volume(container: str, path: str, size: int) -> Commands:
    """Have a sparse disk image of ``size`` bytes with a file system on all of it. It grows in use; it never shrinks."""
    volume: Volume = look(VolumeFact, path=path)
    image, directory = QuoteString(path), QuoteString(path.removesuffix(".img"))
    if volume.size > size:
        yield refuse(
            f"{path} has {volume.size} bytes and {size} are declared: a volume never shrinks, since that could lose data; "
            f"declare at least {volume.size // 1024**2}MiB"
        )
    elif not volume.size:
        report([f"volume {path}: missing"])
        new = QuoteString(f"{path}.new")
        # Looked up once more where it counts: a question that was not answered must not cost a volume.
        yield StringCommand("[ ! -e", image, "] || { echo", image, "is there after all >&2; exit 1; }")
        yield StringCommand('mkdir -p -- "$(dirname', image, ')"; rm -f --', new)
        # A mount of an image that was deleted would hide the new one.
        yield StringCommand("umount -l --", directory, "2>/dev/null || true")
        yield StringCommand(f"truncate -s {size} --", new, "&& mkfs.ext4 -q -F -m 0 --", new)
        yield StringCommand("mv -T --", new, image)
    elif volume.file_system < size:
        machine: Machine = look(MachineFact)
        how = "live" if machine.grows_mounted else "with a restart, as root here may not resize what is mounted"
        report([f"volume {path}: {volume.file_system} bytes, not {size} ({how})"])
        yield StringCommand(f"truncate -s {size} --", image)
        if machine.grows_mounted:
            yield StringCommand("sh -c", QuoteString(_GROW_MOUNTED), "grow", image)
        else:  # have_mounts and start bring it back
            yield StringCommand("lxc-stop -n", QuoteString(container), "--timeout 120 2>/dev/null || true")
            yield StringCommand("! mountpoint -q --", directory, "|| umount --", directory)
        yield StringCommand("sh -c", QuoteString(_GROW_UNMOUNTED), "grow", image)
    else:
        host.noop(f"volume {path} is as declared")


def _fstab_line(directory: str) -> str:
    return f"{directory}.img {directory} ext4 loop,noatime,nofail 0 0"


def _edit_fstab(directory: str, line: str) -> StringCommand:
    """Replace what /etc/fstab says of a directory; with an empty line, by nothing. systemd reads it anew."""
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
    mounts: dict[str, list[str]] = look(Mounts, directories=directories)
    unlisted = [directory for directory in directories if _fstab_line(directory) not in mounts["fstab"]]
    unmounted = [directory for directory in directories if directory not in mounts["mounted"]]
    report(f"/etc/fstab: {_fstab_line(directory)} is missing" for directory in unlisted)
    report(f"{directory}: not mounted" for directory in unmounted)
    for directory in unlisted:
        yield _edit_fstab(directory, _fstab_line(directory))
    for directory in unmounted:
        quoted = QuoteString(directory)
        yield StringCommand("mkdir -p --", quoted, "&& mount --", quoted)


@operation()
def have_root(container: Container, settings: LxcHost) -> Commands:
    """Have the container's root file system: a copy of its image, made under a temporary name."""
    paths = Paths.of(container, settings)
    release: str | None = look(RootFileSystem, image=f"{paths.mount}.img", directory=paths.mount)
    if release == container.release:
        host.noop(f"{paths.root} is there")
        return
    if release:
        yield refuse(
            f"container {container.lxc_name} is Debian {release}, and {container.release} is declared. Its PostgreSQL "
            f"could not read the data of the one before; declare {release}, or move the data with pg_dump or pg_upgrade"
        )
        return
    report([f"root file system {paths.root}: missing"])
    image, root, new = (
        QuoteString(path)
        for path in (f"{paths.images}/{image_key(Image.of(container))}", paths.root, f"{paths.root}.new")
    )
    yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), "--timeout 60 2>/dev/null || true")
    yield StringCommand("rm -rf --", new, root, "&& cp -a --reflink=auto --", image, new)
    yield StringCommand("sync -f --", new, "&& mv -T --", new, root)


@operation()
def configure(container: Container, settings: LxcHost) -> Commands:
    """Have the container's LXC configuration, as this host's cgroup hierarchy and AppArmor want it."""
    machine: Machine = look(MachineFact)
    path = Paths.of(container, settings).config
    yield from files.install._inner(path=path, content=config_text(container, settings, machine), mode="640")


def _state(container: Container, machine: Machine) -> tuple[State, dict[str, str]]:
    """The container as it is, and the limits that it should have."""
    limits = cgroup_limits(container, machine.cgroup_version)
    return look(ContainerFact, container=container.lxc_name), limits


def _restart_reasons(container: Container, settings: LxcHost, state: State, machine: Machine) -> list[str]:
    """Why a running container cannot take over its declared configuration while it runs."""
    if not state.running:
        return []
    wanted = config_text(container, settings, machine).splitlines()
    started = (state.started_with or "").splitlines()
    reasons = [
        f"configuration: {line}"
        for line in sorted(set(wanted) ^ set(started))
        if line.startswith("lxc.") and not is_limit(line)
    ]
    if container.memory < state.memory_in_use:
        reasons.append(f"memory: {state.memory_in_use} bytes are in use, more than the limit {container.memory}")
    return reasons


@operation()
def limit(container: Container, settings: LxcHost) -> Commands:
    """Give a running container its declared limits while it runs."""
    machine: Machine = look(MachineFact)
    state, limits = _state(container, machine)
    if _restart_reasons(container, settings, state, machine):
        host.noop("a restart brings the limits")
        return
    # A host without swap accounting has no such key; there is nothing to limit then.
    different = {key: value for key, value in limits.items() if state.limits.get(key, "") not in (value, "")}
    report(
        f"container {container.lxc_name}: {key} is {state.limits[key]}, not {value} (live)"
        for key, value in different.items()
    )
    for key, value in different.items():
        yield StringCommand("lxc-cgroup -n", QuoteString(container.lxc_name), key, QuoteString(value))


@operation()
def restart(container: Container, settings: LxcHost) -> Commands:
    """Restart a running container whose configuration changed in what it cannot take over while it runs."""
    machine: Machine = look(MachineFact)
    state, _ = _state(container, machine)
    if reasons := _restart_reasons(container, settings, state, machine):
        report(f"container {container.lxc_name}: restart for {reason}" for reason in reasons)
        yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), "--timeout 120")
        yield _start(container)


@operation()
def start(container: Container) -> Commands:
    """Start a container that does not run."""
    state: State = look(ContainerFact, container=container.lxc_name)
    if not state.running:
        report([f"container {container.lxc_name}: not running"])
        yield _start(container)


def _start(container: Container) -> StringCommand:
    name, log = QuoteString(container.lxc_name), f"/var/log/lxc/{container.lxc_name}.log"
    return StringCommand(
        f"mkdir -p /var/log/lxc; rm -f {log}; lxc-start -n", name, f"-o {log} -l WARN || {{ cat {log} >&2; exit 1; }}"
    )


@operation()
def booted() -> Commands:
    """The barrier between hosts and containers: every host calls it on the same line, and containers are up after it."""
    if host.data.get("lxc_name") is None:
        host.noop("not a container")
    elif host.inventory.get_host(host.data.lxc_host, default=None) in host.state.failed_hosts:
        yield refuse(f"its LXC host {host.data.lxc_host} failed; nothing is changed inside")
    # Not running is for the command below to say: a failed fact would end the run of all machines.
    elif host.get_fact(BootState, _ignore_errors=True) in _BOOTED:
        host.noop("booted")
    else:
        states = " | ".join(_BOOTED)
        yield (
            f"for _ in $(seq 300); do case $(systemctl is-system-running 2>/dev/null) in {states}) exit 0;; esac; sleep 0.2; "
            "done; systemctl list-jobs >&2; exit 1"
        )


@operation()
def destroy(container: Container, settings: LxcHost, delete_volume: bool) -> Commands:
    """Stop a container and remove it with its root file system; its data volume only where that is asked for."""
    paths = Paths.of(container, settings)
    yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), "--timeout 120 2>/dev/null || true")
    for mount in (paths.mount, paths.volume):
        directory = QuoteString(mount)
        yield StringCommand("! mountpoint -q --", directory, "|| umount --", directory)
        yield _edit_fstab(mount, "")
        if mount == paths.mount or delete_volume:
            # rmdir, not rm -r: whatever is still mounted there must not be emptied.
            image = QuoteString(f"{mount}.img")
            yield StringCommand("rm -f --", image, "&& { [ ! -d", directory, "] || rmdir --", directory, "; }")
    started = QuoteString(f"/run/event-store/{container.lxc_name}.config")
    yield StringCommand("rm -rf --", QuoteString(f"/var/lib/lxc/{container.lxc_name}"), started)
    id_range = f"^root:{container.ids.start}:{len(container.ids)}$"
    yield locked(StringCommand(f"sed -i '/{id_range}/d' /etc/subuid /etc/subgid"))
