"""Operations for etcd in a member: it is started, waited for, and restarted when it may be."""

from collections.abc import Sequence

from pyinfra.api import operation
from pyinfra.context import host

from deploy.consensus.config import ENVIRONMENT, UNIT_FILE
from deploy.consensus.facts import Member
from deploy.consensus.seen import own
from deploy.machine.differences import Commands, report, reported
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.progress import working
from deploy.machine.records import Difference
from deploy.machine.services import Service, Services
from deploy.model.consensus import PROGRAM, UNIT, ConsensusMember


def service_of() -> Service:
    """etcd's unit in the current machine."""
    services: dict[str, Service] = look(Services, units=[UNIT])
    return services.get(UNIT, Service())


def is_stale(member: ConsensusMember, there: Member) -> bool:
    """Whether its data are those of a membership that the others have ended: they are of no use any more."""
    known = there.listed is not None and (there.data or there.first_start is not None)
    return known and there.of(member.lxc_name, member.peer_url) is None


@operation()
def start(member: ConsensusMember) -> Commands:
    """Start etcd where it has something to start with, and wait for nobody: it is ready only once a majority has started."""
    service, there = service_of(), own(member)
    report([] if service.enabled else [Difference(UNIT, "not enabled")])
    runs = service.state in ("active", "activating")
    report([] if runs else [Difference(UNIT, f"not running ({service.state})")])
    if not service.enabled:
        yield f"systemctl daemon-reload && systemctl enable --quiet {UNIT}"
    if not runs and not is_stale(member, there) and (there.data or there.first_start or not host.state.is_executing):
        yield f"systemctl daemon-reload; systemctl reset-failed {UNIT} 2>/dev/null; systemctl start --no-block {UNIT}"


@operation()
def wait(member: ConsensusMember) -> Commands:
    """Wait until etcd answers, where it has been started."""
    there = own(member)
    # What is listed can come from the others: only its own status says that it answers itself.
    answers = bool(there.status) and there.listed is not None
    well = service_of().state == "active" and answers and there.first_start is None
    if well or is_stale(member, there) or not (there.data or there.first_start):
        host.noop("it answers, or is not a member yet")
        return
    with working("waiting for a majority of the members"):
        yield f"{PROGRAM} wait"


@operation()
def restart(member: ConsensusMember, read: Sequence[str]) -> Commands:
    """Restart etcd for what it reads at its start only. Called with ``_serial``: one member, then the next.

    ``read``: the files. Certificate and key are none of them: it reads those for each connection.
    """
    service, there = service_of(), own(member)
    files: dict[str, Entry] = look(Entries, paths=list(read))
    if service.state != "active":
        host.noop("it does not run")
        return
    reasons = [path for path in read if path in files and files[path].modified > service.started]
    reasons += [path for path in reported(read) if path not in reasons]
    if service.reload_due and UNIT_FILE not in reasons:
        reasons.append(UNIT_FILE)
    if (running := there.status.get("version")) and not there.installed.startswith(f"{running}"):
        reasons.append(f"version {there.installed}; {running} runs")
    report(Difference(UNIT, f"restart for {reason}, one member after the other") for reason in reasons)
    if reasons:
        with working("restarting etcd"):
            yield f"{PROGRAM} restart"


def read_at_start(member: ConsensusMember) -> list[str]:
    """What `restart` looks at."""
    return [ENVIRONMENT, UNIT_FILE, member.tls_files.authorities]
