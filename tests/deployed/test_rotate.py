"""`make rotate`: the application's password changes while it works, whatever ends the run, on both releases.

Each test leaves a store that no rotation is open on. The first one is the first rotation of a store.
"""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from getpass import getuser
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
import pyrage
import pytest

from deploy.certificates.keys import PASSPHRASE
from deploy.model import logins, private_files
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES
from deploy.model.providers import IDENTITY, provider

from .canaries import VERIFIER, Processes, watched
from .containers import declared
from .deployment import ROOT, Deployment, inside, run, sql
from .poolers import POOLING, SHOWN, asked
from .rotations import Rotation, Writers, entries, rotate, rotation, until

BOTH = ("estest-rot-trixie", "estest-rot-bookworm")
TRIXIE, BOOKWORM = BOTH
A, B = LOGIN_ROLES
#: With 30 connections the application may have 21.
MAX = 21
PASSPHRASE_GIVEN = {PASSPHRASE: "correct horse battery"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With passwords that were never rotated."""
    forget()
    stores = {name: data | {"max_connections": 30} for name, data in declared(*BOTH).items()}
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), "estest-rot", stores)
    deployment.destroy()
    deployment.apply()
    yield deployment
    deployment.destroy()
    forget()


def forget() -> None:
    for path in (ROOT / ".secrets").glob("estest-rot.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def login(store: Deployment, name: str) -> str:
    with store.connect(name) as connection:
        row = connection.execute("SELECT session_user, current_user").fetchone()
    assert row is not None
    assert row[1] == APPLICATION_ROLE
    return str(row[0])


def let_in(name: str) -> set[str]:
    return set(sql(name, "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ~ '^stock_analysis_user'").split())


def status(store: Deployment, name: str) -> tuple[str, str]:
    done = run(sys.executable, "-m", "deploy.commands", "status", "-i", store.inventory, "--json", check=False)
    [row] = [row for row in json.loads(done.stdout)["rows"] if row["kind"] == "login" and f"/{name}/" in row["name"]]
    return row["state"], row["detail"]


def assert_settled(store: Deployment, name: str, before: str, password: str) -> None:
    """One role is let in, another one than before, with another password; nothing is left of the one before."""
    current = login(store, name)
    assert current != before
    assert let_in(name) == {current}
    assert entries(store, name).keys() == {"login", current}
    assert entries(store, name)[current] != password
    verifiers = f"SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname ~ '^{APPLICATION_ROLE}'"
    assert sql(name, verifiers) == current
    with pytest.raises(psycopg.OperationalError, match=f'"{before}" is not permitted|authentication failed'):
        psycopg.connect(store.conninfo(name), user=before, password=password)
    store.assert_as_declared()


def credentials(store: Deployment, name: str) -> tuple[str, str]:
    """Role and password that clients get."""
    stored = entries(store, name)
    role = stored.get("login", APPLICATION_ROLE)
    return role, stored[role]


@pytest.mark.releases  # the second one comes after the first one
@pytest.mark.parametrize("number", ["first", "second"])
@pytest.mark.parametrize("name", BOTH)
def test_no_statement_fails_with_the_pool_full(store: Deployment, name: str, number: str) -> None:
    before = credentials(store, name)
    assert before[0] == {"first": APPLICATION_ROLE, "second": A}[number]
    with Writers(store, name, clients=MAX).at_work() as writers:
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            store.connect(name)
        with rotation(store, name) as running:
            running.until_said(f"as {before[0]}: {MAX} of writers, 10.0.3.1, since ")
            assert running.process.poll() is None
            writers.go_over()
            assert writers.errors == []
            assert running.end() == 0, running.said
        after = credentials(store, name)
        assert sql(name, f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{after[0]}'") == str(MAX)
        many = len(writers.acknowledged)
        until(lambda: len(writers.acknowledged) > many + MAX or writers.errors, "nothing is appended any more")
    assert writers.errors == []
    assert_stored(name, writers)
    assert_settled(store, name, *before)
    for secret in (before[1], after[1]):
        assert secret not in running.said


def assert_stored(name: str, writers: Writers) -> None:
    """Each acknowledged event, and the application is whom they are from, whoever logged in."""
    wanted = ", ".join(f"'{event}'" for event in writers.acknowledged)
    query = (
        f"SELECT count(*), string_agg(DISTINCT created_by, ',') FROM event_store.events WHERE event_id IN ({wanted})"
    )
    assert sql(name, query) == f"{len(writers.acknowledged)}|{APPLICATION_ROLE}"


@pytest.mark.parametrize("name", BOTH)
def test_pools_go_over_by_themselves(store: Deployment, name: str) -> None:
    """psycopg_pool asks for the conninfo at each connect, and a connection lives for two seconds here."""
    before = credentials(store, name)
    with Writers(store, name, clients=0, pool_size=4).at_work() as writers:
        code, said = rotate(store, name)
    assert code == 0, said
    assert writers.errors == []
    assert_stored(name, writers)
    assert_settled(store, name, *before)


@pytest.mark.parametrize("name", BOTH)
def test_what_pools_reset_keeps_the_role_and_it_is_nothing_without(store: Deployment, name: str) -> None:
    with store.connect(name) as connection:
        for reset in ("RESET ALL", "DISCARD ALL", "RESET ROLE", "SET SESSION AUTHORIZATION DEFAULT; RESET ALL"):
            connection.execute(reset)
            row = connection.execute(
                "SELECT current_user, count(*) FROM event_store.read_feed(max_count => 1)"
            ).fetchone()
            assert row is not None
            assert row[0] == APPLICATION_ROLE
        connection.execute("SET ROLE NONE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM event_store.read_feed(max_count => 1)")


@pytest.mark.parametrize("name", BOTH)
def test_the_overlap_stays_until_nobody_is_connected_or_it_is_forced(store: Deployment, name: str) -> None:
    before = credentials(store, name)
    with psycopg.connect(store.conninfo(name), application_name="late", autocommit=True) as late:
        code, said = rotate(store, name, "--timeout", "0")
        assert code == 2, said
        assert f"as {before[0]}: 1 of late, 10.0.3.1, since " in said
        assert let_in(name) == {before[0], credentials(store, name)[0]}
        state, detail = status(store, name)
        assert (state, detail.partition(":")[0]) == ("degraded", "a rotation is not finished")
        store.assert_as_declared()
        assert store.apply() == []
        psycopg.connect(store.conninfo(name), user=before[0], password=before[1]).close()
        assert login(store, name) != before[0]
        with rotation(store, name) as waiting:
            waiting.until_said(f"as {before[0]}: 1 of late")
            second = run(
                *(sys.executable, "-m", "deploy.commands", "rotate", "-i", store.inventory, "-c", name), check=False
            )
            assert second.returncode == 1
            assert (
                f"another `make rotate` is at work: {getuser()}, process {waiting.process.pid}, since 20"
                in second.stderr
            )
            # Another container's password is its own affair.
            [other] = {*BOTH} - {name}
            aside = Rotation(store, other)
            assert aside.end() == 0, aside.said
        late.execute("SELECT 1")  # a late client's connection is as good as before
    code, said = rotate(store, name, "--timeout", "0", "--quiet", "5")
    assert code == 2, said
    assert f"as {before[0]}: nobody; it is let in for 5 more seconds" in said
    with psycopg.connect(store.conninfo(name), user=before[0], password=before[1]) as late:
        code, said = rotate(store, name, "--force")
        assert code == 0, said
        with pytest.raises(psycopg.OperationalError):
            late.execute("SELECT 1")
    assert_settled(store, name, *before)
    assert status(store, name)[0] == "well"


def _refusal(taken: ExitStack, conninfo: str) -> str:
    """What the server says of the first connection that it does not give."""
    for _ in range(2 * MAX):
        try:
            taken.enter_context(psycopg.connect(conninfo))
        except psycopg.OperationalError as error:
            return str(error)
    return "all were given"


@pytest.mark.releases
@pytest.mark.parametrize("name", BOTH)
def test_whatever_the_application_takes_the_worker_and_the_operator_get_in(store: Deployment, name: str) -> None:
    """Also while it has two login roles, each with a limit of its own."""
    before = credentials(store, name)
    with ExitStack() as taken:
        taken.enter_context(store.connect(name))
        code, said = rotate(store, name, "--timeout", "0")
        assert code == 2, said
        for role, password in (before, credentials(store, name)):
            given = psycopg.conninfo.make_conninfo(store.conninfo(name), user=role, password=password)
            refused = _refusal(taken, given)
            assert re.search("too many connections for role|remaining connection slots are reserved", refused)
        inside(name, "systemctl restart 'event-store@*.service'")
        worker = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'event_store_worker'"
        assert sql(name, worker) == "4"
        inside(name, "cd /; runuser -u postgres -- pg_dump --schema-only stock_analysis_event_store > /dev/null")
        store.assert_as_declared()
    code, said = rotate(store, name)
    assert code == 0, said
    assert_settled(store, name, *before)


def _stored(entry: str) -> Callable[[Deployment, str, Rotation], None]:
    return lambda store, name, _: until(lambda: entry in entries(store, name), f"{entry} is not stored")


def _made(store: Deployment, name: str, _: Rotation) -> None:
    new = entries(store, name).get("next")
    verifiers = f"SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname ~ '^{APPLICATION_ROLE}'"
    until(lambda: sql(name, verifiers) == "2", f"{new} has no verifier")


def _refused(store: Deployment, name: str, _: Rotation) -> None:
    until(lambda: len(let_in(name)) == 1 and "ending" in entries(store, name), "the old one is still let in")


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        (TRIXIE, _stored("next")),
        (BOOKWORM, _made),
        (TRIXIE, lambda _store, _name, running: running.until_said("is let in as long as somebody")),
        (BOOKWORM, _stored("ending")),
        (TRIXIE, _refused),
    ],
    ids=["prepared", "made", "overlap", "ending", "refused"],
)
def test_the_next_run_finishes_what_a_killed_one_began(
    store: Deployment, name: str, moment: Callable[[Deployment, str, Rotation], None]
) -> None:
    before = credentials(store, name)
    with Writers(store, name, clients=0, pool_size=2).at_work() as writers:
        with rotation(store, name) as running:
            moment(store, name, running)
            assert running.process.poll() is None, running.said
            running.kill()
        assert entries(store, name).keys() & {"next", "ending"} or len(entries(store, name)) == 3
        store.apply()  # a deploy in between keeps what is stored
        store.assert_as_declared()
        login(store, name)
        code, said = rotate(store, name)
        assert code == 0, said
    assert writers.errors == []
    assert_stored(name, writers)
    assert_settled(store, name, *before)


def test_the_server_of_an_earlier_version_is_refused_and_nothing_is_stored(store: Deployment) -> None:
    before = entries(store, TRIXIE)
    rules = "/etc/postgresql/17/main/pg_hba.conf"
    inside(TRIXIE, f"sed -i 's/+{APPLICATION_ROLE}/{APPLICATION_ROLE}/' {rules}")
    try:
        code, said = rotate(store, TRIXIE)
        assert code == 1
        assert "access rules are of an earlier version and let in no login roles" in said
        assert entries(store, TRIXIE) == before
    finally:
        store.apply()


def test_what_makes_login_roles_is_repaired(store: Deployment) -> None:
    current = login(store, BOOKWORM)
    [idle] = {A, B} - {current}
    sql(
        BOOKWORM,
        f"ALTER ROLE {current} RESET role; REVOKE {APPLICATION_ROLE} FROM {current}; ALTER ROLE {idle} LOGIN INHERIT;"
        f"ALTER ROLE {idle} SET work_mem = '1MB'; GRANT {APPLICATION_ROLE} TO {idle} WITH ADMIN OPTION;"
        f"REVOKE CONNECT ON DATABASE stock_analysis_event_store FROM {current}",
    )
    code, report = store.drift()
    assert code == 2
    for difference in (
        f"role {current}: does not run as {APPLICATION_ROLE}",
        f"role {current}: is not a member of {APPLICATION_ROLE}",
        f"role {idle}: LOGIN is True",
        f"role {idle}: INHERIT is True",
        f"role {idle}: is a member of {APPLICATION_ROLE}",
        "has a setting of its own for work_mem",
        f"{current} lacks CONNECT",
    ):
        assert difference in report, report
    store.apply()
    store.assert_as_declared()
    assert login(store, BOOKWORM) == current


def test_another_checkouts_passwords_are_refused(store: Deployment) -> None:
    """One from before the rotation knows the old role only."""
    file = Path(ROOT / ".secrets" / f"{store.name}.json")
    kept = file.read_bytes()
    stale: dict[str, Any] = json.loads(kept)
    stale[f"@lxc/{TRIXIE}"] = {APPLICATION_ROLE: "a-password-of-before"}
    file.write_text(json.dumps(stale))
    try:
        done = store.pyinfra("-y", check=False)
        assert done.returncode != 0
        assert "has a password, and none is known here" in done.stderr + done.stdout
    finally:
        file.write_bytes(kept)
    store.assert_as_declared()


def test_verifies(store: Deployment) -> None:
    store.verify("-k", "test_access or test_postgresql")


def test_certificates_go_along(store: Deployment) -> None:
    """Beside a password the server takes a certificate of the role that logs in only; alone, that of the application."""

    def command(name: str, *arguments: str) -> None:
        line = (sys.executable, "-m", "deploy.commands", name, "-i", store.inventory, *arguments)
        run(*line, env=os.environ | PASSPHRASE_GIVEN)

    def declare(**keys: str) -> None:
        for name in BOTH:
            store.containers[name] |= keys
        store.pyinfra("-y", env=PASSPHRASE_GIVEN)

    try:
        command("ca")
        for role in {credentials(store, name)[0] for name in BOTH}:
            command("certificate", "--role", role)
        declare(tls="authority", authentication="password+certificate")
        for name in BOTH:
            role, password = credentials(store, name)
            stored = entries(store, name)
            idle = logins.read(stored).idle
            if not (ROOT / ".secrets" / f"{store.name}.clients" / idle).exists():
                code, said = rotate(store, name)
                assert code == 1
                assert f"asks for a certificate beside the password, and none was issued to {idle}" in said
                assert entries(store, name) == stored
                command("certificate", "--role", idle)
            code, said = rotate(store, name)
            assert code == 0, said
            assert_settled(store, name, role, password)
        command("certificate")
        declare(authentication="certificate")
        for name in BOTH:
            assert login(store, name) == credentials(store, name)[0]
            another = ROOT / ".secrets" / f"{store.name}.clients" / credentials(store, name)[0]
            files: dict[str, Any] = {"sslcert": str(another / "client.crt"), "sslkey": str(another / "client.key")}
            with pytest.raises(psycopg.OperationalError, match="certificate authentication failed"):
                psycopg.connect(store.conninfo(name), **files)
            code, said = rotate(store, name)
            assert code == 1
            assert "logs in with a certificate and without a password" in said
        store.assert_as_declared()
        store.verify("-k", "test_access or test_postgresql")
    finally:
        declare(tls="self-signed", authentication="password")


@pytest.mark.parametrize("kind", ["age", "pass"])
def test_what_another_provider_keeps_is_rotated_there(
    store: Deployment, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored moves there by hand, and back."""
    file = ROOT / ".secrets" / f"{store.name}.json"
    before = credentials(store, TRIXIE)
    if kind == "age":
        identity = tmp_path / "key.txt"
        private_files.replace(identity, str(pyrage.x25519.Identity.generate()).encode())
        monkeypatch.setenv(IDENTITY, str(identity))
        declared_as = f"age:{tmp_path}/rotated.age"
    else:
        tmp_path.chmod(0o700)
        monkeypatch.setenv("GNUPGHOME", str(tmp_path))
        monkeypatch.setenv("PASSWORD_STORE_DIR", str(tmp_path / "store"))
        run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "operator", "future-default")
        run("pass", "init", "operator")
        declared_as = "pass:event-store/rotated"
    kept = provider(declared_as, file, os.environ)
    for name in BOTH:
        store.containers[name]["secrets"] = declared_as
    try:
        kept.write(file.read_bytes())
        file.unlink()
        assert store.apply() == []
        assert login(store, TRIXIE) == before[0]
        code, said = rotate(store, TRIXIE)
        assert code == 0, said
        assert login(store, TRIXIE) != before[0]
        assert before[1] not in (kept.read() or b"").decode()
        store.assert_as_declared()
        assert not file.exists()
    finally:
        private_files.replace(file, kept.read() or b"{}")
        for name in BOTH:
            del store.containers[name]["secrets"]
        if kind == "pass":
            run("gpgconf", "--kill", "all")
    assert_settled(store, TRIXIE, *before)


