"""The pages of the documentation, and what the tests look at in them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.model.project import ROOT

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
#: Written by `make bench`, with a text of its own.
GENERATED = "docs/figures.md"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """(language, content) of each fenced block, without the indentation that it has in a list."""
        return [
            (language, re.sub(f"^{indent}", "", content, flags=re.MULTILINE))
            for indent, language, content in _FENCE.findall(self.text)
        ]

    @cached_property
    def unfenced(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """What stands in single backticks."""
        return _SPAN.findall(self.unfenced)

    @cached_property
    def prose(self) -> str:
        """What people wrote for people: no code, no targets of links."""
        return re.sub(r"\]\([^)]*\)", "]", _SPAN.sub("", self.unfenced))

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return re.findall(r"\]\(([^)\s]+)\)", _SPAN.sub("", self.unfenced))

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may have after ``#``: each heading as GitHub writes it."""
        headings = re.findall(r"^#+ (.*)$", self.unfenced, re.MULTILINE)
        plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of each table in a text, without the heads."""
    found: list[list[str]] = []
    for table in re.findall(r"^\|.*\n\|[-|]+\n((?:\|.*\n?)*)", text, re.MULTILINE):
        found += [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]
    return found


PAGES = [
    Page(path) for path in sorted({*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/README.md"), *(ROOT / "docs").rglob("*.md")})
]
README = Page(ROOT / "README.md")
