"""Bad data end the run before anything is touched, and say where, what, and what would be right."""

import json
import os
import subprocess
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from .command import FAKE, PASSWORD_VARIABLE
from .conftest import Pyinfra


class BadData(NamedTuple):
    """Data that cannot be right, and what the message has to name."""

    what: str
    says: tuple[str, ...]
    """Key, value and remedy."""
    container: str = "{}"
    """Data of container one."""
    other: str = "{}"
    """Data of container two."""
    host: str = "{}"


CASES = [
    BadData("unknown key", ("@fake/one", "memmory", "'2GiB'", "did you mean memory?"), "{'memmory': '2GiB'}"),
    BadData("unknown key of a host", ("@fake/host", "brigde", "did you mean bridge?"), host="{'brigde': 'br0'}"),
    BadData("size", ("@fake/one", "memory", "'two gigs'", "GiB"), "{'memory': 'two gigs'}"),
    BadData("address", ("@fake/one", "address", "'10.0.3.300'", "10.0.3.10"), "{'address': '10.0.3.300'}"),
    BadData("address outside", ("@fake/one", "address", "10.9.9.9", "10.0.3.0/24"), "{'address': '10.9.9.9'}"),
    BadData("address of the gateway", ("@fake/one", "10.0.3.1", "take another"), "{'address': '10.0.3.1'}"),
    BadData("address among DHCP's", ("@fake/one", "10.0.3.200", "below 10.0.3.128"), "{'address': '10.0.3.200'}"),
    BadData("address twice", ("@fake/one", "@fake/two", "10.0.3.12", "its own"), "{'address': '10.0.3.12'}"),
    BadData("name twice", ("@fake/one", "@fake/two", "container two", "rename one"), "{'lxc_name': 'two'}"),
    BadData(
        "id range twice", ("@fake/one", "@fake/two", "overlap", "2035536", "id_base"),
        "{'id_base': 2_000_000}", "{'id_base': 2_035_536}",
    ),
    BadData("no memory", ("@fake/one", "memory", "'256MiB'", "at least \"512MiB\""), "{'memory': '256MiB'}"),
    BadData("no disk", ("@fake/one", "disk", "'1GiB'", "at least \"2GiB\""), "{'disk': '1GiB'}"),
    BadData("CPUs", ("@fake/one", "cpus", "0", "greater than or equal to 1"), "{'cpus': 0}"),
    BadData(
        "unknown setting", ("@fake/one", "shared_bufers", "shared_buffers"),
        "{'postgresql_settings': {'shared_bufers': '1GB'}}",
    ),
    BadData(
        "owned setting", ("@fake/one", "data_directory", "volume"), "{'postgresql_settings': {'data_directory': '/x'}}"
    ),
    BadData(
        "tuning over memory", ("@fake/one", "shared_buffers", "4GB", "memory"),
        "{'memory': '2GiB', 'postgresql_settings': {'shared_buffers': '4GB'}}",
    ),
    BadData("release", ("@fake/one", "release", "'buster'", "'trixie' or 'bookworm'"), "{'release': 'buster'}"),
    BadData("version", ("@fake/one", "postgresql_version", "16", "write 17"), "{'postgresql_version': 16}"),
    BadData("no such host", ("@fake/one", "@fake/elsewhere", "lxc_hosts"), "{'lxc_host': '@fake/elsewhere'}"),
    BadData("subnet", ("@fake/host", "subnet", "'10.0.3.0/33'", "10.0.3.0/24"), host="{'subnet': '10.0.3.0/33'}"),
]  # fmt: skip


def _inventory(folder: Path, case: BadData) -> Path:
    path = folder / "bad.py"
    path.write_text(
        textwrap.dedent(f"""
            fake = {{"fake_delay": 0, "fake_delay_jitter": 0}}
            lxc_hosts = [("@fake/host", {{**fake, **{case.host}}})]
            one = {{"lxc_name": "one", "lxc_host": "@fake/host", "address": "10.0.3.11", **fake}}
            two = {{"lxc_name": "two", "lxc_host": "@fake/host", "address": "10.0.3.12", **fake}}
            event_stores = [("@fake/one", {{**one, **{case.container}}}), ("@fake/two", {{**two, **{case.other}}})]
        """)
    )
    return path


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_bad_data_end_the_run_before_anything_is_touched(pyinfra: Pyinfra, tmp_path: Path, case: BadData) -> None:
    inventory = _inventory(tmp_path, case)
    done = pyinfra(str(inventory), "deploy/", "-y")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Starting operation" not in output
    assert "Traceback" not in output
    said = " ".join(output.split())
    assert [word for word in (str(inventory), *case.says) if word not in said] == []