def test_no_secret_is_anywhere_but_where_it_belongs(store: Deployment) -> None:
    """In the operator's file, and as a verifier in the data of the server, whatever that has loaded to log statements."""
    for name, version, pooling in ((TRIXIE, 17, "trixie"), (BOOKWORM, 15, "bookworm")):
        store.containers[name]["pooling"] = POOLING[pooling]
        settings = TALKATIVE | ({"auto_explain.log_parameter_max_length": -1} if version > 15 else {})
        store.containers[name] |= {"packages": [f"postgresql-{version}-pgaudit"], "postgresql_settings": settings}
    store.apply()
    since = time.time() - 1
    secrets = set[str]()
    outputs = list[str]()

    def planted() -> set[str]:
        """All that were made so far: also those that a rotation makes meanwhile."""
        for name in BOTH:
            with suppress(ValueError):  # the file is being replaced
                secrets.update(value for key, value in entries(store, name).items() if key.startswith(APPLICATION_ROLE))
        return {*secrets, VERIFIER}

    def keys(name: str) -> set[str]:
        """Of the verifiers, by itself each."""
        parts = "SELECT unnest(string_to_array(split_part(rolpassword, '$', 3), ':')) FROM pg_authid"
        return set(sql(name, parts + f" WHERE rolname ~ '^{APPLICATION_ROLE}' AND rolpassword IS NOT NULL").split())

    for name in BOTH:
        sql(name, "CREATE EXTENSION pg_stat_statements", "postgres")
    verifiers = set[str]()
    with watched(Processes(planted)):
        for mode in (
            ["--dry", "--diff"],
            ["--dry", "--json"],
            *(["-y", word] for word in ("-v", "-vv", "--json")),
            LOUD,
        ):
            for name in BOTH:
                plant(store, name, f"Planted-{token_hex(12)}")
            done = store.pyinfra(*mode)
            outputs.append(done.stdout + done.stderr)
            verifiers |= keys(TRIXIE) | keys(BOOKWORM)
        for name in BOTH:
            with store.connect(name), pooled(store, name):
                code, said = rotate(store, name, "--timeout", "0")
                assert code == 2, said
                outputs.append(said)
                verifiers |= keys(name)
                code, said = rotate(store, name, "--force")
                assert code == 0, said
                outputs.append(said)
        outputs.append(store.drift()[1])
    assert len(secrets) >= 14, "twelve were planted, and each rotation made one"
    try:
        hidden = secrets | verifiers | {VERIFIER}
        for output in outputs:
            assert [secret for secret in hidden if secret in output] == []
        for name in BOTH:
            views = "SELECT query FROM pg_stat_activity UNION ALL SELECT query FROM pg_stat_statements"
            found = sql(name, views, "postgres") + inside(name, "journalctl --no-pager; cat /var/log/postgresql/*")
            found += pooler_says(store, name)
            assert "AUDIT: SESSION" in found, "pgaudit is at work"
            assert "Query Text: " in found, "auto_explain is at work"
            assert [secret for secret in hidden if secret in found] == []
            crash(store, name)
            assert files_with(name, secrets, "/", since) == []
            assert files_with(name, hidden, "/", since, "-not -path '/srv/postgresql/*'") == []
        for folder in ("/var/lib/lxc", "/etc", "/tmp", "/var/log", "/run", store.folder):
            assert files_with(None, hidden, str(folder), since) == []
    finally:
        for name in BOTH:
            sql(name, "DROP EXTENSION pg_stat_statements", "postgres")
            store.containers[name] |= {"packages": [], "postgresql_settings": {}, "pooling": "off"}
        store.apply()


