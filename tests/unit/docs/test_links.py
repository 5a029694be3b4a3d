"""Every link leads somewhere, and every file that is named is there."""

import re

import pytest
from doc_pages import PAGES, Page

from deploy.model.project import ROOT

#: A path of the repository in a code span; words in capitals stand for anything.
PATH = re.compile(r"(?:client|deploy|docs|examples|findings|group_data|inventory|sql|templates|tests)/[\w./*-]*")


def _target(page: Page, link: str) -> Page:
    file = link.partition("#")[0]
    return Page((page.path.parent / file).resolve() if file else page.path)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_to_files_lead_to_files_of_the_repository(page: Page) -> None:
    links = [link for link in page.links if "://" not in link]
    targets = {link: _target(page, link).path for link in links}
    assert [link for link, path in targets.items() if not (path.exists() and path.is_relative_to(ROOT))] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_to_headings_lead_to_headings(page: Page) -> None:
    links = [link for link in page.links if "#" in link and "://" not in link]
    assert [link for link in links if link.partition("#")[2] not in _target(page, link).anchors] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_named_in_code_are_there(page: Page) -> None:
    pictures = [content for language, content in page.blocks if language == "text"]
    named = {word for text in [*page.spans, *pictures] for word in text.split() if PATH.fullmatch(word)}
    patterns = {path: re.sub(r"[A-Z]{2,}(_name)?", "*", path).rstrip("/") for path in named}
    assert [path for path, pattern in patterns.items() if not any(ROOT.glob(pattern))] == []
