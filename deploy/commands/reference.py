"""Writes the tables of docs/inventory.md from the models of the inventory: `python -m deploy.commands.reference`.

A table stands between two comments, which name it: ``<!-- table: keys of lxc_hosts -->`` and ``<!-- end -->``.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from deploy.model.containers import Container
from deploy.model.group import Group
from deploy.model.hosts import LxcHost
from deploy.model.project import ROOT
from deploy.model.settings import KINDS
from deploy.model.sizes import GIB, MIB
from deploy.model.values import Address, Disk, Memory, Network

PAGE: Final[Path] = ROOT / "docs" / "inventory.md"
Model: TypeAlias = type[Group]
GROUPS: Final[Mapping[str, Model]] = {"lxc_hosts": LxcHost, **KINDS}

#: What a deploy can do about a key that was changed, and what that means.
EFFECTS: Final[Mapping[str, str]] = {
    "nothing": "Nothing that exists changes.",
    "live": "The change takes effect while everything runs.",
    "reload": "PostgreSQL reads its configuration again. Connections stay.",
    "server restart": "PostgreSQL restarts, which ends all connections. The container keeps running.",
    "container restart": "The container restarts, and PostgreSQL with it.",
    "another container": "It means another container. The existing one is left alone.",
    "refused": "The deploy refuses it and says what to do instead.",
}

_SIZES: Final = (Memory, Disk)
_WORDS: Final = (
    (Memory, "size"),
    (Disk, "size"),
    (Network, "IPv4 network"),
    (Address, "IPv4 address"),
    (bool, "true or false"),
    (int, "number"),
    (str, "text"),
)
_BLOCK: Final = re.compile(r"(?<=<!-- table: )(?P<name>[\w ]+) -->\n.*?(?=<!-- end -->)", re.DOTALL)


def change_of(model: Model, key: str) -> tuple[list[str], str]:
    """The effects of a change of this key, each one of `EFFECTS`, and the details. Raises `KeyError` if it says nothing."""
    extra: Any = model.model_fields[key].json_schema_extra or {}
    of_kind: Mapping[str, str] = model.changes if issubclass(model, Container) else {}
    effects, _, details = (of_kind.get(key) or str(extra["change"])).partition(": ")
    return effects.split(", "), details


def filled(page: str) -> str:
    """The page with all of its tables as they should be. Raises `KeyError` for a table that there is not."""
    tables: dict[str, Callable[[], Iterable[str]]] = {"effects": _effects}
    for group, model in GROUPS.items():
        tables[f"keys of {group}"] = partial(_keys, model)
        tables[f"changes of {group}"] = partial(_changes, model)

    def table(block: re.Match[str]) -> str:
        return "\n".join([f"{block['name']} -->", *tables[block["name"]](), ""])

    return _BLOCK.sub(table, page)


def _effects() -> Iterable[str]:
    yield from ("| effect | what happens |", "|---|---|")
    yield from (f"| {effect} | {meaning} |" for effect, meaning in EFFECTS.items())


def _keys(model: Model) -> Iterable[str]:
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    hints, texts = get_type_hints(model, include_extras=True), _docstrings(model)
    for key, field in _fields(model):
        said = re.search(r" ?Default: (.+)\.$", texts[key])
        meaning = texts[key].removesuffix(said[0]) if said else texts[key]
        default = said[1] if said else "required" if field.is_required() else _literal(field.default, hints[key])
        yield f"| `{key}` | {_type(hints[key])}{_range(field)} | {_markdown(default)} | {_markdown(meaning)} |"


def _changes(model: Model) -> Iterable[str]:
    yield from ("| key | effect | details |", "|---|---|---|")
    for key, _ in _fields(model):
        effects, details = change_of(model, key)
        yield f"| `{key}` | {', '.join(f'**{effect}**' for effect in effects)} | {_markdown(details)} |"


def _fields(model: Model) -> Iterable[tuple[str, FieldInfo]]:
    return ((key, field) for key, field in model.model_fields.items() if key != "name")


def _docstrings(model: Model) -> dict[str, str]:
    """Key → its docstring in one line. From the source: pydantic can do it too, but then at each import of the models."""
    bases = [base for base in reversed(model.mro()) if issubclass(base, Group)]
    statements = [pairwise(_definition(base).body) for base in bases]
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in chain.from_iterable(statements)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def _definition(model: Model) -> ast.ClassDef:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101  it is the source of a class
    return definition


def _type(hint: Any) -> str:
    """``list[Network] | None`` as a person says it."""
    for known, word in _WORDS:
        if hint == known:
            return word
    kind, parts = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _type(parts[0])
    if kind is list:
        return f"list of {_type(parts[0])}{'es' if _type(parts[0]).endswith('s') else 's'}"
    if kind is dict:
        return "dictionary"
    values = (
        [f'`"{part}"`' for part in parts]
        if kind is Literal
        else [_type(part) for part in parts if part is not NoneType]
    )
    return " or ".join(values)


def _range(field: FieldInfo) -> str:
    """What pydantic checks beside the type."""
    limits = {
        name: getattr(one, name) for one in field.metadata for name in ("ge", "le", "pattern") if hasattr(one, name)
    }
    if "ge" in limits:
        return f", {limits['ge']:,} to {limits['le']:,}"
    return f" like `{limits['pattern'].strip('^$')}`" if limits.get("pattern") else ""


def _literal(value: Any, hint: Any) -> str:
    """A default as an inventory writes it."""
    if hint in _SIZES:
        value = f"{value // GIB}GiB" if value % GIB == 0 else f"{value // MIB}MiB"
    if isinstance(value, (bool, int, list, dict)):
        return f"``{value}``"
    return f'``"{value}"``'


def _markdown(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
