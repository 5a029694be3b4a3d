"""Addresses of members change one at a time, while all others answer; otherwise nothing is touched."""

from collections.abc import Sequence

import pytest
from consensus_members import declared, entry, said
from pyinfra.api.exceptions import OperationError

from deploy.consensus import addresses
from deploy.consensus.facts import Listed, Member


def refused(message: str) -> None:
    raise OperationError(message)


def check(patch: pytest.MonkeyPatch, moved: Sequence[int], up: Sequence[int], found: Member | None = None) -> None:
    """c1, c2 and c3, of which some are declared with other addresses, and some answer."""

    def answering(them: Sequence[Listed]) -> list[Listed]:
        return [one for one in them if int(one.id, 16) in up]

    patch.setattr(addresses, "ask_ahead", lambda _: None)
    patch.setattr(addresses, "own", lambda _: said() if found is None else found)
    patch.setattr(addresses, "answering", answering)
    patch.setattr(addresses, "refuse", refused)
    members = [declared(one, **({"address": f"10.0.3.{40 + one}"} if one in moved else {})) for one in (1, 2, 3)]
    addresses.check_addresses(members[0], members)


@pytest.mark.parametrize(
    ("moved", "up"),
    [
        ([], [1, 2, 3]),
        ([], [1, 2]),  # nobody moves: nothing is asked of the others
        ([2], [1, 2, 3]),
        ([2], [1, 3]),  # it has moved already, and the others have not learnt it yet
    ],
)
def test_one_may_move_while_the_others_answer(
    monkeypatch: pytest.MonkeyPatch, moved: Sequence[int], up: Sequence[int]
) -> None:
    check(monkeypatch, moved, up)


def test_no_two_move_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError) as refusal:
        check(monkeypatch, [1, 3], [1, 2, 3])
    said_ = str(refusal.value)
    assert "@lxc/c1 from https://10.0.3.21:2380 to https://10.0.3.41:2380; @lxc/c3 from" in said_
    assert "change one, deploy, and change the next one then" in said_


def test_nobody_moves_while_another_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationError, match=r"address of @lxc/c2 changes .* and c3 does not answer"):
        check(monkeypatch, [2], [1, 2])


def test_one_that_knows_nobody_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    check(monkeypatch, [1, 2], [1, 2, 3], Member())


def test_a_new_member_has_not_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    check(monkeypatch, [3], [1, 2], said(listed=(entry(1), entry(2))))