def pooler_says(store: Deployment, name: str) -> str:
    """All that its console tells of a client, and then it dies with a signal that leaves a core, where cores are left."""
    with pooled(store, name):
        said = "".join(asked(name, f"SHOW {what}") for what in SHOWN)
    assert f"|{credentials(store, name)[0]}|" in said, "the console tells of the client"
    inside(name, "pkill -SEGV -x pgbouncer")
    return said


def pooled(store: Deployment, name: str) -> "psycopg.Connection[Any]":
    """A client of the pooler that has just read who to log in as, and had a statement run."""
    connection = Writers(store, name, clients=0, pooled=True).connect()
    connection.execute("SELECT 1")
    return connection


#: What a server can have to log and keep statements.
TALKATIVE = {
    "shared_preload_libraries": "pgaudit, auto_explain, pg_stat_statements",
    "pgaudit.log": "all",
    "pgaudit.log_parameter": True,
    "auto_explain.log_min_duration": 0,
    "auto_explain.log_nested_statements": True,
    "pg_stat_statements.track": "all",
    "log_statement": "all",
    "log_min_duration_statement": 0,
    "log_min_error_statement": "debug5",
    "log_parameter_max_length": -1,
    "log_parameter_max_length_on_error": -1,
}
LOUD = ["-y", "-vvv", "--debug", "--diff"]


