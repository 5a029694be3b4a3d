"""PgBouncer beside the server, on both releases: who comes in, what a deploy repairs of it, and that no client notices.

The last test goes back to a store without one.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from deploy.model.event_stores import APPLICATION_ROLE, DATABASE
from deploy.model.logins import LOGIN_ROLES
from deploy.model.pooling import POOLED_PORT, POOLER_FOLDER, POOLER_ROLE, POOLER_UNIT, Pool
from deploy.pooler.config import CONFIGURATION, FOLDER, SCHEMA, UNIT_FILE
from deploy.schema.migrations import LOCK
from event_store import EventStore, NewEvent, errors

from . import poolers
from .containers import declared
from .deployment import PYINFRA, ROOT, Deployment, inside, run, sql
from .drivers.telling import POOLED, tell
from .locks import turn_lock
from .poolers import console, servers
from .rotations import PATIENCE, Writers, rotate, until
from .sql.stores import Server

BOTH = ("estest-pool-trixie", "estest-pool-bookworm")
TRIXIE, BOOKWORM = BOTH
POOLING = {name: poolers.POOLING[name.rpartition("-")[2]] for name in BOTH}
#: What its access rules say, 1.24 and 1.18, and 1.24 of somebody that it has never heard of.
NOT_LET_IN = r"no authentication method is found|login rejected|no such user"
#: Of containers with one CPU.
POOL = Pool(10, 13)
MANY = 40
#: A transaction may have to wait for the turn of others.
AS_LONG_AS_IT_TAKES = "SET LOCAL idle_in_transaction_session_timeout = 0"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Without a pooler at first, as stores have been deployed so far."""
    forget()
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest-pool", declared(*BOTH))
    deployment.destroy()
    deployment.apply()
    yield deployment
    deployment.destroy()
    forget()


