"""`inventory/prod.py`'s way: an LXC host over SSH, as a user who is not root. This machine is that host, on loopback."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import declared
from .deployment import PYINFRA, ROOT, STORAGE, Deployment, inside, run
from .locks import turn_lock

USER, PORT, CONTAINER = "estest-operator", 22022, "estest-ssh"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An SSH server with a key and an account of its own, on loopback only; the folder with the client's key."""
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "client"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    run("sh", "-c", f"id {USER} 2>/dev/null || useradd --system --shell /bin/sh --create-home --password '*' {USER}")
    sudoers = Path(f"/etc/sudoers.d/{USER}")
    sudoers.write_text(f"{USER} ALL=(root) NOPASSWD: ALL\n")
    authorized = Path(f"/run/{USER}.keys")
    authorized.write_text((folder / "client.pub").read_text())
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{PORT}\nHostKey {folder / 'host'}\nAuthorizedKeysFile {authorized}\nPidFile none\n"
        f"PasswordAuthentication no\nAllowUsers {USER}\nMaxSessions 50\nSubsystem sftp internal-sftp\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    # A host on which new files are closed to others, unless who makes them says otherwise.
    sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
    server = subprocess.Popen(sshd, stderr=subprocess.DEVNULL, umask=0o077)
    time.sleep(0.5)
    yield folder
    server.terminate()
    server.wait()
    authorized.unlink()
    sudoers.unlink()
    run("userdel", "--remove", USER, check=False)


@pytest.fixture(scope="module")
def remote(sshd: Path) -> Iterator[Deployment]:
    """A deployment onto that host."""
    host = {
        "ssh_hostname": "127.0.0.1",
        "ssh_port": PORT,
        "ssh_user": USER,
        "ssh_key": str(sshd / "client"),
        "ssh_known_hosts_file": str(sshd / "known_hosts"),
        "_sudo": True,
    }
    deployment = Deployment(sshd, "estest-remote", declared(CONTAINER), host, "estest-host")
    deployment.destroy()
    yield deployment
    deployment.destroy()


def test_deploys_over_ssh_and_changes_nothing_the_second_time(remote: Deployment) -> None:
    remote.apply()
    assert remote.apply() == []
    with remote.connect(CONTAINER) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("stock_analysis_user",)


def test_the_hosts_umask_has_no_say(remote: Deployment, sshd: Path) -> None:
    remote.apply()
    asked = ["ssh", "-p", str(PORT), "-i", str(sshd / "client"), "-o", f"UserKnownHostsFile={sshd / 'known_hosts'}"]
    assert run(*asked, f"{USER}@127.0.0.1", "sudo sh -c umask").stdout == "0077\n"
    folders = [f"{STORAGE}/containers/{CONTAINER}", f"{STORAGE}/volumes/{CONTAINER}", f"/var/lib/lxc/{CONTAINER}"]
    assert run("stat", "-c", "%a", *folders).stdout.split() == ["755"] * len(folders)
    assert inside(CONTAINER, "stat -c %a /etc/event-store /etc/hosts /srv/postgresql").split() == ["755", "644", "755"]


def test_a_run_ends_in_peace_and_a_killed_one_leaves_no_lock_behind(remote: Deployment) -> None:
    remote.apply()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [PYINFRA, remote.inventory, "deploy/"]
    with turn_lock(), subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as first:  # type: ignore[call-overload]
        lock = Path("/run/event-store/run.lock")
        while f"process {first.pid}," not in lock.read_text():
            assert first.poll() is None, "the run has ended without the lock"
            time.sleep(0.05)
        assert f"process {first.pid}," in remote.pyinfra("-y", check=False).stderr
        first.kill()
    done = remote.pyinfra("-y")
    assert "Traceback" not in done.stderr


def test_drift_is_found_and_repaired_over_ssh(remote: Deployment) -> None:
    inside(CONTAINER, "echo '# by hand' >> /etc/hosts; systemctl stop postgresql@17-main")
    status, report = remote.drift()
    assert status == 2
    assert "/etc/hosts: content differs" in report
    remote.apply()
    remote.assert_as_declared()


def test_verifies_over_ssh(remote: Deployment) -> None:
    remote.assert_verified()


def program(command: str, remote: Deployment, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The operators' program."""
    return run(sys.executable, "-m", "deploy.commands", command, "-i", remote.inventory, *arguments, check=False)


def test_status_is_asked_over_ssh(remote: Deployment) -> None:
    remote.apply()
    done = program("status", remote, "--json")
    rows = json.loads(done.stdout)["rows"]
    assert {row["state"] for row in rows} == {"well"}, rows
    kinds = {"host", "container", "certificate", "cluster", "login", "worker", "projection"}
    assert {row["kind"] for row in rows} == kinds
    assert done.returncode == 0


def test_psql_goes_through_a_tunnel(remote: Deployment) -> None:
    # The tunnel ends at the host, which is where the server sees the connection come from.
    done = program("psql", remote, "--", "-Atc", "SELECT current_user, host(inet_client_addr())")
    assert done.stdout == "stock_analysis_user|10.0.3.1\n", done.stderr
    assert run("pgrep", "-f", f"^ssh .* -L .*:{remote.containers[CONTAINER]['address']}:5432", check=False).stdout == ""


def test_a_shell_is_entered_over_ssh(remote: Deployment) -> None:
    done = program("shell", remote, "--", "sh", "-c", 'echo "$(hostname) $(id -u) it\'s"; exit 7')
    assert (done.returncode, done.stdout) == (7, f"{CONTAINER} 0 it's\n"), done.stderr
