import re
import shutil
from pathlib import Path

import pytest

from deploy.schema import catalogue


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(catalogue.ROOT, tmp_path / "sql"))


def test_no_comment_is_wider_than_a_screen() -> None:
    """Migrations are as they were released."""
    files = [file for folder in ("repeatable", "catalogue") for file in (catalogue.ROOT / folder).rglob("*.sql")]
    assert files
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            assert len(line) <= 125 or not line.lstrip().startswith("--"), f"{file.name}:{number}"


def test_every_part_is_put_in_its_place() -> None:
    schema = catalogue.load()
    for script in (schema.state, schema.reference, schema.repair, schema.repair_earlier):
        assert not re.search(r"/\* [a-z._ ]+ \*/", script)
        assert "pg_get_functiondef" in script


def test_the_reference_is_made_of_migrations_then_functions_then_views_triggers_grants() -> None:
    script = catalogue.load().reference
    parts = ["CREATE TABLE event_store.events (", "FUNCTION event_store.append_events(", "CREATE MATERIALIZED VIEW"]
    parts += ["CREATE OR REPLACE TRIGGER", "GRANT EXECUTE ON FUNCTION\n"]
    places = [script.index(part) for part in parts]
    assert places == sorted(places)


def test_every_edited_file_makes_another_reference(root: Path) -> None:
    digests = {catalogue.load(root).digest}
    files = [path for path in root.rglob("*.sql") if path.name != "down.sql"]
    for path in files:
        path.write_text(path.read_text() + "\n-- edited\n")
        catalogue.load.cache_clear()
        digests.add(catalogue.load(root).digest)
    assert len(digests) == len(files) + 1


def test_a_file_is_named_as_its_function_is_called() -> None:
    for path in (catalogue.ROOT / "repeatable" / "functions").rglob("*.sql"):
        names = re.findall(r"CREATE OR REPLACE FUNCTION \w+\.(\w+)\(", path.read_text())
        assert names == [path.stem]


def test_every_function_that_runs_as_its_owner_pins_the_search_path() -> None:
    for path in (catalogue.ROOT / "repeatable" / "functions").rglob("*.sql"):
        sql = path.read_text()
        if re.search(r"^LANGUAGE .* SECURITY DEFINER", sql, re.MULTILINE):
            assert "SET search_path = pg_catalog, pg_temp" in sql, path.name