def forget() -> None:
    for path in (ROOT / ".secrets").glob("estest-pool.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def dsn(store: Deployment, name: str, *, pooled: bool = True) -> str:
    line = [sys.executable, "-m", "deploy.commands", "dsn", "-i", store.inventory, "-c", name]
    return run(*line, *(["--pooled"] if pooled else [])).stdout.strip()


def connect(store: Deployment, name: str, **options: Any) -> "psycopg.Connection[Any]":
    """As any client may: without prepared statements."""
    return psycopg.connect(dsn(store, name), autocommit=True, prepare_threshold=None, **options)


def shown(store: Deployment, name: str, port: int) -> str:
    """The certificate that a port shows."""
    host = psycopg.conninfo.conninfo_to_dict(dsn(store, name))["host"]
    asked = f"openssl s_client -starttls postgres -connect {host}:{port} </dev/null 2>/dev/null"
    return run("sh", "-c", f"{asked} | openssl x509 -noout -fingerprint").stdout


def stored(name: str) -> set[str]:
    return set(sql(name, "SELECT event_id FROM event_store.events").split())


def assert_kept(writers: Writers) -> None:
    """None was refused, and what was acknowledged is there."""
    assert writers.errors == []
    assert writers.acknowledged
    assert {str(event) for event in writers.acknowledged} <= stored(writers.name)


def test_without_one_it_is_said_how_to_get_one(store: Deployment) -> None:
    for name in BOTH:
        line = [sys.executable, "-m", "deploy.commands", "dsn", "-i", store.inventory, "-c", name, "--pooled"]
        refused = run(*line, check=False)
        assert refused.returncode == 1
        assert f'has no pooler; declare "pooling": "{POOLING[name]}" and deploy' in refused.stderr
    store.containers[BOOKWORM]["pooling"] = "on"
    refused = store.pyinfra("-y", "--dry", check=False)
    assert "gives clients that prepare statements each other's rows" in refused.stderr


def test_an_existing_store_gets_one_while_its_clients_go_on(store: Deployment) -> None:
    for name in BOTH:
        store.containers[name]["pooling"] = POOLING[name]
    with store.connect(TRIXIE) as one, store.connect(BOOKWORM) as other:
        pids = [inside(name, "systemctl show --property=MainPID postgresql@*") for name in BOTH]
        store.apply()
        assert [inside(name, "systemctl show --property=MainPID postgresql@*") for name in BOTH] == pids
        for session in (one, other):
            session.execute("SELECT 1")
    store.assert_as_declared()
    assert store.apply() == []


@pytest.mark.parametrize("name", BOTH)
def test_many_clients_share_few_connections(store: Deployment, name: str) -> None:
    writers = Writers(store, name, clients=MANY, pooled=True)
    with writers.at_work():
        until(lambda: len(writers.acknowledged) > 5 * MANY or writers.errors, "nothing is appended")
        assert 1 <= len(servers(name)) <= POOL.size
    assert_kept(writers)
    warned = run(sys.executable, "-m", "deploy.commands", "dsn", "-i", store.inventory, "-c", name, "--pooled").stderr
    assert ("each other's rows" in warned) == (name == BOOKWORM)


@pytest.mark.parametrize("driver", POOLED)
@pytest.mark.parametrize("name", BOTH)
def test_drivers_connect_as_they_do_by_themselves(store: Deployment, name: str, driver: str) -> None:
    """But that they prepare nothing with the pooler that does not know it."""
    form, program = POOLED[driver]
    line = [sys.executable, "-m", "deploy.commands", "dsn", "-i", store.inventory, "-c", name, "--pooled"]
    given = run(*line, "--format", form).stdout.strip()
    told = tell(program, given, STORY_PREPARES="yes" if name == TRIXIE else "no")
    assert told == [[client * 1000 + number for number in range(12)] for client in range(3)]


@pytest.mark.parametrize("name", BOTH)
def test_our_client_is_right_and_says_what_does_not_go(store: Deployment, name: str) -> None:
    given, own = dsn(store, name), uuid4()
    with EventStore(given) as client:
        for number in range(12):  # psycopg prepares what it is asked for the sixth time
            client.append_event("Ours", own, NewEvent("Counted", {"number": number}), expected=number)
        assert [event.data for event in client.get_events("Ours", own)] == [{"number": number} for number in range(12)]
        with client.session() as session, pytest.raises(errors.PooledSessionError):
            session.set_user(own, for_session=True)
    with pytest.raises(errors.PoolerError, match="a pooler stands between"):
        EventStore(given, prepare_threshold=7).open()


@pytest.mark.parametrize("name", BOTH)
def test_nobody_else_comes_in(store: Deployment, name: str) -> None:
    parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(dsn(store, name))
    connect(store, name).close()
    for other, says in (
        ({"sslmode": "disable"}, "SSL required"),
        ({"password": "not the password"}, "SASL authentication failed"),
        *(({"user": user}, NOT_LET_IN) for user in ("postgres", "event_store_worker", POOLER_ROLE, "nobody_at_all")),
        ({"dbname": "postgres"}, NOT_LET_IN),
        ({"dbname": "pgbouncer", "user": "pgbouncer"}, "FATAL"),
    ):
        with pytest.raises(psycopg.OperationalError, match=says):
            psycopg.connect(**parameters | other).close()
    # Nobody inside either, but whoever is the pooler.
    denied = "permission denied|Permission denied"
    refused = inside(
        name, f"cd /; runuser -u nobody -- psql -h {POOLER_FOLDER} -p {POOLED_PORT} pgbouncer 2>&1 || true"
    )
    assert re.search(denied, refused)
    with connect(store, name) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(f"SELECT * FROM {SCHEMA}.verifier('{APPLICATION_ROLE}')")
    assert inside(name, f"cd /; runuser -u {POOLER_ROLE} -- ls /srv/postgresql/*/main 2>&1 || true").endswith("denied")


#: A program, because asyncpg leaves a refused connection to the collection of garbage.
WITHOUT_A_PASSWORD = """
import asyncio, sys, asyncpg
user, host, port, database = sys.argv[1:]
way = {"host": host, "port": port, "database": database, "ssl": "require", "statement_cache_size": 0}
try:
    asyncio.run(asyncpg.connect(user=user, password="", **way))
    print("let in")
except asyncpg.PostgresError as error:
    print("refused:", error)
"""


@pytest.mark.releases
@pytest.mark.parametrize("name", BOTH)
def test_nobody_comes_in_without_a_password(store: Deployment, name: str) -> None:
    """libpq sends no empty password; asyncpg does. PgBouncer knows its own role, and whom it has looked up before."""
    parameters = psycopg.conninfo.conninfo_to_dict(dsn(store, name))
    connect(store, name).close()

    def attempt(user: str) -> str:
        where = [str(parameters[name]) for name in ("host", "port", "dbname")]
        return run(sys.executable, "-W", "ignore", "-c", WITHOUT_A_PASSWORD, user, *where).stdout

    for user in (APPLICATION_ROLE, *LOGIN_ROLES, POOLER_ROLE, "postgres"):
        assert attempt(user).startswith("refused: "), user
    sql(name, f"ALTER ROLE {APPLICATION_ROLE} VALID UNTIL '2020-01-01'")
    try:
        assert attempt(APPLICATION_ROLE).startswith("refused: ")
    finally:
        sql(name, f"ALTER ROLE {APPLICATION_ROLE} VALID UNTIL 'infinity'")


@pytest.mark.parametrize("name", BOTH)
def test_a_role_comes_in_as_long_as_it_is_valid(store: Deployment, name: str) -> None:
    sql(name, f"ALTER ROLE {APPLICATION_ROLE} VALID UNTIL '2020-01-01'")
    with pytest.raises(psycopg.OperationalError, match=r"SASL authentication failed|no such user"):
        connect(store, name).close()
    sql(name, f"ALTER ROLE {APPLICATION_ROLE} VALID UNTIL 'infinity'")
    connect(store, name).close()


def _loaded(name: str, change: str) -> None:
    """Have the pooler read its file with a change of sed, and have the file as it was."""
    kept = f"cp -p {CONFIGURATION} /root/kept.ini"
    there = f"sed -i '{change}' {CONFIGURATION} && systemctl reload {POOLER_UNIT}"
    inside(name, f"{kept} && {there} && sleep 1 && cat /root/kept.ini > {CONFIGURATION} && rm /root/kept.ini")


#: What somebody does, and what a plan says of it.
DRIFT: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "a parameter on the console": (lambda name: console(name, "SET query_wait_timeout = 7"), "query_wait_timeout = 7"),
    "a parameter that no file names": (lambda name: console(name, "SET server_lifetime = 77"), "server_lifetime = 77, not 3600"),
    "where the server is": (lambda name: _loaded(name, "s/port=5432/port=5433/"), "port = 5433, not 5432"),
    "another database": (lambda name: _loaded(name, f"s/^{DATABASE} = /other = host=127.0.0.1\\n&/"), "database other: is there, and not declared"),
    "a pause": (lambda name: console(name, f"PAUSE {DATABASE}"), "paused = 1"),
    "a size of the pool": (lambda name: console(name, "SET default_pool_size = 3"), "default_pool_size = 3"),
    "its file": (lambda name: inside(name, f"echo '; by hand' >> {CONFIGURATION}"), "content differs"),
    "its function": (lambda name: sql(name, f"GRANT EXECUTE ON FUNCTION {SCHEMA}.verifier TO PUBLIC"), f"schema {SCHEMA}: differs"),
    "its copies of the certificate": (lambda name: inside(name, f"echo >> {POOLER_FOLDER}/server.crt"), "server.crt"),
}  # fmt: skip