def plant(store: Deployment, name: str, password: str) -> None:
    """Another password in the operator's file, for whoever is the current role."""
    file = Path(ROOT / ".secrets" / f"{store.name}.json")
    stored: dict[str, Any] = json.loads(file.read_text())
    stored[f"@lxc/{name}"][credentials(store, name)[0]] = password
    private_files.replace(file, json.dumps(stored).encode())


def crash(store: Deployment, name: str) -> None:
    """A backend that has just compared a password dies with a signal that leaves a core, where cores are left."""
    with store.connect(name) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        inside(name, f"kill -SEGV {row[0]}")
        with pytest.raises(psycopg.OperationalError):
            until(lambda: connection.execute("SELECT 1").closed, "the backend is still there")
    until(lambda: sql(name, "SELECT 1", check=False) == "1", "the server is not back")


def files_with(name: str | None, secrets: set[str], folder: str, since: float, where: str = "") -> list[str]:
    """Files in a container, or on this machine, that were changed since and have one of the secrets."""
    find = f"find {folder} -xdev {where} -not -path '/proc/*' -type f -newerct @{since:.0f} -print0"
    script = f'patterns=$(cat); {find} | xargs -0r grep -lsF -e "$patterns" || true'
    text = "\n".join(sorted(secrets))
    output = inside(name, script, stdin=text) if name else run("sh", "-c", script, input=text).stdout
    return output.split()
