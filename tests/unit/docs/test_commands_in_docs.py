"""Every command that a page shows exists, takes what it is given, and is shown somewhere."""

import ast
import importlib.util
import re
import subprocess
from collections.abc import Iterator

import pytest
from doc_pages import PAGES, README, Page

from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.passwords import variable
from deploy.model.project import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE))
#: Variables of other programs that a page names.
OTHERS = {"PERSISTENCE_MODULE", "PYTHONPATH", "TRANSCODER_TOPIC"}
#: The languages that a fenced block may have: each is checked here or elsewhere.
LANGUAGES = {"sh", "python", "sql", "text"}


def commands(page: Page) -> Iterator[str]:
    """The single commands on a page: of the lines of its shell blocks, and its code spans, which may be commands."""
    lines = [line for language, content in page.blocks if language == "sh" for line in content.splitlines()]
    for line in lines:
        yield from re.split(r"\$\(|[;&|)]+", re.sub(r"(^|\s)#.*$", "", line))
    yield from page.spans


def make_calls(page: Page) -> Iterator[list[str]]:
    """The words of each call of make, without ``make`` itself and its options."""
    for command in commands(page):
        if match := re.match(r'\s*"?(?:sudo )?make (.*)', command):
            yield [word for word in match[1].split() if not word.startswith("-")]


def targets(page: Page) -> set[str]:
    """The targets that a page names."""
    return {word for call in make_calls(page) for word in call[:1]}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_target_that_is_named_exists(page: Page) -> None:
    assert targets(page) - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_variable_that_is_given_to_make_is_one_that_it_takes(page: Page) -> None:
    """Also in a span of its own, as in "all targets take INVENTORY=file"."""
    given = {name for call in make_calls(page) for word in call for name in re.findall(r"^([A-Z_]+)=", word)}
    alone = {name for span in page.spans for name in re.findall(r"^([A-Z_]+)=", span)}
    assert (given | alone - OTHERS) - VARIABLES == set()


def test_every_target_is_in_the_readme() -> None:
    assert TARGETS - targets(README) == set()


def test_every_variable_of_the_makefile_is_documented() -> None:
    pages = "\n".join(page.text for page in PAGES)
    assert {name for name in VARIABLES if f"{name}=" not in pages and f"`{name}`" not in pages} == set()


def test_every_variable_of_the_environment_is_one_that_the_code_reads() -> None:
    folders = ("deploy", "client", "tests")
    code = "\n".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    named = {name for page in PAGES for name in re.findall(r"\bEVENT_STORE_[A-Z_]+", page.text)}
    assert variable(APPLICATION_ROLE) in named
    assert {name for name in named - {variable(APPLICATION_ROLE)} if f'"{name}"' not in code} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_program_of_the_deploy_that_is_called_exists(page: Page) -> None:
    modules = {name for command in commands(page) for name in re.findall(r"-m (deploy(?:\.\w+)*)", command)}
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_file_that_is_handed_to_pyinfra_or_pytest_exists(page: Page) -> None:
    calls = [call for command in commands(page) for call in re.findall(r"\b(?:pyinfra|pytest) (.*)", command)]
    files = {word for call in calls for word in call.split() if re.match(r"(deploy|inventory|tests)/", word)}
    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_blocks_say_their_language(page: Page) -> None:
    assert {language for language, _ in page.blocks} - LANGUAGES == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_shell_blocks_are_shell(page: Page) -> None:
    for language, content in page.blocks:
        if language == "sh":
            done = subprocess.run(["bash", "-n"], input=content, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), content


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_python_blocks_are_python(page: Page) -> None:
    for language, content in page.blocks:
        if language == "python":
            # Lines of an inventory entry are what stands between braces.
            ast.parse(f"{{{content}}}" if content.startswith('"') else content)
