"""The README and the page of the SQL API say what the code has: each key of the inventory, each function, each error, each target."""

import re

import pytest

from deploy.render import ROOT
from deploy.settings import Container, LxcHost

README = (ROOT / "README.md").read_text(encoding="utf-8")
SQL_API = (ROOT / "docs" / "sql-api.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text under a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no heading {heading!r}"
    # An inner heading of the same level ends it as well.
    return re.split(rf"^{match[1]} ", match[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


@pytest.mark.parametrize(
    ("heading", "model"), [("Group `lxc_hosts`", LxcHost), ("Group `event_stores`", Container)], ids=["host", "store"]
)
def test_every_key_of_the_inventory_is_explained_and_no_other(heading: str, model: type[LxcHost | Container]) -> None:
    table = rows(section(heading))
    keys = [cells[0].strip("`") for cells in table]
    assert sorted(keys) == sorted(set(model.model_fields) - {"name"})
    assert [cells for cells in table if not all(cells)] == []


@pytest.mark.parametrize("model", [LxcHost, Container])
def test_a_key_that_is_needed_is_said_to_be(model: type[LxcHost | Container]) -> None:
    table = {
        cells[0].strip("`"): cells[2]
        for heading in ("Group `lxc_hosts`", "Group `event_stores`")
        for cells in rows(section(heading))
    }
    set_by_connector = {"lxc_name", "lxc_host"}
    for name, field in model.model_fields.items():
        if name != "name" and name not in set_by_connector:
            assert (table[name] == "required") is field.is_required(), name


def test_every_function_that_the_application_may_call_is_explained() -> None:
    files = (ROOT / "sql" / "repeatable" / "grants").glob("stock_analysis_user*.sql")
    grants = "".join(file.read_text() for file in files)
    granted = {
        name
        for list_of_names in re.findall(r"GRANT EXECUTE ON FUNCTION(.*?)TO stock_analysis_user", grants, re.DOTALL)
        for name in re.findall(r"(?:event_store|public)\.\w+", list_of_names)
    }
    assert len(granted) > 40
    assert {name for name in granted if f"`{name}(" not in SQL_API} == set()


def test_every_error_is_explained_and_no_other() -> None:
    files = (ROOT / "sql" / "repeatable" / "functions").rglob("*.sql")
    raised = {code for file in files for code in re.findall(r"ERRCODE = '(\w{5})'", file.read_text())}
    assert set(re.findall(r"\bSE\d{3}\b", SQL_API)) == raised


def test_every_target_of_the_makefile_is_there_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.findall(r"(?:^|`|\$\(|sudo )make (?:-s )?([a-z-]+)\b", README, re.MULTILINE)
    assert set(commands) - targets == set()
    assert targets - set(commands) == set()


def test_every_file_that_is_named_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_no_path_of_one_machine_is_named() -> None:
    assert re.findall(r"(?<![\w/])/(?:work|tmp/w|home)/\S*", README) == []
