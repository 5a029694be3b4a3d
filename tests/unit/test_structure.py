"""The arrows between the rooms of `deploy/`: story → parts → machine → model; no part knows the inside of another."""

import ast
import re
from pathlib import Path

import pytest

from deploy.model.project import ROOT
from deploy.model.settings import KINDS
from deploy.parts import PARTS as PARTS_OF_KINDS

DEPLOY = ROOT / "deploy"
PARTS = {"lxc", "system", "certificates", "consensus", "backups", "postgres", "database", "schema", "worker", "pooler"}
#: Room → the rooms that it may use, beside itself. Commands and the stories may use every room.
MAY_USE = {
    "model": set[str](),
    "machine": {"model"},
    "types": {"model"},
    **{part: {"machine", "model"} for part in PARTS},
}


def imports(file: Path) -> set[str]:
    """The modules of the deploy that a file imports, also inside of functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deploy"):
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("deploy.")}
    return found


def test_every_room_is_known() -> None:
    rooms = {path.name for path in DEPLOY.iterdir() if any(path.glob("*.py"))}
    assert rooms == {*MAY_USE, "commands"}


@pytest.mark.parametrize("room", sorted(MAY_USE))
def test_arrows_run_one_way(room: str) -> None:
    used = {name.split(".")[1] for file in (DEPLOY / room).rglob("*.py") for name in imports(file)}
    assert used <= MAY_USE[room] | {room}


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in DEPLOY.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): file for name, file in modules.items()}
    # `from deploy.machine import look` names a module; `from deploy.machine.look import Ask` a thing in one.
    targets = {
        name: {target if target in modules else target.rpartition(".")[0] for target in imports(file)} & modules.keys()
        for name, file in modules.items()
    }
    while free := {name for name, used in targets.items() if not used & targets.keys()}:
        targets = {name: used for name, used in targets.items() if name not in free}
    assert targets == {}


def test_the_part_of_containers_knows_nothing_of_what_runs_in_them() -> None:
    model = DEPLOY / "model" / "containers.py"
    for file in [model, *(DEPLOY / "lxc").rglob("*.py"), *(ROOT / "templates" / "lxc").iterdir()]:
        words = re.findall(
            r"(?i)event_stores?\b|EventStore|postgres|\bpg_|\bDATABASE\b|ClusterPaths", file.read_text(encoding="utf-8")
        )
        assert words == [], file


def test_every_fact_is_looked_at_by_way_of_standard_input() -> None:
    """As an argument, which pyinfra makes of a fact's command, a query can be too long, and everybody may read it."""
    asking = [file for file in DEPLOY.rglob("*.py") if "get_fact(" in file.read_text(encoding="utf-8")]
    assert asking == [DEPLOY / "machine" / "look.py"]


def test_every_file_that_is_written_to_a_machine_is_in_the_room_of_its_part() -> None:
    assert {path.name for path in (ROOT / "templates").iterdir()} <= PARTS


def test_a_part_has_its_story_and_what_it_needs_for_it() -> None:
    for part in PARTS:
        assert (DEPLOY / part / "deploy.py").is_file()


def test_every_kind_has_its_parts_and_every_part_the_rows_that_it_knows() -> None:
    assert set(PARTS_OF_KINDS) == set(KINDS.values())
    for part in (part for parts in PARTS_OF_KINDS.values() for part in parts):
        folder = DEPLOY / _folder(part.deploy)
        assert (folder / "deploy.py").is_file()
        assert (folder / "status.py").is_file() == bool(part.status), folder
        assert not part.status or _folder(part.status) == folder.name


def _folder(module: object) -> str:
    return Path(str(vars(module)["__file__"])).parent.name


def test_a_module_can_be_read_in_one_sitting() -> None:
    """About 200 lines, blank ones and comments counted."""
    folders = [ROOT / name for name in ("deploy", "examples", "client/src", "client/tools")]
    sizes = {
        file: len(file.read_text(encoding="utf-8").splitlines()) for folder in folders for file in folder.rglob("*.py")
    }
    assert {file: size for file, size in sizes.items() if size > 220} == {}


def test_only_what_is_about_the_inventory_says_so() -> None:
    """A server that cannot be reached, or a file that is in the way, is no `SettingsError`: those are `CommandError`s."""
    raised = {path.stem for path in (DEPLOY / "commands").glob("*.py") if "raise SettingsError(" in path.read_text()}
    assert raised == set()
