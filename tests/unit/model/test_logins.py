import pytest

from deploy.model import logins
from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.logins import LOGIN_ROLES, Logins

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
