import re
from pathlib import Path

from deploy.model.project import ROOT

#: Any function that takes or gives back an advisory lock.
LOCKING = re.compile(r"\bpg_(?:try_)?advisory_\w+")


def test_every_advisory_lock_ends_with_its_transaction() -> None:
    """Behind a pooler a lock of the session would stay with a session that somebody else has by then."""
    folders = (ROOT / "sql", ROOT / "client" / "src", ROOT / "templates", ROOT / "deploy")
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*") if is_source(file)]
    found = {name for text in texts for name in LOCKING.findall(text)}
    assert "pg_advisory_xact_lock" in found
    assert {name for name in found if "_xact_" not in name} == set()


def is_source(file: Path) -> bool:
    return file.suffix in {".sql", ".py", ".j2", ".sh"}