@pytest.mark.parametrize("what", DRIFT)
def test_what_is_changed_by_hand_is_found_and_repaired_under_a_client(store: Deployment, what: str) -> None:
    change, says = DRIFT[what]
    sessions = [connect(store, name) for name in BOTH]
    for session in sessions:
        session.execute("SELECT 1")
    for name in BOTH:
        change(name)
    status, said = store.drift()
    assert status == 2
    assert said.count(says) == 2, said
    store.apply()
    store.assert_as_declared()
    for session in sessions:
        session.execute("SELECT 1")
        session.close()


def test_what_takes_a_restart_of_it_is_named(store: Deployment) -> None:
    inside(TRIXIE, f"echo '# by hand' >> {UNIT_FILE}")
    console(BOOKWORM, "SET verbose = 1")
    said = store.drift()[1]
    for why in (UNIT_FILE, "verbose = 1, not 0"):
        assert f"{POOLER_UNIT}: restart for {why}; its clients connect again" in said
    store.apply()
    store.assert_as_declared()


@pytest.mark.parametrize("name", BOTH)
def test_a_password_that_is_put_right_drops_the_clients_and_the_plan_says_so(store: Deployment, name: str) -> None:
    """What they have shown of it is of no use any more. Each of them that needs a connection would have others refused."""
    with connect(store, name) as session:
        session.execute("SELECT 1")
        role = psycopg.conninfo.conninfo_to_dict(dsn(store, name))["user"]
        sql(name, f"ALTER ROLE {role} PASSWORD 'by hand, and by nobody known'")
        said = store.drift()[1]
        assert f"role {role}: password differs; KILL and RESUME of the pooler drop its clients" in said
        store.apply()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    with connect(store, name) as session:
        session.execute("SELECT 1")
    store.assert_as_declared()


