"""Drift outside the schema: shown by the dry run, named in the report, repaired by one apply.

Several changes at once for `make test`; `make soak` makes each of them by itself as well.
"""

import math
from typing import Any, NamedTuple

import pytest

from .containers import BOOKWORM, TRIXIE
from .deployment import STORAGE, Deployment, differences, inside, run, sql


class Case(NamedTuple):
    """A change by hand, and a text that the report must name it with.

    ``alone``: with this one, others could not be made or would not be seen, or the reload or restart of another one would
    repair it as well. ``offline``: lxc-net is restarted to repair it.
    """

    name: str
    where: str  # host, inside or sql
    change: str
    reported: str
    alone: bool = False
    offline: bool = False


#: Changes at once.
AT_ONCE = 10


HOST = [
    Case("lxc-net", "host", "echo X=1 >> /etc/default/lxc-net", "/etc/default/lxc-net: content", offline=True),
    Case("hook's mode", "host", "chmod 700 /usr/local/lib/event-store/pre-start", "mode is 700, not 755"),
    Case("hook's owner", "host", "chown nobody /usr/local/lib/event-store/pre-start", "owner is nobody"),
    Case("hooks' folder", "host", "chmod 700 /usr/local/lib/event-store", "/usr/local/lib/event-store: mode is 700"),
    Case("hook's content", "host", "echo >> /usr/local/lib/event-store/pre-start", "pre-start: content"),
    Case("forwarding kept on", "host", "rm /etc/sysctl.d/60-event-store.conf", "60-event-store.conf: missing"),
    Case("forwarding now", "host", "echo 0 > /proc/sys/net/ipv4/ip_forward", "forwarding is missing", offline=True),
    Case("DHCP and DNS", "host", 'kill "$(cat /run/lxc/dnsmasq.pid)"', "dhcp is missing", offline=True),
    Case("NAT", "host", "nft flush table ip lxc 2>/dev/null || iptables -t nat -F POSTROUTING", "nat is missing", offline=True),
    Case("bridge address", "host", "ip address flush dev lxcbr0", "address is missing", offline=True),
    Case("id ranges", "host", f"sed -i \"/^root:$(sed -n 's/lxc.idmap = u 0 \\([0-9]*\\).*/\\1/p' /var/lib/lxc/{TRIXIE}/config):/d\" /etc/subuid",
         "/etc/subuid: root:"),
    Case("fstab", "host", f"sed -i '/{TRIXIE}/d' /etc/fstab", "/etc/fstab"),
    Case("autostart", "host", f"sed -i '/lxc.start.auto/d' /var/lib/lxc/{TRIXIE}/config", f"{TRIXIE}/config: content"),
    Case("memory limit in the file", "host", f"sed -i '/memory/d' /var/lib/lxc/{TRIXIE}/config", f"{TRIXIE}/config: content"),
    Case("configuration's mode", "host", f"chmod 666 /var/lib/lxc/{TRIXIE}/config", "mode is 666, not 640"),
    Case("live process limit", "host", f"lxc-cgroup -n {TRIXIE} pids.max 500", "pids.max is 500, not 1000 (live)"),
    Case("container stopped", "host", f"lxc-stop -n {TRIXIE}", f"container {TRIXIE}: not running", alone=True),
    Case("container frozen out of its volume", "host", f"lxc-stop -n {TRIXIE} && umount {STORAGE}/volumes/{TRIXIE}", f"volumes/{TRIXIE}: not mounted", alone=True),
]  # fmt: skip
CONF = "/etc/postgresql/17/main"
INSIDE = [
    Case("host name", "inside", "echo other > /etc/hostname", "/etc/hostname: content"),
    Case("hosts", "inside", "echo '10.0.0.1 x' >> /etc/hosts", "/etc/hosts: content"),
    Case("resolver", "inside", "rm /etc/resolv.conf", "/etc/resolv.conf: missing"),
    Case("stray DHCP", "inside", "echo > /etc/systemd/network/10-eth0.network", "10-eth0.network: is there"),
    Case("package", "inside", "dpkg --purge --force-depends less", "package less: missing"),
    Case("setting", "inside", f"sed -i 's/^work_mem.*/work_mem = 1MB/' {CONF}/postgresql.conf", "postgresql.conf: content"),
    Case("setting that is loaded", "inside",
         f"echo 'work_mem = 2MB' >> {CONF}/postgresql.conf; systemctl reload postgresql@17-main", "postgresql.conf: content"),
    Case("setting for a restart", "inside", f"sed -i 's/^max_connections.*/max_connections = 77/' {CONF}/postgresql.conf",
         "PostgreSQL: restart for max_connections", alone=True),
    Case("configuration's mode", "inside", f"chmod 666 {CONF}/pg_hba.conf", "pg_hba.conf: mode is 666"),
    Case("configuration's owner", "inside", f"chown root {CONF}/postgresql.conf", "postgresql.conf: owner is root"),
    Case("extra hba line", "inside", f"sed -i '1i host all all 0.0.0.0/0 trust' {CONF}/pg_hba.conf", "pg_hba.conf: content"),
    Case("extra hba line, loaded", "inside",
         f"sed -i '1i host all all 0.0.0.0/0 trust' {CONF}/pg_hba.conf; systemctl reload postgresql@17-main", "pg_hba.conf: content"),
    Case("broken hba file", "inside", f"echo nonsense > {CONF}/pg_hba.conf; systemctl reload postgresql@17-main || true",
         "pg_hba.conf: content", alone=True),
    Case("ident map", "inside", f"echo 'm root postgres' >> {CONF}/pg_ident.conf", "pg_ident.conf: content"),
    Case("start at boot", "inside", f"echo manual > {CONF}/start.conf", "start.conf: content"),
    Case("configuration gone", "inside", f"rm {CONF}/postgresql.conf", "cluster /srv/postgresql/17/main: not configured", alone=True),
    Case("certificate", "inside", "rm /srv/postgresql/tls/server.crt", "server.crt: missing"),
    Case("file changed and not loaded", "inside", f"touch {CONF}/pg_hba.conf", "PostgreSQL: reload for /etc/postgresql", alone=True),
    Case("service stopped", "inside", "systemctl stop postgresql@17-main", "postgresql@17-main.service: not active", alone=True),
    Case("service disabled", "inside", "systemctl disable --quiet postgresql", "postgresql@17-main.service: not enabled"),
    Case("server that cannot start", "inside",
         "systemctl stop postgresql@17-main; echo \"shared_buffers = '900GB'\" >> /srv/postgresql/17/main/postgresql.auto.conf",
         "shared_buffers = '900GB'", alone=True),
]  # fmt: skip
APP, OWNER, WORKER = "stock_analysis_user", "event_store_owner", "event_store_worker"
SQL = [
    Case("ALTER SYSTEM", "sql", "ALTER SYSTEM SET work_mem = '1MB'", "ALTER SYSTEM: left behind work_mem"),
    Case("ALTER SYSTEM, loaded", "sql", "ALTER SYSTEM SET work_mem = '1MB';\nSELECT pg_reload_conf()", "work_mem"),
    Case("ALTER SYSTEM for a restart", "sql", "ALTER SYSTEM SET max_connections = 50;\nSELECT pg_reload_conf()", "max_connections", alone=True),
    Case("ALTER ROLE SET", "sql", f"ALTER ROLE {APP} SET work_mem = '1MB'", f"ALTER ROLE {APP}: has a setting"),
    Case("ALTER DATABASE SET", "sql", "ALTER DATABASE stock_analysis_event_store SET jit = on", "has a setting of its own for jit"),
    Case("superuser", "sql", f"ALTER ROLE {APP} SUPERUSER", f"role {APP}: SUPERUSER is True"),
    Case("create roles", "sql", f"ALTER ROLE {APP} CREATEROLE", "CREATEROLE is True"),
    Case("create databases", "sql", f"ALTER ROLE {APP} CREATEDB", "CREATEDB is True"),
    Case("bypass row security", "sql", f"ALTER ROLE {APP} BYPASSRLS", "BYPASSRLS is True"),
    Case("replication", "sql", f"ALTER ROLE {APP} REPLICATION", "REPLICATION is True"),
    Case("no login", "sql", f"ALTER ROLE {APP} NOLOGIN", "LOGIN is False"),
    Case("connection limit", "sql", f"ALTER ROLE {APP} CONNECTION LIMIT 1", "connection_limit is 1"),
    Case("expiry", "sql", f"ALTER ROLE {APP} VALID UNTIL '2020-01-01'", "valid_until is 2020"),
    Case("password", "sql", f"ALTER ROLE {APP} PASSWORD 'another-one-by-hand'", "password differs"),
    Case("no password", "sql", f"ALTER ROLE {APP} PASSWORD NULL", "password differs"),
    Case("owner may log in", "sql", f"ALTER ROLE {OWNER} LOGIN", f"role {OWNER}: LOGIN is True"),
    Case("membership", "sql", f"GRANT {OWNER} TO {APP}", f"role {APP}: is a member of {OWNER}"),
    Case("predefined role", "sql", f"GRANT pg_read_server_files TO {APP}", "is a member of pg_read_server_files"),
    Case("database owner", "sql", "ALTER DATABASE stock_analysis_event_store OWNER TO postgres", "owner is postgres"),
    Case("database limit", "sql", "ALTER DATABASE stock_analysis_event_store CONNECTION LIMIT 5", "connection_limit is 5"),
    Case("database grant", "sql", "GRANT CONNECT ON DATABASE stock_analysis_event_store TO PUBLIC", "public has CONNECT"),
    Case("missing database grant", "sql", f"REVOKE CREATE ON DATABASE stock_analysis_event_store FROM {OWNER}", "lacks CREATE"),
    Case("worker that is more", "sql", f"ALTER ROLE {WORKER} SUPERUSER", f"role {WORKER}: SUPERUSER is True"),
    Case("worker without login", "sql", f"ALTER ROLE {WORKER} NOLOGIN", f"role {WORKER}: LOGIN is False"),
    Case("worker with a password", "sql", f"ALTER ROLE {WORKER} PASSWORD 'by-hand'", f"role {WORKER}: has a password"),
    Case("worker that is a member", "sql", f"GRANT {OWNER} TO {WORKER}", f"role {WORKER}: is a member of {OWNER}"),
    Case("worker kept out", "sql", f"REVOKE CONNECT ON DATABASE stock_analysis_event_store FROM {WORKER}", f"{WORKER} lacks CONNECT"),
    Case("way into postgres", "sql", f"GRANT CONNECT ON DATABASE postgres TO {APP}", f"database postgres: {APP} has CONNECT"),
]  # fmt: skip


