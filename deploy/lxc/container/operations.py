"""Operations that have a container exist, limited and running, on its LXC host."""

from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.lxc.container.absence import let_go
from deploy.lxc.container.config import Paths, config_text
from deploy.lxc.container.facts import BootState, ContainerFact, RootFileSystem
from deploy.lxc.container.facts import Container as State
from deploy.lxc.image.operations import image_key
from deploy.lxc.image.recipe import Image
from deploy.machine import operations as files
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.facts import Machine, MachineFact
from deploy.machine.look import ask_ahead, forget, look, recall
from deploy.machine.progress import working
from deploy.machine.questions import Ask
from deploy.machine.records import Difference
from deploy.model.containers import STOP_TIMEOUT, Container
from deploy.model.hosts import LxcHost
from deploy.model.limits import cgroup_limits, is_limit

_BOOTED: Final = ("running", "degraded")


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
            f"container {container.lxc_name} is Debian {release}, and {container.release} is declared, whose "
            f"programs may not be able to read the data; declare {release}, or move the data into a new container with "
            f"{container.move_data}"
        )
        return
    report([Difference(f"root file system {paths.root}", "missing")])
    image, root, new = (
        QuoteString(path)
        for path in (f"{paths.images}/{image_key(Image.of(container))}", paths.root, f"{paths.root}.new")
    )
    yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), "--timeout 60 2>/dev/null || true")
    # Looked at once more where it counts: a question that was not answered must not cost what is there.
    marker = QuoteString(f"{paths.root}/etc/event-store-release")
    yield StringCommand("[ ! -e", marker, "] || { echo", root, "is there after all >&2; exit 1; }")
    with working(f"copying the image to {paths.root}"):
        yield StringCommand("rm -rf --one-file-system --", new, root, "&& cp -a --reflink=auto --", image, new)
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
    if not state.id_mapped:
        reasons.append("its root file system, which is without the id map that LXC gives it")
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
    optional = {key: "" for key in limits if "swap" in key}
    different = {
        key: value
        for key, value in limits.items()
        if state.running and state.limits.get(key) not in (value, optional.get(key, value))
    }
    report(
        Difference(f"container {container.lxc_name}", f"{key} is {state.limits.get(key)}, not {value} (live)")
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
        report(Difference(f"container {container.lxc_name}", f"restart for {reason}") for reason in reasons)
        yield from let_go(container.lxc_name, container.before_stop)
        with working(f"stopping {container.lxc_name}"):
            yield StringCommand("lxc-stop -n", QuoteString(container.lxc_name), f"--timeout {STOP_TIMEOUT}")
        yield _start(container, settings)


@operation()
def start(container: Container, settings: LxcHost) -> Commands:
    """Start a container that does not run."""
    state: State = look(ContainerFact, container=container.lxc_name)
    if not state.running:
        report([Difference(f"container {container.lxc_name}", "not running")])
        yield _start(container, settings)


def _start(container: Container, settings: LxcHost) -> StringCommand:
    name, log = QuoteString(container.lxc_name), Paths.of(container, settings).log
    return StringCommand(
        f"mkdir -p -m 755 /var/log/lxc; rm -f {log}; lxc-start -n",
        name,
        f"-o {log} -l WARN || {{ cat {log} >&2; exit 1; }}",
    )


def has_booted(asks: list[Ask]) -> bool:
    """Whether the current machine, a container, has booted; if so, it has answered ``asks`` as well."""
    # Not running is for the command of `booted` to say: a failed fact would end the run of all machines.
    ask_ahead([Ask(BootState), *asks])
    if recall(BootState) in _BOOTED:
        return True
    forget()  # what was asked of a container that is still booting
    return False


@operation()
def booted(asks: list[Ask]) -> Commands:
    """The barrier between hosts and containers: every host calls it on the same line, and containers are up after it.

    ``asks`` is what will be asked in a container next; if it has booted already, that is asked in the same go.
    """
    if host.data.get("lxc_name") is None:
        host.noop("not a container")
    elif host.inventory.get_host(host.data.lxc_host, default=None) in host.state.failed_hosts:
        yield refuse(f"its LXC host {host.data.lxc_host} failed; nothing is changed inside")
    elif has_booted(asks):
        host.noop("booted")
    else:
        states = " | ".join(_BOOTED)
        yield (
            f"for _ in $(seq 300); do case $(systemctl is-system-running 2>/dev/null) in {states}) exit 0;; esac; sleep 0.2; "
            "done; systemctl list-jobs >&2; exit 1"
        )