@pytest.mark.parametrize("name", BOTH)
def test_a_new_certificate_is_shown_without_a_dropped_client(store: Deployment, name: str) -> None:
    with connect(store, name) as session:
        session.execute("SELECT 1")
        inside(name, "rm /srv/postgresql/tls/server.crt /srv/postgresql/tls/server.key")
        store.apply()
        session.execute("SELECT 1")
    store.assert_as_declared()
    assert shown(store, name, POOLED_PORT) == shown(store, name, 5432)


def test_clients_wait_while_the_server_restarts_as_declared(store: Deployment) -> None:
    both = [Writers(store, name, clients=6, pooled=True) for name in BOTH]
    for name in BOTH:
        store.containers[name]["postgresql_settings"] = {"wal_buffers": "2MB"}
    with both[0].at_work(), both[1].at_work():
        before = [inside(name, "systemctl show --property=MainPID postgresql@*") for name in BOTH]
        store.apply()
        assert all(
            inside(name, "systemctl show --property=MainPID postgresql@*") != pid
            for name, pid in zip(BOTH, before, strict=True)
        )
        seen = [len(writers.acknowledged) for writers in both]
        until(lambda: all(len(w.acknowledged) > n for w, n in zip(both, seen, strict=True)), "they do not go on")
    for writers in both:
        assert_kept(writers)


@pytest.mark.parametrize("name", BOTH)
def test_a_transaction_that_does_not_end_is_cut_off_and_named(store: Deployment, name: str) -> None:
    store.containers[name]["postgresql_settings"] = {"wal_buffers": "3MB"}
    assert (
        "restart: clients of the pooler wait; transactions that do not end within 10 s are cut off" in store.drift()[1]
    )
    log = inside(name, "ls /var/log/postgresql/*-main.log")
    seen = int(inside(name, f"wc -l < {log}"))
    writers = Writers(store, name, clients=4, pooled=True)
    with writers.at_work(), connect(store, name, application_name="endless") as endless:
        endless.execute("BEGIN")
        endless.execute(AS_LONG_AS_IT_TAKES)
        store.apply()
        with pytest.raises(psycopg.OperationalError):
            endless.execute("SELECT 1")
        many = len(writers.acknowledged)
        until(lambda: len(writers.acknowledged) > many + 4 or writers.errors, "they do not go on")
    assert_kept(writers)
    journal = inside(name, "journalctl --no-pager --output=cat --identifier=event-store")
    assert re.search(r"cut off by the restart: process \d+ of \w+ \(endless\), in a transaction for 0", journal)
    # What is to be written is written before anybody waits.
    said = inside(name, f"tail -n +{seen + 1} {log}")
    before, stopping, _ = said.partition("received fast shutdown request")
    assert stopping
    assert "checkpoint complete" in before