def test_the_same_data_without_the_fault_are_taken(pyinfra: Pyinfra, tmp_path: Path) -> None:
    """Or the cases above might end for another reason than theirs."""
    done = pyinfra(str(_inventory(tmp_path, BadData("nothing", ()))), "deploy/", "-y")
    assert done.returncode == 0, done.stderr
    assert "Starting operation" in done.stderr


def test_all_problems_are_listed_at_once(pyinfra: Pyinfra, tmp_path: Path) -> None:
    case = BadData("two", (), "{'memory': 'two gigs'}", "{'disk': '1GiB'}")
    done = pyinfra(str(_inventory(tmp_path, case)), "deploy/", "-y")
    assert "2 problem(s)" in done.stderr
    assert "two gigs" in done.stderr
    assert "1GiB" in done.stderr


@pytest.mark.parametrize("password", ["ChangeThisPassword", "", "short", "stock_analysis_user1", "aaaaaaaaaaaaaaaa"])
def test_weak_password_ends_the_run_before_anything_is_touched(pyinfra: Pyinfra, password: str) -> None:
    done = pyinfra(FAKE, "deploy/", "-y", environment={PASSWORD_VARIABLE: password})
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Starting operation" not in output
    assert "Traceback" not in output
    assert PASSWORD_VARIABLE in output
    assert not password or password not in output.replace(PASSWORD_VARIABLE, "").replace("stock_analysis_user ", "")


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ("vault:prod", ("secrets = 'vault:prod'", "pattern")),
        ("environment", (f'@fake/one: "secrets": "environment", and {PASSWORD_VARIABLE} is not set; export it',)),
        ("age:nowhere/prod.age", ("EVENT_STORE_AGE_IDENTITY is not set; export the path of your identity",)),
        ("pass:nowhere", ("the entry nowhere of pass cannot be used", "see `pass init`")),
    ],
)
def test_a_provider_that_cannot_be_used_ends_the_run_before_anything_is_touched(
    pyinfra: Pyinfra, tmp_path: Path, provider: str, says: tuple[str, ...]
) -> None:
    data = f"{{'secrets': '{provider}'}}"
    inventory = _inventory(tmp_path, BadData("provider", says, data, data))
    environment = {PASSWORD_VARIABLE: None, "EVENT_STORE_AGE_IDENTITY": None, "PASSWORD_STORE_DIR": str(tmp_path)}
    done = pyinfra(str(inventory), "deploy/", "-y", environment=environment)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Starting operation" not in output
    assert "Traceback" not in output
    said = " ".join(output.split())
    assert [words for words in says if words not in said] == []


def test_passwords_are_generated_into_pass_for_several_containers_at_once(pyinfra: Pyinfra, tmp_path: Path) -> None:
    """While the program runs for one of them, the other one wants to."""
    environment = {PASSWORD_VARIABLE: None, "PASSWORD_STORE_DIR": str(tmp_path / "store"), "GNUPGHOME": str(tmp_path)}
    tmp_path.chmod(0o700)
    variables = os.environ | {name: value for name, value in environment.items() if value}
    for command in (
        ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "operator", "future-default"],
        ["pass", "init", "operator"],
    ):
        subprocess.run(command, env=variables, check=True, capture_output=True)
    data = "{'secrets': 'pass:event-store/plan'}"
    try:
        done = pyinfra(
            str(_inventory(tmp_path, BadData("nothing", (), data, data))), "deploy/", "-y", environment=environment
        )
        assert done.returncode == 0, done.stderr
        shown = subprocess.run(["pass", "show", "event-store/plan"], env=variables, check=True, capture_output=True)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=variables, check=True)
    stored = json.loads(shown.stdout)
    assert stored.keys() == {"@fake/one", "@fake/two"}
    assert len({password for roles in stored.values() for password in roles.values()}) == 2
