"""A planted password is found nowhere but where it belongs: in the environment that gave it, and as a verifier."""

import os
import sys
import time
from pathlib import Path
from secrets import token_hex

from .canaries import VERIFIER, Processes, watched
from .containers import TRIXIE
from .deployment import STORAGE, Deployment, inside, run, sql

# Made up in each run, so that this file is no hit.
PLANTED = f"Planted-{token_hex(12)}"


def test_a_planted_password_is_found_nowhere(deployed: Deployment) -> None:
    environment = {"EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER": PLANTED}
    processes = Processes(lambda: {PLANTED, VERIFIER}, files=("cmdline",))
    # What has not changed since cannot have it.
    changed = f"-type f -newerct @{time.time() - 60:.0f} -print0 | xargs -0r grep -lsF {PLANTED} || true"
    try:
        with watched(processes):
            outputs = [
                deployed.pyinfra(*arguments, env=environment)
                for arguments in (
                    ("--dry", "--diff"),
                    ("--dry", "--json"),
                    ("-y", "--debug-operations"),
                    ("-y", "-vvv", "--debug", "--diff"),
                )
            ]
        with_password = run(
            "make", "-s", "dsn", f"INVENTORY={deployed.inventory}", f"CONTAINER={TRIXIE}", env=os.environ | environment
        )
        assert PLANTED in with_password.stdout, "the planted password is in use"
        for done in outputs:
            assert PLANTED not in done.stdout + done.stderr
            assert VERIFIER not in done.stdout + done.stderr
        logs = inside(TRIXIE, "journalctl --no-pager; cat /var/log/postgresql/*")
        assert PLANTED not in logs
        assert VERIFIER not in logs
        assert inside(TRIXIE, f"find / -xdev -not -path '/proc/*' -perm /o=r {changed}") == ""
        on_host = f"find /var/lib/lxc /etc /tmp /var/log /run {deployed.folder} {changed}"
        assert run("sh", "-c", on_host).stdout == ""
        assert run("sh", "-c", f"find {STORAGE} -perm /o=r {changed}").stdout == ""
    finally:
        deployed.apply()


def test_a_password_in_a_setting_is_in_no_command_line_and_in_no_output(deployed: Deployment) -> None:
    deployed.apply()
    declared = dict(deployed.containers[TRIXIE])
    packed = "H4sI"  # how everything begins that is compressed and written as base64
    try:
        deployed.containers[TRIXIE] |= {"postgresql_settings": {"primary_conninfo": f"host=x password={PLANTED}"}}
        with watched(Processes(lambda: {PLANTED, packed})):
            outputs = [
                run(sys.executable, "-m", "deploy.commands", "drift", "--json", "-i", deployed.inventory, check=False),
                deployed.pyinfra("--dry", "--diff", "-vvv", "--debug"),
                deployed.pyinfra("-y", "-vvv", "--debug"),
            ]
        assert r"primary_conninfo = 'host=x password=\u2026'" in outputs[0].stdout  # as JSON writes the dots
        assert sql(TRIXIE, "SHOW primary_conninfo") == f"host=x password={PLANTED}"
        for done in outputs:
            assert PLANTED not in done.stdout + done.stderr
            assert packed not in done.stdout + done.stderr
    finally:
        deployed.containers[TRIXIE] = declared
        deployed.apply()


def test_a_verifier_is_kept_by_nothing_that_the_server_has_loaded(deployed: Deployment) -> None:
    deployed.containers[TRIXIE]["postgresql_settings"] = {
        "shared_preload_libraries": "pg_stat_statements, auto_explain",
        "auto_explain.log_min_duration": 0,
        "log_statement": "all",
    }
    deployed.apply()
    sql(TRIXIE, "CREATE EXTENSION pg_stat_statements; ALTER ROLE stock_analysis_user PASSWORD NULL", "postgres")
    assert deployed.apply() == [f"Database | Have the roles ['@lxc/{TRIXIE}']"]
    kept = sql(TRIXIE, "SELECT count(*) FROM pg_stat_statements WHERE query ~ 'SCRAM-SHA-256[$]'", "postgres")
    sql(TRIXIE, "DROP EXTENSION pg_stat_statements", "postgres")
    assert kept == "0"
    log = inside(TRIXIE, "cat /var/log/postgresql/postgresql-17-main.log")
    assert "SELECT" in log
    assert VERIFIER not in log


def test_the_passwords_file_is_its_owners_alone(deployed: Deployment) -> None:
    file = Path(".secrets") / f"{deployed.name}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("git", "check-ignore", str(file)).stdout.strip() == str(file)
    file.chmod(0o644)
    try:
        done = deployed.pyinfra("-y", check=False)
        assert done.returncode != 0
        assert "others can read it" in done.stderr
    finally:
        file.chmod(0o600)
