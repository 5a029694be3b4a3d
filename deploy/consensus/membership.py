"""Operations for who is a member: a new cluster of all, one that joins, and those that are declared no more.

Changes of a cluster that is there are called with ``_serial``, so that one is over before the next one begins.
"""

from collections.abc import Sequence

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.consensus.config import DATA, FIRST_START, first_start, token_of
from deploy.consensus.facts import Listed, Member
from deploy.consensus.operations import is_stale
from deploy.consensus.seen import answering, listed, loss, seen
from deploy.machine.differences import Commands, refuse, report, unanswered
from deploy.machine.progress import working
from deploy.machine.records import Difference
from deploy.model.consensus import PROGRAM, UNIT, ConsensusMember

_MEMBERS = "members of the consensus"


@operation()
def begin_together(member: ConsensusMember, members: Sequence[ConsensusMember], token: str) -> Commands:
    """Have the members of a cluster that has never been know each other. Where one has been, nothing is begun anew.

    A member that has never been ready has voted for nothing that anybody was told, so what it has may go. ``token``: of this run, the
    same for all members. One that an earlier run has left in a member counts before it, so that what is under way goes on.
    """
    found = seen(members)
    there = found.get(member.lxc_name, Member())
    if any(one.begun for one in found.values()):
        host.noop("there is a cluster")
        return
    silent = [one.lxc_name for one in members if one.lxc_name not in found]
    if host.state.is_executing:
        silent += [name for name, one in found.items() if not one.told]
    if silent:
        yield refuse(
            f"no member has data, and {', '.join(silent)} cannot be asked, so nobody knows whether there is a cluster already; "
            "deploy again once it can be reached"
        )
        return
    if kept := [name for name, one in found.items() if one.snapshot is not None]:
        yield refuse(
            f"no member has data, and {', '.join(kept)} has snapshots of a cluster that was there; restore one of them (see "
            "docs/operations/consensus.md), or move the snapshots away to begin with nothing"
        )
        return
    begun_with = (token_of(one.first_start) for one in found.values())
    wanted = first_start(members, next(filter(None, begun_with), token))
    if there.first_start == wanted:
        host.noop("it knows the others")
        return
    mute = ", ".join(name for name, one in found.items() if not one.told)
    unless = f", if nothing is in those that did not answer ({mute})" if mute else ""
    report([Difference(_MEMBERS, f"a new cluster of {', '.join(one.lxc_name for one in members)}{unless}")])
    yield StringCommand(
        f"! systemctl is-active --quiet {UNIT} || exit 1; systemctl stop {UNIT} 2>/dev/null;",
        f"rm -rf --one-file-system -- {DATA} && install -d -m 700 -o etcd -g etcd -- {DATA} && cat > {FIRST_START}.new && mv -fT -- {FIRST_START}.new {FIRST_START}",
        _stdin=wanted.rstrip("\n"),
    )


@operation()
def join(member: ConsensusMember, members: Sequence[ConsensusMember]) -> Commands:
    """Have this member in the cluster: as a new one if it has no data, or those of a membership that was ended."""
    found = seen(members)
    there = found.get(member.lxc_name, Member())
    if not any(one.begun for one in found.values()):
        host.noop("there is no cluster to join")
        return
    if host.state.is_executing and not there.told:
        yield refuse("what is in this container cannot be determined; nothing of it is given up")
        return
    known = listed(found)
    if known is None:
        yield from _unknown(found)
        return
    # What the others say counts: data of a membership that was ended cannot say so themselves.
    entry = Member(listed=known).of(member.lxc_name, member.peer_url)
    if entry is None or not there.data or is_stale(member, there):
        report([Difference(_MEMBERS, f"{member.lxc_name} {_why_it_joins(there, entry)}")])
        with working("joining the other members"):
            yield StringCommand(f"{PROGRAM} join", QuoteString(entry.id if entry else ""))
        return
    if entry.peer_url != member.peer_url:
        report(
            [Difference(_MEMBERS, f"{member.lxc_name} is at {entry.peer_url} to the others, not at {member.peer_url}")]
        )
        yield f"{PROGRAM} etcdctl member update {entry.id} --peer-urls={member.peer_url} > /dev/null"
    if entry.learner:
        report([Difference(_MEMBERS, f"{member.lxc_name} has no vote yet")])
        yield f"{PROGRAM} promote"


@operation()
def have_no_others(member: ConsensusMember, members: Sequence[ConsensusMember], *, alive: bool) -> Commands:
    """End the membership of who is not declared: first of those that do not answer, and once all that are declared have
    joined, of those that do (``alive``). The containers are left alone.

    As long as one that does not answer counts, fewer of the others may be lost, and etcd takes nobody in. So the membership of
    one that was added and has never started ends as well, and that of one that has lost its data, which joins as a new one.
    """
    found = seen(members)
    known = listed(found)
    if known is None or _doer(found) != member.lxc_name:
        host.noop("nobody knows who is a member, or another one sees to it")
        return
    declared, voting = {one.lxc_name for one in members}, {one.name for one in known if not one.learner}
    bare = {name for name, one in found.items() if one.told and not one.data and not one.first_start}
    others = [one for one in known if one.name not in declared or (one.name in bare and not alive)]
    if not others:
        host.noop("there are no others")
        return
    up = answering(known)
    silent = [one for one in others if one not in up]
    leaving = [one for one in others if one in up] if alive else silent
    if leaving and alive and host.state.is_executing and (missing := sorted(declared - voting)):
        yield refuse(
            f"no membership is ended ({', '.join(one.name for one in leaving)}): of those that are declared, "
            f"{', '.join(missing)} has no vote yet; see above why it has not joined, and deploy again"
        )
        return
    # A plan takes it that they are going to have joined by then. At execution they have.
    joining = len(declared - voting) if alive else 0
    left = [one for one in known if not one.learner and not (alive and one in silent)]
    for one in leaving:
        if why := loss(left, up, one, joining):
            yield refuse(
                f"{one.name} is not declared, and ending its membership would cost the majority: {why}. Bring those back first, "
                "or declare it again"
            )
            return
        left = [voter for voter in left if voter != one]
    report(Difference(_MEMBERS, _said_of(one, declared)) for one in leaving)
    for one in leaving:
        yield f"{PROGRAM} remove {one.id}"


def _why_it_joins(there: Member, entry: Listed | None) -> str:
    if entry is None:
        return "is not one of them, and joins"
    if not there.told:
        return "did not answer; if it has no data once it does, it joins as a new one"
    return "has lost its data, and joins as a new one"


def _said_of(one: Listed, declared: set[str]) -> str:
    if one.name in declared:
        return f"{one.name} is one, and has lost its data"
    return f"{one.name} is one, and not declared" if one.name else f"{one.peer_url} is one, and has never started"


def _doer(found: dict[str, Member]) -> str | None:
    """The member that changes what is all members' business: the first that a majority listens to."""
    return next((name for name, one in found.items() if one.status and one.listed is not None), None)


def _unknown(found: dict[str, Member]) -> Commands:
    """Nobody can say who is a member."""
    bare = ", ".join(name for name, one in found.items() if one.told and not one.data)
    mute = ", ".join(name for name, one in found.items() if not one.told)
    known = "; ".join([*([f"without data: {bare}"] if bare else []), *([f"did not answer: {mute}"] if mute else [])])
    yield from unanswered(
        "members of the consensus",
        f"no majority of them answers{f' ({known})' if known else ''}; start those that have data, or see "
        "docs/operations/consensus.md, when the majority is lost",
    )