@pytest.mark.parametrize("name", BOTH)
def test_a_deploy_that_is_killed_before_it_reconnects_is_finished_by_the_next(store: Deployment, name: str) -> None:
    console_of_ours = f"psql .*-h {POOLER_FOLDER[:5]}[{POOLER_FOLDER[5]}]{POOLER_FOLDER[6:]}"
    writers = Writers(store, name, clients=2, pooled=True)
    with writers.at_work(), Server.in_container(name).connect(DATABASE) as holder:
        sql(name, "DROP FUNCTION event_store.feed_lag()")
        before = servers(name)
        assert before
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with turn_lock():
            line = [PYINFRA, store.inventory, "deploy/", "-y", "--limit", f"@lxc/{name}"]
            deploy = subprocess.Popen(
                line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            until(lambda: holder.execute(waiting).fetchone() is not None, "the repair does not wait")
            inside(name, "pkill -STOP -x pgbouncer")
            try:
                holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
                until(lambda: inside(name, f"pgrep -f '{console_of_ours}' || true"), "nobody reconnects")
                os.killpg(deploy.pid, signal.SIGKILL)
                deploy.wait()
                # Its words have not reached the pooler, which does not answer.
                inside(name, f"pkill -KILL -f '{console_of_ours}'; true")
            finally:
                inside(name, "pkill -CONT -x pgbouncer")
        assert sql(name, "SELECT to_regprocedure('event_store.feed_lag()') IS NOT NULL") == "t"
        assert servers(name) & before
        status, said = store.drift()
        assert status == 2
        assert (
            f"{POOLER_UNIT}: reconnect: connections to the server are older than the last change of the schema" in said
        )
        store.apply()
        until(lambda: not servers(name) & before, "the old connections stay")
        store.assert_as_declared()
    assert_kept(writers)


@pytest.mark.parametrize("name", BOTH)
def test_a_change_of_the_schema_ends_what_was_prepared(store: Deployment, name: str) -> None:
    with connect(store, name) as session:
        session.execute("SELECT 1")
        before = servers(name)
        assert before
        sql(name, "DROP FUNCTION event_store.feed_lag()")
        store.apply()
        session.execute("SELECT * FROM event_store.feed_lag()")
        assert not servers(name) & before


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("killed", ["pgbouncer", "postgres"])
def test_whatever_is_killed_clients_that_try_again_go_on(store: Deployment, name: str, killed: str) -> None:
    acknowledged: list[str] = []
    ending, given = threading.Event(), dsn(store, name)

    def client() -> None:
        while not ending.is_set():
            try:
                with psycopg.connect(given, autocommit=True, prepare_threshold=None, connect_timeout=5) as session:
                    while not ending.is_set():
                        row = session.execute(
                            "SELECT event_id FROM event_store.append_event('Killed', gen_random_uuid(), 0, 'E', '{}')"
                        ).fetchone()
                        acknowledged.append(str(row and row[0]))
            except psycopg.OperationalError:
                time.sleep(0.1)

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(client) for _ in range(4)]
        until(lambda: len(acknowledged) > 20, "nothing is appended")
        inside(name, f"pkill -9 -x {killed}")
        seen = len(acknowledged)
        until(lambda: len(acknowledged) > seen + 20, "nobody goes on")
        ending.set()
        for one in running:
            one.result()
    assert set(acknowledged) <= stored(name)


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", BOTH)
def test_wrong_passwords_fill_no_log_and_keep_nobody_waiting(store: Deployment, name: str, count: int) -> None:
    given, began = dsn(store, name), int(time.time())
    parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(given) | {"password": "wrong"}

    def attempt(_: int) -> str:
        try:
            psycopg.connect(**parameters).close()
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    with connect(store, name) as session, ThreadPoolExecutor(8) as attempts:
        refused = attempts.map(attempt, range(count))
        for _ in range(20):
            session.execute("SELECT 1")
            psycopg.connect(given).close()
        assert all("SASL authentication failed" in said for said in refused)
    said = inside(name, f"journalctl -u {POOLER_UNIT} --since=@{began} --no-pager -o cat | grep -c failed || true")
    # There are two lines for each attempt.
    assert 1 <= int(said) < count


def _rotate(store: Deployment, name: str, done: list[tuple[int, str]]) -> None:
    done.append(rotate(store, name))


