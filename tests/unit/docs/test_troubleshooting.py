"""Each message that the page quotes is one that the code can print, word for word."""

import ast
import re
from functools import cache

import pytest
from doc_pages import Page, rows

from deploy.model.project import ROOT

PAGE = Page(ROOT / "docs" / "troubleshooting.md")
#: What an f-string or a format puts in.
VALUE = "\0"


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", PAGE.text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _own_messages() -> list[str]:
    """The first column of each table but the last one's, whose messages are other programs'."""
    tables = [text for heading, text in _sections().items() if heading != "Messages of other programs"]
    return [message for text in tables for cells in rows(text) for message in re.findall(r"`([^`]+)`", cells[0])]


def _text(node: ast.expr) -> str | None:
    """A string of the source, with `VALUE` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else VALUE for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Difference":
        return ": ".join(_text(part) or VALUE for part in node.args[:2])
    return None


@cache
def _strings() -> list[str]:
    """Everything that the code, the SQL and the templates might print."""
    python = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy").rglob("*.py")]
    found = [text for source in python for node in ast.walk(ast.parse(source)) if (text := _text(node))]  # type: ignore[arg-type]
    sql = [re.sub("--.*", "", path.read_text(encoding="utf-8")) for path in (ROOT / "sql").rglob("*.sql")]
    templates = [path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.j2")]
    return [*found, *(line for source in [*sql, *templates] for line in source.splitlines())]


def _pattern(message: str) -> re.Pattern[str]:
    """``…`` is anything within one string; a word in capitals and a number may be what is filled in."""
    parts = []
    for part in re.split(r"(…|\b[A-Z]+\b|\d+s?)", message.strip("… ")):
        if part == "…":
            parts.append(".+?")
        elif re.fullmatch(r"[A-Z]+|\d+s?", part):
            parts.append(f"(?:{part}|{VALUE})")
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


def _can_be_printed(message: str) -> bool:
    # A role's name is filled in from a constant.
    texts = (message, message.replace("stock_analysis_user", "…"))
    return any(_pattern(text).search(string) for text in texts for string in _strings())


@pytest.mark.parametrize("message", _own_messages())
def test_each_message_is_one_of_the_code(message: str) -> None:
    assert _can_be_printed(message)


def test_a_message_that_nothing_prints_is_noticed() -> None:
    assert len(_own_messages()) > 30
    assert not _can_be_printed("the server cannot read its konfiguration: …")
    assert not _can_be_printed("could not get a lock within 2s at night")


def test_each_symptom_has_a_cause_and_a_remedy() -> None:
    tables = {heading: rows(text) for heading, text in _sections().items()}
    assert [cells for table in tables.values() for cells in table if not all(cells)] == []
