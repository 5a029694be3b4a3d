"""Certificates of the inventory's own authority, on a store of each release: from self-signed ones to the end of a rollover.

The tests build on each other, as an operator's steps do.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.certificates import issuing, x509
from deploy.certificates.authority import Authorities
from deploy.certificates.keys import PASSPHRASE
from deploy.certificates.x509 import Signer

from .containers import declared
from .deployment import ROOT, Deployment, inside, run, sql
from .drivers.telling import DRIVERS, tell

BOTH = ("estest-tls-trixie", "estest-tls-bookworm")
NAME = "estest-tls"
ROLE = "stock_analysis_user"
SECRET = {PASSPHRASE: "correct horse battery"}
FOLDER = ROOT / ".secrets" / f"{NAME}.ca"
CLIENTS = ROOT / ".secrets" / f"{NAME}.clients"
TLS = "/srv/postgresql/tls"
INSTALL = ROOT / "templates" / "system" / "install-packages.sh"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Self-signed at first, as stores have been deployed so far."""
    forget()
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), NAME, declared(*BOTH))
    deployment.destroy()
    deployment.apply()
    yield deployment
    deployment.destroy()
    forget()


def forget() -> None:
    for folder in (FOLDER, CLIENTS):
        shutil.rmtree(folder, ignore_errors=True)


def command(store: Deployment, name: str, *arguments: str, secret: bool = True) -> "subprocess.CompletedProcess[str]":
    """`event-store NAME`, with the passphrase in its environment or without."""
    environment = {key: value for key, value in os.environ.items() if key != PASSPHRASE} | (SECRET if secret else {})
    line = [sys.executable, "-m", "deploy.commands", name, "-i", store.inventory, *arguments]
    return run(*line, check=False, env=environment)