def _inject(case: Case) -> None:
    if case.where == "host":
        run("sh", "-c", case.change)
    elif case.where == "inside":
        inside(TRIXIE, case.change)
    else:
        sql(TRIXIE, case.change, "postgres")


@pytest.fixture(scope="module", autouse=True)
def _as_declared(deployed: Deployment) -> None:
    """Whatever the tests before this file have left behind is not what these are about."""
    deployed.apply()


def _together() -> list[list[Case]]:
    """All cases; the lists have like beside like, and a group has cases from all over them."""
    cases = [*HOST, *INSIDE, *SQL]
    others = [case for case in cases if not case.alone]
    groups = math.ceil(len(others) / AT_ONCE)
    return [[case] for case in cases if case.alone] + [others[number::groups] for number in range(groups)]


def _one_by_one() -> list[list[Case]]:
    return [[case] for case in [*HOST, *INSIDE, *SQL] if not case.alone]


def _parameter(cases: list[Case], *marks: pytest.MarkDecorator) -> Any:
    host = [pytest.mark.host] if any(case.where == "host" for case in cases) else []
    offline = [pytest.mark.offline] if any(case.offline for case in cases) else []
    name = " + ".join(f"{case.where}: {case.name}" for case in cases)
    return pytest.param(cases, id=name, marks=[*marks, *host, *offline])


@pytest.mark.parametrize(
    "cases",
    [*map(_parameter, _together()), *(_parameter(cases, pytest.mark.soak) for cases in _one_by_one())],
)
def test_is_shown_and_repaired(deployed: Deployment, cases: list[Case]) -> None:
    for case in cases:
        _inject(case)
    status, report = deployed.drift()
    assert status == 2, report
    unnamed = [case.name for case in cases if not any(case.reported in line for line in differences(report))]
    assert not unnamed, report
    assert f"@lxc/{BOOKWORM}" not in report, "the other container is as declared"
    assert deployed.apply()
    assert deployed.drift() == (0, f"No drift: {deployed.inventory} is deployed as declared.\n")


def test_drift_cannot_be_determined_without_the_inventory() -> None:
    done = run("make", "-s", "drift", "INVENTORY=nowhere.py", check=False)
    assert done.returncode != 0
    assert "cannot be determined" in done.stderr
