"""Authorities in a folder of their own."""

import shutil
from pathlib import Path

import pytest
from declared import SECRET

from deploy.certificates.authority import Authorities


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    """One authority, which signs. age takes seconds to encrypt a key, so it is made once, and copied."""
    made = Authorities(tmp_path_factory.mktemp("made") / ".secrets" / "prod.ca", "prod", SECRET)
    made.add(signing=True)
    made.signer()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".secrets" / "prod.ca"


@pytest.fixture
def authorities(made: Authorities, folder: Path) -> Authorities:
    """One authority, which signs, with its key at hand."""
    shutil.copytree(made.folder, folder)
    copied = Authorities(folder, "prod", SECRET)
    copied._signers |= made._signers
    return copied
