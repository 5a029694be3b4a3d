from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from deploy.machine.render import render
from deploy.model.project import ROOT


def test_the_root_is_the_checkout() -> None:
    assert (ROOT / "templates").is_dir()
    assert (ROOT / "deploy" / "__main__.py").is_file()


def test_a_name_that_is_not_given_is_an_error_and_not_an_empty_text() -> None:
    with pytest.raises(UndefinedError, match="container"):
        render("system/hosts.j2")


def test_a_template_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        render("nothing.j2")


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.j2")), ids=lambda path: path.name)
def test_every_template_ends_in_one_line_feed_and_has_no_blank_at_an_end(path: Path) -> None:
    text = path.read_text()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
