"""What is done, and what is refused, by what the members say: operations, with made-up answers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from consensus_members import declared, entry, said
from pyinfra.api.exceptions import OperationError

from deploy.consensus import membership, operations
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


def test_one_that_runs_and_does_not_answer_itself_is_waited_for(members: Members) -> None:
    one = declared(1)
    members.found = {"c1": said()}
    assert members.run(operations.wait, one) == []
    # Frozen: the others say who is a member.
    members.found = {"c1": said(status={})}
    assert members.run(operations.wait, one) == ["/usr/local/sbin/event-store-consensus wait"]
