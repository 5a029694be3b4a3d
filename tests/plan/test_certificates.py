"""The plan of a store that is to have its certificate from the inventory's authority, before there is a container."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.certificates.keys import PASSPHRASE

from .command import ROOT, Plan
from .conftest import Pyinfra


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Path]:
    """One absent container on this machine."""
    name = f"absent-{uuid4().hex[:8]}"
    path = tmp_path / f"{name}.py"
    path.write_text(
        f"lxc_hosts = [('@local', {{'storage_path': '{tmp_path}/store'}})]\n"
        f"event_stores = [('@lxc/{name}', {{'address': '10.0.3.126', 'tls': 'authority'}})]\n"
    )
    yield path
    shutil.rmtree(ROOT / ".secrets" / f"{name}.ca", ignore_errors=True)


def test_the_plan_of_a_store_with_an_authority_signs_nothing(pyinfra: Pyinfra, inventory: Path) -> None:
    line = [sys.executable, "-m", "deploy.commands", "ca", "-i", str(inventory)]
    environment = {**os.environ, PASSPHRASE: "correct horse battery"}
    subprocess.run(line, cwd=ROOT, env=environment, check=True, capture_output=True)
    folder = ROOT / ".secrets" / f"{inventory.stem}.ca"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    # Whoever plans need not know the passphrase.
    done = pyinfra(str(inventory), "deploy/", "--dry", "--json", environment={PASSPHRASE: None})
    on = Plan.of(done).on(f"@lxc/{inventory.stem}")
    for name in (
        "Have the TLS certificate",
        "Have the authorities that clients are checked by",
        "Watch the certificates",
    ):
        assert f"Certificates | {name}" in on
    assert "rror" not in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert not (inventory.parent / "store").exists()


def test_a_plan_without_the_authority_says_how_to_make_one(pyinfra: Pyinfra, inventory: Path) -> None:
    done = pyinfra(str(inventory), "deploy/", "--dry", "--json")
    assert done.returncode != 0
    assert "there is no certificate authority here. If the inventory has none yet, `make ca` makes it" in done.stderr
