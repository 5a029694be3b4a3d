"""`make types`: what it writes of a deployed store is used by a program of each language, and a wrong payload does not pass."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from deploy.commands.connection import choose_event_store, way_in
from deploy.commands.dsn_formats import FORMATS
from deploy.model.inventory import read_inventory

from .containers import INNER_TRIXIE as TRIXIE
from .deployment import Deployment, run

STORIES = Path(__file__).parent / "typed"
MODULES = Path(__file__).parent / "drivers/stories/node_modules"
REGISTERED = {
    ("TypedOpened", 1): {
        "type": "object",
        "properties": {
            "symbol": {"type": "string"},
            "price": {"$ref": "#/$defs/price"},
            "option": {"enum": ["call", "put"]},
        },
        "required": ["symbol", "price"],
        "$defs": {"price": {"type": "number", "minimum": 0}},
    },
    ("TypedClosed", 2): {"type": "object", "properties": {"reason": {"type": "string"}}},
}
TOLD = "1: AAPL for 2.50\n2: closed, no reason\n"
#: What stands in the programs, and what is no event of the store.
WRONG = {
    "another type of a value": ('"AAPL"', "7"),
    "a value that is missing": ('symbol: "AAPL", ', ""),
    "a name that is misspelt": ("symbol:", "symbl:"),
    "a value that is not in the list": ('"put"', '"straddle"'),
    "another schema version": ("schema_version: 2", "schema_version: 3"),
}


@pytest.fixture(scope="module")
def dsn(deployed: Deployment) -> str:
    dsn = deployed.dsn(TRIXIE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for (name, version), schema in REGISTERED.items():
            connection.execute("SELECT event_store.register_event_type(%s, %s, %s)", [name, version, Jsonb(schema)])
    return dsn


def made(deployed: Deployment, language: str, folder: Path) -> None:
    """The types, and the program that uses them beside them."""
    names = [f"INVENTORY={deployed.inventory}", f"CONTAINER={TRIXIE}", f"LANGUAGE={language}", f"OUT={folder}"]
    done = run("make", "-s", "types", *names)
    assert "event types of event store" in done.stdout
    story = STORIES / ("story.ts" if language == "typescript" else "story.py")
    shutil.copy(story, folder)


def call(command: Sequence[str], folder: Path, dsn: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "STORY_DSN": dsn, "STORY_AGGREGATE": str(uuid4()), "NODE_NO_WARNINGS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def compiled(folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "package.json").write_text('{"type": "module"}')
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(MODULES)
    tsc = ["node", str(MODULES / "typescript/bin/tsc"), "--strict", "--module", "nodenext", "--target", "es2022"]
    return call([*tsc, "--skipLibCheck", "story.ts"], folder, "")


def checked(folder: Path) -> "subprocess.CompletedProcess[str]":
    # Not with this project's settings.
    return call([sys.executable, "-m", "mypy", "--strict", "--config-file=", "story.py"], folder, "")


def test_a_program_in_typescript(deployed: Deployment, dsn: str, tmp_path: Path) -> None:
    made(deployed, "typescript", tmp_path)
    done = compiled(tmp_path)
    assert done.returncode == 0, done.stdout
    settings = read_inventory(deployed.inventory)
    for_node = FORMATS["node"](way_in(choose_event_store(settings, TRIXIE), settings))
    done = call(["node", "story.js"], tmp_path, for_node)
    assert done.stdout == TOLD, done.stderr
    story = (tmp_path / "story.ts").read_text()
    for what, (right, wrong) in WRONG.items():
        assert right in story, what
        (tmp_path / "story.ts").write_text(story.replace(right, wrong, 1))
        done = compiled(tmp_path)
        assert done.returncode != 0, what
        assert "story.ts(" in done.stdout, what


def test_a_program_in_python(deployed: Deployment, dsn: str, tmp_path: Path) -> None:
    made(deployed, "python", tmp_path)
    done = checked(tmp_path)
    assert done.returncode == 0, done.stdout
    done = call([sys.executable, "story.py"], tmp_path, dsn)
    assert done.stdout == TOLD, done.stderr
    story = (tmp_path / "story.py").read_text()
    for what, parts in WRONG.items():
        right, wrong = (_quoted(part) for part in parts)
        assert right in story, what
        (tmp_path / "story.py").write_text(story.replace(right, wrong, 1))
        done = checked(tmp_path)
        assert done.returncode != 0, what
        assert "story.py:" in done.stdout, what


def test_what_is_missing_is_named(deployed: Deployment, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "deploy.commands", "types", "-i", deployed.inventory, "-c", TRIXIE]
    assert run(*program, "--language", "cobol", "--out", str(tmp_path), check=False).returncode == 64
    done = run(*program, "--out", str(tmp_path), check=False)
    assert (done.returncode, "LANGUAGE=" in done.stderr) == (1, True)
    done = run(*program, "--language", "python", "--out", "", check=False)
    assert (done.returncode, "OUT=folder" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def _quoted(part: str) -> str:
    """As a Python dictionary has it."""
    for name in ("symbol", "symbl", "schema_version"):
        part = part.replace(f"{name}:", f'"{name}":')
    return part
