"""How a member of the consensus is."""

import time
from collections.abc import Sequence
from typing import Any, Final

from deploy.consensus.facts import Member, MemberFact
from deploy.machine.questions import Ask
from deploy.machine.services import Service, Services
from deploy.machine.status import Row, State
from deploy.model.consensus import UNIT, ConsensusMember
from deploy.model.sizes import MIB

#: Seconds after which the last snapshot is too old: they are made every hour.
_OLD: Final = 3 * 3600
#: What of the quota may be in use before that is said.
_FULL: Final = 0.8


def questions(container: ConsensusMember) -> list[Ask]:  # noqa: ARG001  the same in all of them
    """Whether etcd runs, and what it says."""
    return [Ask(Services, units=[UNIT]), Ask(MemberFact)]


def rows(container: ConsensusMember, answers: Sequence[Any]) -> list[Row]:
    """One row."""
    services, member = answers
    return [Row("consensus", "etcd", *of_member(container, services.get(UNIT, Service()), member, time.time()))]


def of_member(container: ConsensusMember, service: Service, member: Member, now: float) -> tuple[State, str]:
    """How it is; ``now``: seconds since 1970."""
    if service.state != "active":
        why = ", without data" if member.told and not member.data else ""
        return State.DOWN, f"{service.state}{why}; `make deploy` has it join, if the others are a majority"
    if member.listed is None:
        return State.DOWN, "no majority of the members answers: nobody may lead; `make status` shows which are down"
    entry = member.of(container.lxc_name, container.peer_url)
    if entry is None:
        return State.DOWN, "is no member any more; `make deploy` has it join"
    if not (said := member.status):
        # What is listed then comes from the others: it tells nothing of this one.
        return State.DOWN, "etcd runs and does not answer itself; see its journal, and restart it"
    used = said.get("dbSize", 0)
    leader = said.get("leader")
    leads = leader is not None and leader == said.get("header", {}).get("member_id")
    voters = [one for one in member.listed if not one.learner]
    detail = (
        f"{'leader' if leads else 'follower'} of {len(voters)} members, etcd {said.get('version')}, "
        f"{used / MIB:.1f} of {container.quota // MIB} MiB"
    )
    problems = [str(one) for one in said.get("errors", ())]
    if entry.learner:
        problems.append("has no vote yet; `make deploy` gives it one")
    if used > _FULL * container.quota:
        problems.append('almost full; give it more "disk", or defragment it')
    last = member.snapshot or service.started
    if now - float(last) > _OLD:
        problems.append("no snapshot for hours; see the journal of event-store-consensus-snapshot.service")
    return (State.DEGRADED, f"{detail}; {'; '.join(problems)}") if problems else (State.WELL, detail)
