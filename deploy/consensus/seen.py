"""All members side by side: what one has to do depends on the others."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import ctx_host, host, state

from deploy.consensus.facts import Answering, Listed, Member, MemberFact
from deploy.machine.look import forget, look
from deploy.model.consensus import ConsensusMember
from deploy.model.quorum import quorum

_SEEN: Final = "consensus seen after"


def seen(members: Sequence[ConsensusMember]) -> dict[str, Member]:
    """Declared member → what is in its container; without those that this run does not reach."""
    return {one.lxc_name: found for one in members if (found := _member(one)) is not None}


def own(member: ConsensusMember) -> Member:
    """What is in the current machine."""
    return seen([member]).get(member.lxc_name, Member())


def _member(member: ConsensusMember) -> Member | None:
    there = host.inventory.get_host(member.name, default=None)
    if there is None or there not in state.active_hosts:
        return None
    with ctx_host.use(there):
        _forget_what_others_have_changed()
        # What cannot be determined reads as `told` = False, and whoever decides looks at that. Nothing may leave this block by
        # an exception: pyinfra would go on with the other machine for the current one.
        found = Member()
        with suppress(PyinfraError):
            found = look(MemberFact, _ignore_errors=True)
    return found


def _forget_what_others_have_changed() -> None:
    """An operation in one container changes what all of them say."""
    changes = sum(data.operation_meta.executed for operations in state.ops.values() for data in operations.values())
    if state.is_executing and host.connector_data.get(_SEEN) != changes:
        host.connector_data[_SEEN] = changes
        forget()


def listed(found: dict[str, Member]) -> tuple[Listed, ...] | None:
    """The members that a majority agrees on; None if nobody knows."""
    return next((one.listed for one in found.values() if one.listed is not None), None)


def answering(them: Sequence[Listed]) -> list[Listed]:
    """Those of some members that take part."""
    urls = [one.client_url for one in them if one.client_url]
    found: list[str] = look(Answering, urls=urls) if urls else []
    return [one for one in them if one.client_url in found]


def loss(voters: Sequence[Listed], up: Sequence[Listed], leaving: Listed, joining: int) -> str:
    """Why the majority would be lost without one of the members; empty if it would not.

    ``up``: those that answer. ``joining``: how many are going to have joined by then.
    """
    if leaving.learner:
        return ""
    others = [one for one in voters if one != leaving]
    left, there = len(others) + joining, len([one for one in others if one in up]) + joining
    if there >= quorum(left):
        return ""
    down = ", ".join(one.name for one in others if one not in up)
    return f"{there} of the {left} others answer, not {down}, and a majority is {quorum(left)}"
