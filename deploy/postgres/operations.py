"""Operations for a PostgreSQL cluster and its server."""

from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.api.state import StateStage
from pyinfra.context import host

from deploy.machine.differences import Commands, refuse, report, reported
from deploy.machine.files import File, ManagedFile
from deploy.machine.look import look
from deploy.machine.pooler_console import PATIENCE, paused
from deploy.machine.psql import AS_POSTGRES, fact_query, psql
from deploy.machine.records import Difference
from deploy.machine.services import Service, Services
from deploy.model.cluster import AT_BOOT, VOLUME, ClusterPaths
from deploy.postgres.config import changed_settings
from deploy.postgres.facts import Cluster, ClusterFact, Server, ServerFact

# systemctl says "started" also if the server did not come up, and recovery takes the time it takes: ask the server. One
# that ends three times meanwhile, and is started again by systemd, is not going to answer.
_WAIT = """
    unit=$1; log=$2; isready=/usr/lib/postgresql/$3/bin/pg_isready
    restarts() { systemctl show --property=NRestarts --value "$unit"; }
    before=$(restarts)
    until AS_POSTGRES "$isready" -q; do
        case $(systemctl show --property=ActiveState,Job "$unit") in
            *=active* | *=activating* | *Job=[1-9]*) [ $(($(restarts) - before)) -ge 3 ] || { sleep 0.1; continue; } ;;
        esac
        echo "$unit did not start; the end of $log:" >&2; tail -n 20 "$log" >&2; exit 1
    done
""".replace("AS_POSTGRES", AS_POSTGRES)


def _cluster(paths: ClusterPaths) -> Cluster:
    cluster: Cluster = look(ClusterFact, version=paths.version, volume=VOLUME)
    return cluster


def _server(paths: ClusterPaths) -> Server:
    server: Server = look(ServerFact, conf=paths.conf, data=paths.data, tls=paths.tls.all)
    return server


def _answer(query: str) -> str:
    """A word of the shell: what the server answers. The blank keeps it from reading as an arithmetic expression."""
    return f'"$( {fact_query(query)} )"'


def _start(paths: ClusterPaths, verb: str) -> StringCommand:
    log = f"/var/log/postgresql/postgresql-{paths.version}-main.log"
    return StringCommand(
        f"systemctl {verb} {paths.unit}; sh -c", QuoteString(_WAIT), f"wait {paths.unit} {log} {paths.version}"
    )


@operation()
def have_cluster(paths: ClusterPaths) -> Commands:
    """Have a cluster with data checksums on the volume. One that is there already is taken over with its data."""
    cluster = _cluster(paths)
    if cluster.other_versions:
        yield refuse(
            f"the data volume holds a cluster of PostgreSQL {', '.join(cluster.other_versions)}, and {paths.version} is "
            "declared, which cannot read it; declare the release before, or move the data with pg_dump or pg_upgrade"
        )
    elif cluster.configured and cluster.initialized:
        host.noop(f"cluster {paths.data} is there")
    else:
        report([Difference(f"cluster {paths.data}", "not configured" if cluster.initialized else "missing")])
        yield f"install -d -m 755 -o postgres -g postgres {VOLUME} {VOLUME}/{paths.version}"
        if not cluster.initialized:
            # Under a temporary name: what a killed initdb leaves looks like a cluster and has no databases. Nothing that
            # is there is ever removed: mv fails on a directory that is not empty.
            yield StringCommand(
                f"rm -rf {paths.data}.new && cd / && {AS_POSTGRES} /usr/lib/postgresql/{paths.version}/bin/initdb",
                f"-D {paths.data}.new --data-checksums --encoding UTF8 --locale en_US.UTF-8 --auth-local peer",
                f"--auth-host scram-sha-256 --no-instructions --no-sync && sync -f {paths.data}.new",  # not file by file
                f"&& mv -T {paths.data}.new {paths.data}",
            )
        # pg_createcluster takes a data directory over with the files that it expects there; ours follow.
        empty = "install -o postgres -g postgres -m 640 /dev/null"
        yield (
            f"for name in postgresql pg_hba pg_ident; do [ -e {paths.data}/$name.conf ] || "
            f"{empty} {paths.data}/$name.conf; done"
        )
        yield f"rm -rf {paths.conf} && pg_createcluster {paths.version} main -d {paths.data} --start-conf auto"


@operation()
def reset_altered(paths: ClusterPaths) -> Commands:
    """Undo what ALTER SYSTEM left behind; the inventory is where settings are overridden."""
    cluster = _cluster(paths)
    report(Difference("ALTER SYSTEM", f"left behind {line}") for line in cluster.altered)
    if not cluster.altered:
        host.noop("nothing was altered")
    elif _server(paths).up:
        yield psql("ALTER SYSTEM RESET ALL", single_transaction=False)
    else:  # with the server stopped the file is nobody else's, and what is in it may be why it is
        yield f"sed -i '/^#/!d' {paths.data}/postgresql.auto.conf"


