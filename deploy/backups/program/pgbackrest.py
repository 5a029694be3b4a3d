"""pgBackRest's command line: what it is told, and what it says."""

import configparser
import json
import subprocess
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/etc/pgbackrest/pgbackrest.conf")


class BackupError(Exception):
    """Something could not be done; the message says what, and what helps."""


def stanzas() -> list[str]:
    """The event stores that are backed up here."""
    return [name for name in _configured().sections() if name != "global"]


def settings() -> dict[str, str]:
    """What is set for all of them."""
    return dict(_configured()["global"])


def _configured() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=["="])
    parser.read_string(CONFIGURATION.read_text(encoding="utf-8"))
    return parser


def info(stanza: str | None = None) -> dict[str, dict[str, Any]]:
    """Stanza → what `pgbackrest info` knows of it. Raises `BackupError`.

    A copy's container is told of nothing but the ``stanza`` that it asks for.
    """
    chosen = [] if stanza is None else [f"--stanza={stanza}"]
    said = _output(*chosen, "--output=json", "--log-level-console=off", "info")
    return {entry["name"]: entry for entry in json.loads(said)}


def listed(stanza: str, folder: str) -> list[str]:
    """The paths of all files below a folder of the repository, relative to it. Raises `BackupError`."""
    said = _output(f"--stanza={stanza}", "--output=json", "--recurse", "--log-level-console=off", "repo-ls", folder)
    return [path for path, entry in json.loads(said).items() if entry["type"] == "file"]


def read(stanza: str, path: str) -> str:
    """The text of a file of the repository. Raises `BackupError`."""
    return _output(f"--stanza={stanza}", "--log-level-console=off", "repo-get", path)


def run(stanza: str, *arguments: str) -> int:
    """Run a command that says itself how it goes; returns its exit status."""
    return subprocess.run(["pgbackrest", f"--stanza={stanza}", *arguments], check=False).returncode


def said(stanza: str, *arguments: str) -> tuple[int, str]:
    """Run a command; its exit status, and all that it says."""
    done = subprocess.run(
        ["pgbackrest", f"--stanza={stanza}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def _output(*arguments: str) -> str:
    done = subprocess.run(["pgbackrest", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"pgbackrest {arguments[-1]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
