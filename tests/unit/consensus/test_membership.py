"""What is done, and what is refused, by what the members say: operations, with made-up answers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from consensus_members import declared, entry, said
from pyinfra.api.exceptions import OperationError

from deploy.consensus import membership, operations
from deploy.consensus.config import first_start
from deploy.consensus.facts import Listed, Member
from deploy.machine.services import Service
from deploy.model.consensus import ConsensusMember


def refused(message: str) -> None:
    raise OperationError(message)


class Members:
    """What the operations find, and what they then do."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.found: dict[str, Member] = {}
        self.up: list[Listed] = []
        self.state = SimpleNamespace(is_executing=False)
        self.reported: list[str] = []
        host = SimpleNamespace(noop=lambda _: None, state=self.state)
        for module in (membership, operations):
            patch.setattr(module, "host", host)
            patch.setattr(module, "report", lambda them: self.reported.extend(map(str, them)))
        patch.setattr(membership, "refuse", refused)
        patch.setattr(membership, "seen", lambda _: self.found)
        patch.setattr(membership, "answering", lambda _: self.up)
        patch.setattr(operations, "own", lambda one: self.found[one.lxc_name])
        patch.setattr(operations, "service_of", lambda: Service(state="active"))

    @staticmethod
    def run(operation: Any, member: ConsensusMember, **arguments: Any) -> list[str]:
        inner: Callable[..., Any] = operation._inner
        return [str(command) for command in inner(member=member, **arguments)]


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Members:
    return Members(monkeypatch)


class TestWhoLeaves:
    """c1, c2 and c3 are members; c4 is declared in place of c3."""

    members_ = tuple(declared(number) for number in (1, 2, 4))

    def end(self, members: Members) -> list[str]:
        return members.run(membership.have_no_others, self.members_[0], members=self.members_, alive=True)

    @pytest.fixture(autouse=True)
    def _three(self, members: Members) -> None:
        self.list(members, entry(1), entry(2), entry(3))

    def list(self, members: Members, *listed: Listed) -> None:
        members.found = {"c1": said(listed=listed), "c2": said(listed=listed), "c4": Member()}
        members.up = list(listed)

    def test_a_plan_takes_it_that_the_declared_ones_have_joined_by_then(self, members: Members) -> None:
        assert self.end(members) == ["/usr/local/sbin/event-store-consensus remove 3"]
        assert members.reported == ["members of the consensus: c3 is one, and not declared"]

    @pytest.mark.parametrize("fourth", [None, entry(4, learner=True)])
    def test_nobody_leaves_while_a_declared_one_has_no_vote(self, members: Members, fourth: Listed | None) -> None:
        members.state.is_executing = True
        self.list(members, entry(1), entry(2), entry(3), *([fourth] if fourth else []))
        with pytest.raises(OperationError, match=r"no membership is ended \(c3\).* c4 has no vote yet"):
            self.end(members)

    def test_it_leaves_once_the_declared_ones_vote(self, members: Members) -> None:
        members.state.is_executing = True
        self.list(members, entry(1), entry(2), entry(3), entry(4))
        assert self.end(members) == ["/usr/local/sbin/event-store-consensus remove 3"]


class TestWhoJoins:
    """c1 and c2 answer; c3 is declared as well."""

    members_ = tuple(declared(number) for number in (1, 2, 3))

    @pytest.mark.parametrize(
        ("third", "listed", "why"),
        [
            (Member(), (1, 2, 3), "did not answer; if it has no data once it does, it joins as a new one"),
            (Member(told=True), (1, 2, 3), "has lost its data, and joins as a new one"),
            (Member(), (1, 2), "is not one of them, and joins"),
        ],
    )
    def test_a_plan_says_why(self, members: Members, third: Member, listed: tuple[int, ...], why: str) -> None:
        known = tuple(map(entry, listed))
        members.found = {"c1": said(listed=known), "c2": said(listed=known), "c3": third}
        assert members.run(membership.join, self.members_[2], members=self.members_)
        assert members.reported == [f"members of the consensus: c3 {why}"]

    def test_nothing_is_given_up_of_one_that_does_not_answer(self, members: Members) -> None:
        members.state.is_executing = True
        members.found = {"c1": said(), "c2": said(), "c3": Member()}
        with pytest.raises(OperationError, match="cannot be determined"):
            members.run(membership.join, self.members_[2], members=self.members_)


class TestHowAClusterBegins:
    """Nobody has data."""

    members_ = tuple(declared(number) for number in (1, 2, 3))

    def begin(self, members: Members, number: int, **found: Member) -> list[str]:
        members.found = {f"c{one}": Member(told=True) for one in (1, 2, 3)} | found
        one = self.members_[number - 1]
        return members.run(membership.begin_together, one, members=self.members_, token="of this run")

    def test_all_of_them_begin(self, members: Members) -> None:
        [command] = self.begin(members, 1)
        assert "first-start.env" in command
        assert members.reported == ["members of the consensus: a new cluster of c1, c2, c3"]

    def test_one_that_has_begun_with_a_token_goes_on_with_it_and_so_do_the_others(self, members: Members) -> None:
        begun = Member(told=True, first_start=first_start(self.members_, "of an earlier run"))
        assert self.begin(members, 2, c2=begun) == []
        assert len(self.begin(members, 3, c2=begun)) == 1
        # Of two different ones the first counts.
        assert self.begin(members, 2, c2=begun, c3=Member(told=True, first_start=first_start(self.members_, "x"))) == []

    def test_a_plan_says_who_did_not_answer(self, members: Members) -> None:
        assert self.begin(members, 1, c2=Member(), c3=Member())
        assert members.reported[0].endswith("c1, c2, c3, if nothing is in those that did not answer (c2, c3)")


def test_one_that_runs_and_does_not_answer_itself_is_waited_for(members: Members) -> None:
    one = declared(1)
    members.found = {"c1": said()}
    assert members.run(operations.wait, one) == []
    # Frozen: the others say who is a member.
    members.found = {"c1": said(status={})}
    assert members.run(operations.wait, one) == ["/usr/local/sbin/event-store-consensus wait"]
