"""A newer checkout of this repository: a copy of it with one more migration."""

import os
import shutil
import subprocess
from pathlib import Path

from deploy.schema import catalogue

from .deployment import PYINFRA, ROOT, Deployment, run
from .locks import turn_lock

_PARTS = ("deploy", "sql", "templates", "group_data")

#: The last migration of this checkout.
LAST = catalogue.load().migrations[-1].version
NEWER = f"{LAST + 1:04d}_newer"

UP = """
CREATE TABLE event_store.notes (event_type text NOT NULL);
CREATE INDEX idx_newer ON event_store.events (actor);
"""
DOWN = """-- loses event_store.notes
DROP INDEX event_store.idx_newer;
DROP TABLE event_store.notes CASCADE;
"""
#: A new function, and one that every append calls and that now needs the new table.
FUNCTIONS = {
    "append/new_event_id.sql": """
CREATE OR REPLACE FUNCTION event_store.new_event_id() RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO event_store.notes (event_type) VALUES ('appended');
    RETURN gen_random_uuid();
END
$$;
""",
    "read/get_notes.sql": """
CREATE OR REPLACE FUNCTION event_store.get_notes() RETURNS SETOF event_store.notes
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'SELECT * FROM event_store.notes';
""",
}


class Checkout:
    """A copy of the repository in a folder of its own, and pyinfra in it."""

    def __init__(self, folder: Path, up: str = UP, down: str = DOWN) -> None:
        self.folder = folder
        for part in _PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        migration = folder / "sql" / "migrations" / NEWER
        migration.mkdir()
        (migration / "up.sql").write_text(up)
        (migration / "down.sql").write_text(down)
        for name, text in FUNCTIONS.items():
            (folder / "sql" / "repeatable" / "functions" / name).write_text(text)

    def pyinfra(
        self, deployment: Deployment, file: str, *arguments: str, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """`pyinfra INVENTORY FILE ARGUMENTS` of this checkout, with the passwords of the one under test."""
        inventory = deployment.inventory
        secrets = self.folder / ".secrets"
        secrets.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(ROOT / ".secrets" / f"{deployment.name}.json", secrets)
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        with turn_lock():
            return run(PYINFRA, inventory, file, *arguments, cwd=self.folder, env=environment, check=check)