@operation()
def start(paths: ClusterPaths) -> Commands:
    """Have the server running, now and after each boot."""
    services: dict[str, Service] = look(Services, units=[paths.unit, AT_BOOT])
    service, enabled = services.get(paths.unit, Service()), services.get(AT_BOOT, Service()).enabled
    active, answering = service.state == "active", _server(paths).up
    wanted = (("enabled", enabled), ("active", active), ("answering", answering))
    report(Difference(f"service {paths.unit}", f"not {what}") for what, there in wanted if not there)
    # Up to version 255, systemd does not say that a reload is due for the first file in a new folder.
    written = look(ManagedFile, path=paths.unit_settings) is not None
    if service.reload_due or (written and paths.unit_settings not in service.drop_ins):
        report([Difference(f"service {paths.unit}", "systemd has not read its file")])
        yield "systemctl daemon-reload"
    if not enabled:
        yield f"systemctl enable --quiet {AT_BOOT}"
    if not active:
        yield f"systemctl reset-failed {paths.unit} 2>/dev/null || true"
    if not (active and answering):
        # A server that is still recovering is only waited for. After a crash it is restarted, and with it the worker's
        # services, which may not have noticed yet that their connection is gone. Not waiting for systemd: Debian's program
        # looks on for two seconds at a server that answers.
        yield _start(paths, "start" if active else "restart --no-block")


def _planned(paths: ClusterPaths, configuration: str) -> set[str]:
    """The settings that this run is going to change, while that can still be seen: before the file is written."""
    if host.state.current_stage >= StateStage.Execute:
        return set()
    current: File | None = look(ManagedFile, path=f"{paths.conf}/postgresql.conf")
    return changed_settings(current.content.decode(errors="replace"), configuration) if current else set()


@operation()
def reload(paths: ClusterPaths, configuration: str, access: str) -> Commands:
    """Have the running server load its files, if they are newer than what it has loaded."""
    server = _server(paths)
    if not server.up:
        return
    if server.errors and host.state.is_executing:
        yield refuse("the server cannot read its configuration: " + "; ".join(server.errors))
        return
    changes = sorted(_planned(paths, configuration) - set(server.restart_only))
    if host.state.current_stage < StateStage.Execute:
        current: File | None = look(ManagedFile, path=f"{paths.conf}/pg_hba.conf")
        if current is None or current.content.decode(errors="replace") != access:
            changes.append("pg_hba.conf")
        if _cluster(paths).altered:
            changes.append("postgresql.auto.conf")
        changes += reported(paths.tls.all)
    report(Difference("PostgreSQL", f"reload for {what}") for what in [*changes, *server.stale])
    if server.refusal:
        # It may have read access rules that are others than the declared ones. If that is not it, it is restarted.
        report([Difference("PostgreSQL", server.refusal)])
        yield f"pg_ctlcluster {paths.version} main reload"
        yield f"for _ in $(seq 20); do [ {_answer('SELECT true')} = t ] && break; sleep 0.1; done"
    elif changes or server.stale:
        # By signal and not by SQL, which needs to be let in. The postmaster reads the files a moment later, and what
        # waits for a restart is known only then.
        yield f"pg_ctlcluster {paths.version} main reload"
        loaded = _answer(f"SELECT extract(epoch FROM pg_conf_load_time())::numeric > {server.loaded}")
        yield (
            f"for _ in $(seq 50); do [ {loaded} = t ] && exit 0; sleep 0.1; done; "
            "echo 'the server did not load its configuration; see its log' >&2; exit 1"
        )


@operation()
def restart(paths: ClusterPaths, configuration: str, *, pooled: bool) -> Commands:
    """Restart the server if it says that settings wait for that, or if it lets nobody in whatever its files say.

    ``pooled``: whether clients of a pooler wait for it meanwhile.
    """
    server = _server(paths)
    if server.refusal and not server.restart_helps:
        yield refuse(f"{server.refusal}; a restart would not help")
        return
    if server.refusal:
        report([Difference("PostgreSQL", "restart, unless it lets us in after it has loaded its files")])
        yield _start(paths, "restart")
        return
    reasons = sorted(set(server.pending_restart) | (_planned(paths, configuration) & set(server.restart_only)))
    report(Difference("PostgreSQL", f"restart for {name}") for name in reasons)
    if reasons and pooled:
        report([Difference("PostgreSQL", f"restart: clients of the pooler wait; {_CUT_OFF}")])
    if reasons:
        # What it has to write before it ends, clients would wait for.
        yield psql("CHECKPOINT", single_transaction=False)
        yield paused(_start(paths, "restart"))


_CUT_OFF: Final = f"transactions that do not end within {PATIENCE} s are cut off"
