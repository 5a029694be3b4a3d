"""Folders of somebody's own: mode and owner count."""

from decimal import Decimal
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploy.machine import operations
from deploy.machine.files import Entry


def have(patch: pytest.MonkeyPatch, there: dict[str, Entry]) -> tuple[list[str], list[str]]:
    """The commands, and the differences that are reported."""
    reported: list[str] = []

    def refused(message: str) -> None:
        raise OperationError(message)

    patch.setattr(operations, "look", lambda *_, **__: there)
    patch.setattr(operations, "report", lambda them: reported.extend(map(str, them)))
    patch.setattr(operations, "refuse", refused)
    operation: Any = operations.have_private_folders
    commands = [str(one) for one in operation._inner(folders={"/a": "root:root", "/a/b": "etcd:etcd"}, mode="700")]
    return commands, reported


def entry(mode: str = "700", owner: str = "root:root", *, folder: bool = True) -> Entry:
    return Entry(folder, mode, Decimal(0), owner)


def test_what_is_as_declared_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert have(monkeypatch, {"/a": entry(), "/a/b": entry(owner="etcd:etcd")}) == ([], [])


def test_a_wrong_owner_is_one_as_much_as_a_wrong_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    commands, reported = have(monkeypatch, {"/a": entry("755"), "/a/b": entry()})
    assert reported == [
        "/a: mode and owner are 755 root:root, not 700 root:root",
        "/a/b: mode and owner are 700 root:root, not 700 etcd:etcd",
    ]
    assert commands == ["install -d -m 700 -o root -g root -- /a", "install -d -m 700 -o etcd -g etcd -- /a/b"]


def test_parents_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    commands, reported = have(monkeypatch, {})
    assert reported == ["/a: missing", "/a/b: missing"]
    assert [one.rpartition(" ")[2] for one in commands] == ["/a", "/a/b"]


def test_what_is_no_folder_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match="/a: not a folder; move it away"):
        have(monkeypatch, {"/a": entry(folder=False)})