def test_an_idle_client_of_the_pooler_keeps_the_old_login_open(store: Deployment) -> None:
    """It has no session of the server for most of the time."""
    with connect(store, TRIXIE, application_name="idle") as session:
        session.execute("SELECT 1")
        console(TRIXIE, f"RECONNECT {DATABASE}")
        until(lambda: not servers(TRIXIE), "the session of the server stays")
        code, said = rotate(store, TRIXIE, "--timeout", "0")
        assert code == 2, said
        assert re.search(
            r"1 of (idle|a client without application_name), 10\.0\.3\.1 by way of the pooler, since", said
        )
        session.execute("SELECT 1")
    code, said = rotate(store, TRIXIE)
    assert code == 0, said


@pytest.mark.parametrize("name", BOTH)
def test_a_rotation_under_pooled_clients_fails_no_statement(store: Deployment, name: str) -> None:
    for _ in range(2):
        writers, done = Writers(store, name, clients=15, pooled=True), list[tuple[int, str]]()
        with writers.at_work():
            rotating = threading.Thread(target=_rotate, args=(store, name, done))
            rotating.start()
            old = writers.conninfo()
            while writers.conninfo() == old and not done:
                time.sleep(0.1)
            writers.go_over()
            rotating.join(PATIENCE)
        assert done, "the overlap does not end"
        assert done[0][0] == 0, done[0][1]
        assert_kept(writers)
    with connect(store, name) as session:
        row = session.execute("SELECT session_user, current_user").fetchone()
    assert row is not None
    assert row[0] in LOGIN_ROLES
    assert row[1] == APPLICATION_ROLE
    store.assert_as_declared()


@pytest.mark.parametrize("name", BOTH)
def test_a_rotation_goes_on_with_the_pool_full_of_long_transactions(store: Deployment, name: str) -> None:
    old = psycopg.conninfo.conninfo_to_dict(dsn(store, name))["user"]
    sessions = [connect(store, name) for _ in range(POOL.size)]
    for session in sessions:
        session.execute("BEGIN")
        session.execute(AS_LONG_AS_IT_TAKES)
    assert len(servers(name)) == POOL.size
    code, said = rotate(store, name, "--timeout", "0")
    assert code == 2, said
    with connect(store, name) as session:
        row = session.execute("SELECT session_user").fetchone()
        assert row is not None
        assert row[0] != old
    for session in sessions:
        session.execute("COMMIT")
        session.close()
    code, said = rotate(store, name)
    assert code == 0, said


def test_all_of_verify_passes(store: Deployment) -> None:
    store.assert_verified("-rs")


def test_going_back_leaves_nothing_of_it(store: Deployment) -> None:
    for name in BOTH:
        store.containers[name]["pooling"] = "off"
    # Somebody has removed the files, and the process goes on.
    inside(TRIXIE, f"rm -rf {FOLDER} {UNIT_FILE}")
    assert inside(TRIXIE, "systemctl is-active pgbouncer") == "active"
    said = store.drift()[1]
    assert said.count(f"{POOLER_UNIT}: is running, and no pooler is declared") == 2, said
    store.apply()
    for name in BOTH:
        there = f"ls -d {FOLDER} {UNIT_FILE} {POOLER_FOLDER} 2>/dev/null; systemctl is-active pgbouncer"
        assert inside(name, f"{there} || true") == "inactive"
        assert sql(name, f"SELECT FROM pg_roles WHERE rolname = '{POOLER_ROLE}'") == ""
        assert sql(name, f"SELECT FROM pg_namespace WHERE nspname = '{SCHEMA}'") == ""
        with store.connect(name) as session:
            session.execute("SELECT 1")
    store.assert_as_declared()
    # Debian's own one of that name, which the package brings along.
    inside(BOOKWORM, "systemctl enable --quiet --now pgbouncer")
    status, said = store.drift()
    assert (status, said.count(f"{POOLER_UNIT}: is ")) == (2, 2)
    store.apply()
    assert (
        inside(BOOKWORM, "systemctl is-active pgbouncer; systemctl is-enabled pgbouncer; true") == "inactive\ndisabled"
    )
    store.assert_as_declared()
