"""Authorities in a folder of their own."""

from pathlib import Path

import pytest
from declared import SECRET

from deploy.certificates.authority import Authorities


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".secrets" / "prod.ca"


@pytest.fixture
def authorities(folder: Path) -> Authorities:
    """One authority, which signs."""
    made = Authorities(folder, "prod", SECRET)
    made.add(signing=True)
    return made
