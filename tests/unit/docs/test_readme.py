"""The README is short enough to read, and the way to everything else; all pages are in plain English."""

import re

import pytest
from doc_pages import GENERATED, PAGES, README, Page

from deploy.model.project import ROOT

#: What a native speaker would not write, or what says the opposite of what is meant.
FOREIGN = re.compile(
    r"\b(anew|mend(s|ed|ing)?|from nowhere|not to be had|could not be told|could not tell|what is no)\b", re.IGNORECASE
)


def test_the_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 160


def test_the_readme_begins_with_the_two_commands() -> None:
    first = README.text.partition("\n## ")[0]
    assert [command for command in ("`make deploy`", "`make test`") if command not in first] == []


def test_every_page_is_reached_from_the_readme() -> None:
    """By links, from page to page."""
    pages = {page.path: page for page in PAGES}
    reached, new = set(), {README.path}
    while new:
        reached |= new
        links = {(path.parent / link.partition("#")[0]).resolve() for path in new for link in pages[path].links}
        new = (links & set(pages)) - reached
    assert [str(page) for page in PAGES if page.path not in reached] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_path_of_one_machine_is_named(page: Page) -> None:
    assert re.findall(r"(?<![\w/.])/(?:work|tmp|home|var/tmp)/\S*", page.text) == []


@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in (GENERATED, "CHANGELOG.md")], ids=str)
def test_pages_are_in_plain_english(page: Page) -> None:
    assert [match[0] for match in FOREIGN.finditer(page.prose)] == []


def test_the_operations_are_all_in_their_index() -> None:
    folder = ROOT / "docs" / "operations"
    index = Page(folder / "README.md")
    assert set(index.links) >= {path.name for path in folder.glob("*.md")} - {"README.md"}
