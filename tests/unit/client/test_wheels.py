"""The wheels: what is in them, and what an empty environment gets with the client's."""

import importlib.metadata
import shutil
import subprocess
import sys
import venv
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "client"
_JUNK = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
#: What runs the client's tests; the versions are those of this environment.
_TEST_TOOLS = [f"{name}=={importlib.metadata.version(name)}" for name in ("pytest", "hypothesis")]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheels of the client and of the project, built from copies: building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheels")
    for part in ("deploy", "examples", "client"):
        shutil.copytree(ROOT / part, folder / part, ignore=_JUNK)
    for file in ("pyproject.toml", "requirements.txt"):
        shutil.copy2(ROOT / file, folder)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", "dist", "./client", ".", cwd=folder)
    (client,) = folder.glob("dist/event_store_client-*.whl")
    (project,) = folder.glob("dist/stock_analysis_event_store-*.whl")
    return client, project


class Environment:
    """A virtual environment of its own, without pip in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"

    def pip(self, *arguments: str) -> str:
        return run(sys.executable, "-m", "pip", "--python", self.python, *arguments, cwd=self.folder)

    def installed(self) -> set[str]:
        packages = [str(path) for path in self.folder.glob("lib/python*/site-packages")]
        return {one.metadata["Name"].replace("_", "-") for one in importlib.metadata.distributions(path=packages)}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"))


def files(wheel: Path) -> set[str]:
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def metadata(wheel: Path) -> Message:
    archive = ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(archive.read(name).decode())


def test_the_clients_wheel_has_the_package_and_nothing_else(wheels: tuple[Path, Path]) -> None:
    source = CLIENT / "src"
    package = {str(file.relative_to(source)) for file in (source / "event_store").rglob("*.py")}
    assert files(wheels[0]) == package | {"event_store/py.typed"}
    assert not [name for name in ZipFile(wheels[0]).namelist() if name.endswith("entry_points.txt")]


def test_the_client_needs_psycopg_and_its_pool_only(wheels: tuple[Path, Path]) -> None:
    described = metadata(wheels[0])
    assert described["Name"] == "event-store-client"
    needed = described.get_all("Requires-Dist")
    assert needed is not None
    assert sorted(need for need in needed if "extra" not in need) == ["psycopg<4,>=3.3", "psycopg_pool<4,>=3.3"]
    assert described.get_all("Provides-Extra") == ["binary", "eventsourcing"]
    assert "pip install" in described.get_payload()


def test_the_projects_wheel_leaves_the_client_to_the_client(wheels: tuple[Path, Path], empty: Environment) -> None:
    assert {name.split("/")[0] for name in files(wheels[1])} == {"deploy", "examples"}
    needed = metadata(wheels[1]).get_all("Requires-Dist")
    assert needed is not None
    pinned = {line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    assert set(needed) == pinned
    empty.pip("install", "--quiet", "--no-deps", str(wheels[1]))
    assert empty.installed() == {"stock-analysis-event-store"}
    empty.pip("uninstall", "--quiet", "--yes", "stock-analysis-event-store")


def test_the_client_installs_into_an_empty_environment_and_its_tests_run_there(
    wheels: tuple[Path, Path], empty: Environment, tmp_path: Path
) -> None:
    assert empty.installed() == set()
    empty.pip("install", "--quiet", str(wheels[0]))
    assert empty.installed() == {"event-store-client", "psycopg", "psycopg-pool", "typing-extensions"}

    empty.pip("install", "--quiet", f"{wheels[0]}[binary,eventsourcing]", *_TEST_TOOLS)
    empty.pip("check")
    assert not empty.installed() & {"pyinfra", "gevent", "stock-analysis-event-store"}
    tests = shutil.copytree(CLIENT / "tests", tmp_path / "tests", ignore=_JUNK)
    passed = run(empty.python, "-I", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", tests, cwd=tmp_path)
    assert " passed" in passed
    where = run(empty.python, "-I", "-c", "import event_store; print(event_store.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(empty.folder)
