import re
from collections.abc import Iterator

import pytest

from deploy.model import logins
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES, Logins
from deploy.model.project import ROOT

A, B = LOGIN_ROLES
FIRST = {APPLICATION_ROLE: "one"}
LATER = {A: "two", "login": A}


def test_a_container_without_entries_is_about_to_get_its_first_password() -> None:
    found = logins.read({})
    assert (found.current, found.let_in, found.known, found.rotated) == (
        APPLICATION_ROLE,
        (APPLICATION_ROLE,),
        (),
        False,
    )
    assert found.roles == (APPLICATION_ROLE,)


@pytest.mark.parametrize(
    ("entries", "old", "new", "left"),
    [
        (FIRST, APPLICATION_ROLE, A, {A: "new", "login": A}),
        (LATER, A, B, {B: "new", "login": B}),
        ({B: "two", "login": B}, B, A, {A: "new", "login": A}),
    ],
)
def test_a_rotation_goes_through_its_states(entries: dict[str, str], old: str, new: str, left: dict[str, str]) -> None:
    entries = logins.prepared(entries, "new")
    found = logins.read(entries)
    assert (found.current, found.next, found.old, found.ending) == (old, new, None, None)
    assert set(found.let_in) == {old, new}
    assert found.rotated
    entries = logins.switched(entries)
    found = logins.read(entries)
    assert (found.current, found.next, found.old, found.ending) == (new, None, old, None)
    assert set(found.let_in) == {old, new}
    entries = logins.ending(entries)
    found = logins.read(entries)
    assert (found.current, found.next, found.old, found.ending) == (new, None, old, old)
    assert found.let_in == (new,)
    assert set(found.known) == {old, new}
    entries = logins.settled(entries)
    assert entries == left
    found = logins.read(entries)
    assert (found.current, found.next, found.old, found.ending, found.let_in) == (new, None, None, None, (new,))


def test_steps_that_were_done_change_nothing() -> None:
    overlap = logins.switched(logins.prepared(LATER, "new"))
    ending = logins.ending(overlap)
    assert logins.ending(ending) == ending
    assert logins.settled(LATER) == LATER


@pytest.mark.parametrize("entries", [{**LATER, "next": B}, {A: "two", "login": B}, {**FIRST, "ending": "postgres"}])
def test_an_entry_that_names_nobody_is_an_error(entries: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="which has no password there"):
        logins.read(entries)


def test_an_application_that_was_rotated_keeps_its_own_role() -> None:
    assert Logins(current=A, known=(A,)).roles == (APPLICATION_ROLE, A, B)


def _named_in(folder: str, kind: str) -> Iterator[tuple[str, str]]:
    """(file, text) of the files that name a login role."""
    for path in sorted((ROOT / folder).rglob(f"*.{kind}")):
        text = path.read_text(encoding="utf-8")
        if re.search(rf"{APPLICATION_ROLE}_\w|\^{APPLICATION_ROLE}", text):
            yield str(path.relative_to(ROOT)), text


def test_whatever_sql_tells_the_login_roles_apart_names_these() -> None:
    """SQL cannot ask this side, and what was released is not edited: other names take another migration."""
    found = dict(_named_in("sql", "sql"))
    assert found.keys() >= {
        "sql/migrations/0016_login_roles/up.sql",
        "sql/repeatable/functions/projections/unskip_event.sql",
    }
    listed = ", ".join(f"'{role}'" for role in LOGIN_ROLES)
    for file, text in found.items():
        code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
        one = re.compile(
            rf"(?i)CASE WHEN session_user IN \({listed}\)\s+THEN '{APPLICATION_ROLE}'\s+ELSE session_user END"
        )
        assert APPLICATION_ROLE not in one.sub("", code), file


def test_whatever_the_pages_tell_the_login_roles_by_is_true_of_all() -> None:
    patterns = [
        (file, pattern)
        for file, text in _named_in("docs", "md")
        for pattern in re.findall(r"~ '([^']+)'", text)
        if APPLICATION_ROLE in pattern
    ]
    assert "docs/operations/move-a-store.md" in dict(patterns)
    for file, pattern in patterns:
        assert all(re.search(pattern, role) for role in (APPLICATION_ROLE, *LOGIN_ROLES)), file
        assert not re.search(pattern, "postgres"), file