def well(store: Deployment, name: str, *arguments: str) -> str:
    done = command(store, name, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(store: Deployment, *, secret: bool = True) -> None:
    store.pyinfra("-y", env=SECRET if secret else None)


def serial(name: str) -> str:
    return inside(name, f"openssl x509 -noout -serial -in {TLS}/server.crt").removeprefix("serial=").lower()


def way(store: Deployment, name: str) -> dict[str, Any]:
    """What `make dsn` prints, in parts."""
    return conninfo_to_dict(store.dsn(name))


def refusal(parameters: dict[str, Any]) -> str:
    """Why a client is not let in; fails where it is."""
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(**parameters).close()
    return str(refused.value)


def written(folder: Path, made: Signer, name: str = "client") -> dict[str, str]:
    """A client's certificate as files, by libpq's names."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    key.touch(mode=0o600)
    key.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_text(x509.pem(made.certificate))
    return {"sslkey": str(key), "sslcert": str(certificate)}


def declare(store: Deployment, **data: Any) -> None:
    for name in BOTH:
        store.containers[name] |= data


def authorities() -> Authorities:
    return Authorities(FOLDER, NAME, SECRET)


def test_nothing_is_touched_without_an_authority_or_its_passphrase(store: Deployment) -> None:
    before = [serial(name) for name in BOTH]
    declare(store, tls="authority")
    none = store.pyinfra("-y", check=False, env=SECRET)
    assert none.returncode != 0
    assert "there is no certificate authority here. If the inventory has none yet, `make ca` makes it" in none.stderr
    silent = command(store, "ca", secret=False)
    assert silent.returncode == 1
    assert f"{PASSPHRASE} is not set; export the CA's passphrase" in silent.stderr
    assert not FOLDER.exists()
    assert "Back this folder up" in well(store, "ca")
    assert "there is an authority already" in command(store, "ca").stderr
    locked = store.pyinfra("-y", check=False)
    assert locked.returncode != 0
    assert f"{PASSPHRASE} is not set" in locked.stderr
    wrong = store.pyinfra("-y", check=False, env={PASSPHRASE: "wrong wrong wrong"})
    assert "cannot be decrypted" in wrong.stderr
    assert "wrong wrong" not in wrong.stdout + wrong.stderr
    # Whoever looks need not sign: cron and CI.
    status, said = store.drift()
    assert status == 2
    assert "clients that check it need the file that `make trust` writes, before it is replaced" in said
    assert [serial(name) for name in BOTH] == before


def test_clients_that_have_pinned_the_old_certificate_go_on(store: Deployment, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    well(store, "trust", "--out", str(bundle))
    assert bundle.read_text().count("BEGIN CERTIFICATE") == 3
    pinned: dict[str, dict[str, Any]] = {}
    declare(store, tls="self-signed")
    for name in BOTH:
        pinned[name] = way(store, name) | {"sslmode": "verify-ca", "sslrootcert": str(bundle)}
    declare(store, tls="authority")
    with ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(**pinned[name], autocommit=True)) for name in BOTH]
        apply(store)
        for session in sessions:
            session.execute("SELECT 1")
    for name in BOTH:
        psycopg.connect(**pinned[name]).close()
        full = way(store, name)
        assert (full["sslmode"], full["sslrootcert"]) == ("verify-full", str(FOLDER / "ca.crt"))
        psycopg.connect(**full).close()
    # Nothing is to be signed, so nobody asks for the passphrase.
    assert store.drift() == (0, f"No drift: {store.inventory} is deployed as declared.\n")
    assert store.apply() == []


def test_all_of_verify_passes(store: Deployment) -> None:
    assert "self-signed" not in store.assert_verified("-rs")


def test_another_machine_needs_the_file_alone(store: Deployment, tmp_path: Path) -> None:
    """`make trust` and `make dsn TRUST=…`, as for a machine where the file is in another place."""
    bundle = tmp_path / "elsewhere.crt"
    well(store, "trust", "--out", str(bundle))
    uri = well(store, "dsn", "-c", BOTH[0], "--trust", str(bundle)).strip()
    assert f"sslmode=verify-full&sslrootcert={bundle}" in uri
    psycopg.connect(uri).close()
    parameters: dict[str, Any] = conninfo_to_dict(uri)
    named = parameters | {"hostaddr": parameters["host"], "host": BOTH[0]}
    psycopg.connect(**named).close()
    assert "does not match host name" in refusal(named | {"host": "another.example.net"})
    other = issuing.authority("other")
    bundle.write_text(x509.pem(other.certificate))
    assert "certificate verify failed" in refusal(parameters)


def test_a_mode_is_repaired_as_a_mode(store: Deployment) -> None:
    before = [serial(name) for name in BOTH]
    inside(BOTH[0], f"chmod 644 {TLS}/server.key; chmod 600 {TLS}/server.crt; chmod 600 {TLS}/ca.crt; chmod 755 {TLS}")
    inside(BOTH[1], f"chown root:root {TLS}/server.key {TLS}/server.crt {TLS}/ca.crl")
    status, said = store.drift()
    assert status == 2
    for difference in (
        "server.key: mode and owner are 644 postgres, not 600 postgres",
        "server.crt: mode and owner are 600 postgres, not 644 postgres",
        "tls: mode and owner are 755 postgres, not 700 postgres",
        "ca.crt: mode is 600, not 644",
        "server.key: mode and owner are 600 root, not 600 postgres",
        "server.crt: mode and owner are 644 root, not 644 postgres",
        "ca.crl: owner is root:root, not postgres:postgres",
    ):
        assert difference in said
    apply(store, secret=False)
    store.assert_as_declared()
    assert [serial(name) for name in BOTH] == before


def test_a_certificate_is_renewed_in_time_without_a_dropped_session(store: Deployment) -> None:
    name = BOTH[1]
    key = inside(name, f"openssl pkey -pubout -in {TLS}/server.key") + "\n"
    old = short_lived(
        29, lambda: issuing.for_server(authorities().signer(), key, [name, str(way(store, name)["host"])])
    )
    inside(name, f"cat > {TLS}/server.crt", stdin=x509.pem(old))
    status, said = store.drift()
    assert (status, "server.crt: expires in 28 days" in said) == (2, True), said
    rows = json.loads(command(store, "status", "--json").stdout)["rows"]
    [row] = [row for row in rows if row["kind"] == "certificate" and name in row["name"]]
    assert (row["state"], "28 days left" in row["detail"]) == ("degraded", True)
    inside(name, "systemctl start event-store-certificates.service")
    journal = "journalctl --no-pager -p err -t event-store-certificates"
    assert f"{TLS}/server.crt expires on " in inside(name, journal)
    assert store.verify("-k", "good_for_another_month", check=False).returncode != 0
    with psycopg.connect(store.dsn(name), autocommit=True) as session:
        apply(store)
        session.execute("SELECT 1")
    assert serial(name) != f"{old.serial_number:x}"
    assert inside(name, f"openssl pkey -pubout -in {TLS}/server.key") + "\n" == key
    store.assert_as_declared()
    assert shown(store, name) == serial(name)


def test_an_expired_server_is_refused_by_its_clients(store: Deployment) -> None:
    name = BOTH[0]
    key = inside(name, f"openssl pkey -pubout -in {TLS}/server.key") + "\n"
    names = [name, str(way(store, name)["host"])]
    expired = short_lived(-1, lambda: issuing.for_server(authorities().signer(), key, names), backdated=2)
    inside(name, f"cat > {TLS}/server.crt; pg_ctlcluster 17 main reload; sleep 1", stdin=x509.pem(expired))
    assert "certificate verify failed" in refusal(way(store, name))
    apply(store)
    psycopg.connect(**way(store, name)).close()
    store.assert_as_declared()


def short_lived(days: int, make: Any, *, backdated: int = 0) -> Any:
    """What is made with a lifetime of so many days, which begins ``backdated`` days before now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(x509, "LIFETIME", timedelta(days=days))
        if backdated:
            patch.setattr(x509, "BACKDATED", timedelta(days=backdated))
        return make()


def shown(store: Deployment, name: str) -> str:
    """The serial number of the certificate that the server shows to a new client."""
    address = way(store, name)["host"]
    done = run(
        "sh",
        "-c",
        f"openssl s_client -starttls postgres -connect {address}:5432 </dev/null 2>/dev/null | openssl x509 -noout -serial",
    )
    return done.stdout.strip().removeprefix("serial=").lower()


def test_a_full_disk_loses_no_certificate(store: Deployment) -> None:
    name = BOTH[0]
    before = serial(name)
    store.containers[name]["certificate_names"] = ["db.example.net"]
    inside(
        name,
        "fallocate -l $(df --output=avail -B1 /srv/postgresql | tail -1) /srv/postgresql/full; dd if=/dev/zero of=/srv/postgresql/full2 bs=4k 2>/dev/null; true",
    )
    try:
        assert "No space left on device" in store.pyinfra("-y", check=False, env=SECRET).stderr
    finally:
        inside(name, "rm -f /srv/postgresql/full /srv/postgresql/full2")
    assert serial(name) == before
    psycopg.connect(store.dsn(name)).close()
    apply(store)
    store.assert_as_declared()
    parameters = way(store, name)
    psycopg.connect(**parameters | {"hostaddr": parameters["host"], "host": "db.example.net"}).close()


#: What asyncpg, pg, pgjdbc and lib/pq say of a server that another authority has signed.
DISTRUST = "certificate verify failed|unable to verify|SELF_SIGNED|PKIX path|unknown authority"
#: What a run leaves behind that is killed after it made the key, or between the certificate's move and the key's.
KILLED = {
    "before it signs": "mv server.key server.key.new; rm server.crt",
    "between the moves": "cp -a server.key server.key.old; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 "
    "-out server.key.new; chown postgres: server.key.new; openssl req -x509 -new -key server.key.new -subj /CN=x "
    "-out server.crt -days 90; rm server.key.old",
}


@pytest.mark.parametrize("state", KILLED)
def test_what_a_killed_run_has_left_is_put_right(store: Deployment, state: str) -> None:
    inside(BOTH[0], f"set -e; umask 077; cd {TLS}; {KILLED[state]}")
    assert store.drift()[0] == 2
    apply(store)
    store.assert_as_declared()
    assert inside(BOTH[0], f"ls {TLS}").split() == ["ca.crl", "ca.crt", "server.crt", "server.key"]
    assert shown(store, BOTH[0]) == serial(BOTH[0])
    psycopg.connect(**way(store, BOTH[0])).close()


def test_nothing_is_signed_for_a_container_whose_clock_is_off(store: Deployment) -> None:
    name, before = BOTH[1], serial(BOTH[1])
    inside(
        name,
        "cat > /usr/local/bin/date; chmod +x /usr/local/bin/date",
        stdin="#!/bin/sh\nexec /bin/date -d '-3 hours' \"$@\"\n",
    )
    store.containers[name]["certificate_names"] = ["clock.example.net"]
    try:
        said = store.pyinfra("-y", check=False, env=SECRET)
        assert said.returncode != 0
        assert (
            "server.crt: the container's clock is 3.0 hours behind this machine's; set right whichever is"
            in said.stderr
        )
    finally:
        inside(name, "rm /usr/local/bin/date")
        store.containers[name]["certificate_names"] = []
    assert serial(name) == before
    store.assert_as_declared()


@pytest.mark.parametrize("days", [-100, 100])
def test_a_client_whose_clock_is_off_is_told_so(store: Deployment, days: int) -> None:
    """One container's client asks the other one's server."""
    here, there = BOTH[1], BOTH[0]
    inside(here, "which faketime || sh -s faketime", stdin=INSTALL.read_text())
    bundle = inside(here, "cat > /tmp/ca.crt; echo /tmp/ca.crt", stdin=(FOLDER / "ca.crt").read_text())
    parameters = way(store, there) | {"sslrootcert": bundle}
    secret = "PGPASSWORD='{}'".format(parameters.pop("password"))
    connect = make_conninfo(**parameters)
    asked = f'export {secret}; faketime -f "$DAYS" psql -XAtc "SELECT 1" "{connect}" 2>&1 || true'
    assert inside(here, f"DAYS=+0d; {asked}") == "1"
    said = inside(here, f"DAYS={days:+}d; {asked}")
    assert "certificate verify failed" in said


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_checks_the_server_in_full(store: Deployment, tmp_path: Path, name: str) -> None:
    driver = DRIVERS[name]
    line = ["dsn", "-c", BOTH[0], "--format", driver.form]
    assert tell(driver.program, well(store, *line).strip())["tls"] is True
    (tmp_path / "others.crt").write_text(x509.pem(issuing.authority("other").certificate))
    with pytest.raises(AssertionError, match=DISTRUST):
        tell(driver.program, well(store, *line, "--trust", str(tmp_path / "others.crt")).strip())


def test_old_protocols_are_refused_by_the_server(store: Deployment) -> None:
    for name in BOTH:
        address = way(store, name)["host"]
        offer = "openssl s_client -starttls postgres -cipher 'ALL:@SECLEVEL=0' -connect"
        for version, agreed in (("1_1", "(NONE)"), ("1_2", "TLSv1.2"), ("1_3", "TLSv1.3")):
            done = run("sh", "-c", f"{offer} {address}:5432 -tls{version} </dev/null 2>&1", check=False)
            assert f"New, {agreed}, Cipher is" in done.stdout, done.stdout
            assert ("alert protocol version" in done.stdout) is (version == "1_1")
        assert "no encryption" in refusal(way(store, name) | {"sslmode": "disable"})


def test_a_client_is_asked_for_its_certificate(store: Deployment, tmp_path: Path) -> None:
    for name in BOTH:
        assert "sslcert" not in way(store, name)
    declare(store, authentication="password+certificate")
    apply(store, secret=False)
    missing = command(store, "dsn", "-c", BOTH[0])
    assert missing.returncode == 1
    assert "asks for a certificate, and there is none in" in missing.stderr
    well(store, "certificate")
    mine = tmp_path / "client"
    well(store, "certificate", "--out", str(mine))
    assert {path.name: path.stat().st_mode & 0o777 for path in mine.iterdir()}["client.key"] == 0o600
    assert "is there already" in command(store, "certificate", "--out", str(mine)).stderr
    for name in BOTH:
        parameters = way(store, name)
        psycopg.connect(**parameters).close()
        psycopg.connect(**parameters | {"sslkey": f"{mine}/client.key", "sslcert": f"{mine}/client.crt"}).close()
        assert "password authentication failed" in refusal(parameters | {"password": "not the password"})
        # Of another role's, with the right password: the method's own words.
        none = "connection requires a valid client certificate"
        refused_without_a_good_certificate(parameters, tmp_path, none, "password authentication failed")
    store.assert_as_declared()
    assert (
        run(
            sys.executable,
            "-m",
            "deploy.commands",
            "psql",
            "-i",
            store.inventory,
            "-c",
            BOTH[0],
            "--",
            "-Atc",
            "SELECT 1",
        ).stdout
        == "1\n"
    )
    assert store.verify("-k", "test_tls or certificate or access").returncode == 0


def refused_without_a_good_certificate(parameters: dict[str, Any], folder: Path, without: str, others: str) -> None:
    """Whoever else's it is, whatever is wrong with it; ``without``, ``others``: what is said of none, and of another's."""
    signer, none = authorities().signer(), {"sslcert": "/nonexistent", "sslkey": "/nonexistent"}
    assert without in refusal(parameters | none)
    for at, role in enumerate(("event_store_owner", "nobody_at_all")):
        files = written(folder, issuing.for_client(signer, role), f"other{at}")
        assert others in refusal(parameters | files)
    strangers = written(folder, issuing.for_client(issuing.authority("other"), ROLE), "stranger")
    assert "unknown ca" in refusal(parameters | strangers)
    expired = written(folder, short_lived(-1, lambda: issuing.for_client(signer, ROLE), backdated=2), "expired")
    assert "certificate expired" in refusal(parameters | expired)


def test_a_certificate_alone_lets_its_role_in(store: Deployment, tmp_path: Path) -> None:
    declare(store, authentication="certificate")
    apply(store, secret=False)
    for name in BOTH:
        parameters = way(store, name)
        assert "password" not in parameters
        with psycopg.connect(**parameters) as session:
            assert session.execute("SELECT current_user").fetchone() == (ROLE,)
        none = "connection requires a valid client certificate"
        refused_without_a_good_certificate(parameters, tmp_path, none, "certificate authentication failed")
    store.assert_as_declared()
    assert store.verify("-k", "access").returncode == 0


def test_a_revoked_certificate_is_refused_after_the_next_deploy(store: Deployment, tmp_path: Path) -> None:
    mine = tmp_path / "client"
    number = re.search(r"certificate ([0-9a-f]+) of", well(store, "certificate", "--out", str(mine)))
    assert number
    files = {"sslkey": f"{mine}/client.key", "sslcert": f"{mine}/client.crt"}
    for name in BOTH:
        psycopg.connect(**way(store, name) | files).close()
    assert "was issued here; valid are" in command(store, "revoke", "--serial", "abc").stderr
    old = tmp_path / "old.ca"
    shutil.copytree(FOLDER, old)
    well(store, "revoke", "--serial", number[1])
    assert f"{number[1]}" in well(store, "authorities")
    assert store.drift()[0] == 2
    apply(store, secret=False)
    for name in BOTH:
        assert "certificate revoked" in refusal(way(store, name) | files)
        psycopg.connect(**way(store, name)).close()
    # Somebody else's copy of the folder, from before.
    FOLDER.rename(tmp_path / "new.ca")
    old.rename(FOLDER)
    refused = store.pyinfra("-y", check=False)
    assert refused.returncode != 0
    assert "this machine knows of later revocations than" in refused.stderr
    shutil.rmtree(FOLDER)
    (tmp_path / "new.ca").rename(FOLDER)
    store.assert_as_declared()


def test_another_authority_is_made_neither_here_nor_for_servers_that_trust_one(
    store: Deployment, tmp_path: Path
) -> None:
    lost, one = tmp_path / "lost.ca", authorities().standing.signing
    FOLDER.rename(lost)
    try:
        assert f"trusts authority {one} already. Bring" in command(store, "ca").stderr
        assert not FOLDER.exists()
        # Made on another machine, at the same time.
        Authorities(FOLDER, NAME, SECRET).add(signing=True)
        refused = store.pyinfra("-y", check=False, env=SECRET)
        assert refused.returncode != 0
        assert f"this machine trusts authority {one}, which is none of" in refused.stderr
        shutil.rmtree(FOLDER)
        Authorities(FOLDER, "other", SECRET).add(signing=True)
        refused = store.pyinfra("-y", check=False, env=SECRET)
        assert "'other': these are the authorities of another inventory than" in refused.stderr
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
        lost.rename(FOLDER)
    store.assert_as_declared()


def test_a_rollover_refuses_no_client_until_it_ends(store: Deployment, tmp_path: Path) -> None:
    old = {name: dict(way(store, name)) for name in BOTH}
    mine = tmp_path / "client"
    well(store, "certificate", "--out", str(mine))
    with ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(**old[name], autocommit=True)) for name in BOTH]
        assert "nothing to finish" in command(store, "rollover", "--step", "finish").stderr
        well(store, "rollover", "--step", "begin")
        assert "a rollover is under way" in command(store, "rollover", "--step", "begin").stderr
        assert "deploy first" in command(store, "rollover", "--step", "switch").stderr
        apply(store, secret=False)
        well(store, "trust", "--out", str(tmp_path / "both.crt"))
        well(store, "rollover", "--step", "switch")
        apply(store)
        for name in BOTH:
            psycopg.connect(**old[name] | {"sslrootcert": str(tmp_path / "both.crt")}).close()
        left = command(store, "rollover", "--step", "finish").stderr
        assert "clients have valid certificates of the old authority" in left
        for number in re.findall(r"([0-9a-f]{20,}) \(", left):
            well(store, "revoke", "--serial", number)
        well(store, "certificate")
        apply(store, secret=False)
        well(store, "rollover", "--step", "finish")
        apply(store, secret=False)
        for session in sessions:
            session.execute("SELECT 1")
    for name in BOTH:
        psycopg.connect(**way(store, name)).close()
        assert inside(name, f"grep -c BEGIN {TLS}/ca.crt") == "1"
        files = {"sslkey": f"{mine}/client.key", "sslcert": f"{mine}/client.crt"}
        assert "unknown ca" in refusal(way(store, name) | files)
    store.assert_as_declared()


