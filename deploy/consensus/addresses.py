"""Refuses changes of addresses that would cost the majority, while nothing has been touched yet.

A member whose address changes answers nobody from the restart of its container until the others have learnt the new one. So
one changes at a time, and only while all others answer.
"""

from collections.abc import Sequence

from deploy.consensus.facts import Listed, MemberFact
from deploy.consensus.seen import answering, own
from deploy.machine.differences import refuse
from deploy.machine.look import ask_ahead
from deploy.machine.questions import Ask
from deploy.model.consensus import ConsensusMember


def check_addresses(member: ConsensusMember, members: Sequence[ConsensusMember]) -> None:
    """Refuse while the plan is made, for all machines; also in a run that shows no plan.

    Each member looks at what it knows itself: whoever is with a majority knows all of them.
    """
    ask_ahead([Ask(MemberFact)])
    there = own(member)
    moved = [
        (one, entry)
        for one in members
        if (entry := there.of(one.lxc_name, one.peer_url)) and entry.peer_url != one.peer_url
    ]
    if len(moved) > 1:
        changes = "; ".join(f"{one.name} from {entry.peer_url} to {one.peer_url}" for one, entry in moved)
        refuse(
            f"the addresses of {len(moved)} members of the consensus change ({changes}), which would cost the majority; change "
            "one, deploy, and change the next one then"
        )
    elif moved and (silent := _silent(there.listed or (), moved[0][1])):
        one, entry = moved[0]
        refuse(
            f"the address of {one.name} changes from {entry.peer_url} to {one.peer_url}, and {', '.join(silent)} does not answer, "
            f"so that there might be no majority meanwhile; declare {entry.peer_url} for now, bring the others back, and "
            "change it then"
        )


def _silent(listed: Sequence[Listed], moving: Listed) -> list[str]:
    """Those beside one that moves that do not answer."""
    others = [one for one in listed if one != moving]
    up = answering(others)
    return [one.name or one.peer_url for one in others if one not in up]