def test_a_lost_authority_is_replaced_and_its_clients_go_on_meanwhile(store: Deployment, tmp_path: Path) -> None:
    one = authorities().standing.signing
    kept = tmp_path / "kept"
    shutil.copytree(CLIENTS, kept)
    forget()
    assert "already. Bring" in command(store, "ca", "--replace", "abc").stderr
    assert f"{one} stays trusted" in well(store, "ca", "--replace", one)
    assert "its key is lost" in well(store, "authorities")
    well(store, "certificate")
    apply(store)
    clients = {"sslkey": f"{kept}/{ROLE}/client.key", "sslcert": f"{kept}/{ROLE}/client.crt"}
    for name in BOTH:
        psycopg.connect(**way(store, name)).close()
        psycopg.connect(**way(store, name) | clients).close()
    well(store, "rollover", "--step", "finish")
    apply(store, secret=False)
    for name in BOTH:
        psycopg.connect(**way(store, name)).close()
        assert "unknown ca" in refusal(way(store, name) | clients)
    store.assert_as_declared()


def test_back_to_where_it_began_and_nothing_was_lost(store: Deployment) -> None:
    declare(store, authentication="password")
    apply(store, secret=False)
    for name in BOTH:
        with psycopg.connect(store.dsn(name), autocommit=True) as session:
            session.execute("SELECT event_store.append_event('Test', gen_random_uuid(), 0, 'Kept', '{}')")
    for data in store.containers.values():
        data.pop("certificate_names", None)
        data["tls"] = "self-signed"
    assert store.pyinfra("-y").returncode == 0
    store.assert_as_declared()
    for name in BOTH:
        psycopg.connect(store.dsn(name)).close()
        left = "systemctl list-units --all --no-legend 'event-store-certificates*'; ls /etc/systemd/system | grep certificates"
        assert inside(name, left, check=False) == "", inside(name, "journalctl --no-pager -u event-store-certificates")
        assert sql(name, "SELECT count(*) FROM event_store.events WHERE event_type = 'Kept'") == "1"
