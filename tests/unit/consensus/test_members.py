"""What members say of themselves and of each other, and what follows from it."""

import json
from decimal import Decimal

import pytest
from consensus_members import declared, entry, said

from deploy.consensus.facts import Listed, Member, MemberFact
from deploy.consensus.seen import loss
from deploy.consensus.status import of_member
from deploy.machine.services import Service
from deploy.machine.status import State

ONE = declared(1)
RUNS = Service(state="active", started=Decimal(1000))

LINES = [
    "told",
    "installed 3.5.16-4",
    "data",
    "snapshot 1700000000",
    "status " + json.dumps([{"Endpoint": "https://10.0.3.21:2379", "Status": {"version": "3.5.16", "dbSize": 1}}]),
    "list "
    + json.dumps(
        {
            "members": [
                {
                    "ID": 16514475767822890553,
                    "name": "c1",
                    "peerURLs": ["https://10.0.3.21:2380"],
                    "clientURLs": ["https://10.0.3.21:2379"],
                },
                {"ID": 255, "peerURLs": ["https://10.0.3.22:2380"], "isLearner": True},
            ]
        }
    ),
]


def test_a_member_says_how_it_is() -> None:
    member = MemberFact().process(LINES)
    assert member.told
    assert member.begun
    assert (member.installed, member.snapshot, member.status["version"]) == ("3.5.16-4", 1700000000, "3.5.16")
    # An id is a number of 64 bits in JSON, and in hexadecimal for etcd's own commands.
    assert member.of("c1", "") == Listed(
        "e52f3436a0e13639", "c1", "https://10.0.3.21:2380", "https://10.0.3.21:2379", learner=False
    )
    assert member.of("c2", "https://10.0.3.22:2380") == Listed("ff", "", "https://10.0.3.22:2380", "", learner=True)
    assert member.of("c3", "https://10.0.3.23:2380") is None


def test_one_that_was_never_ready_has_not_begun() -> None:
    member = MemberFact().process(["told", "data", "first", '= ETCD_INITIAL_CLUSTER="c1=https://10.0.3.21:2380"'])
    assert member.first_start == 'ETCD_INITIAL_CLUSTER="c1=https://10.0.3.21:2380"\n'
    assert not member.begun


def test_a_container_with_nothing_in_it_has_answered() -> None:
    assert MemberFact().process(["told"]) == Member(told=True)
    assert not MemberFact().default().told


@pytest.mark.parametrize(
    ("voters", "up", "leaving", "joining", "lost"),
    [
        ([1, 2, 3], [1, 2, 3], 3, 0, False),
        ([1, 2, 3], [1, 2], 3, 0, False),  # it does not answer anyway
        ([1, 2, 3], [1, 3], 3, 0, True),  # one of the two that are left does not answer
        ([1, 2, 3], [1, 3], 3, 1, False),  # another one has joined by then
        ([1, 2, 3, 4, 5], [1, 4, 5], 4, 0, True),
        ([1, 2, 3, 4, 5], [1, 2, 4, 5], 4, 0, False),
        ([1], [1], 1, 0, True),
    ],
)
def test_who_may_leave(voters: list[int], up: list[int], leaving: int, joining: int, lost: bool) -> None:
    known = [entry(number) for number in voters]
    why = loss(known, [one for one in known if int(one.id, 16) in up], entry(leaving), joining)
    assert bool(why) == lost


def test_who_has_no_vote_may_always_leave() -> None:
    assert loss([entry(1), entry(2)], [], entry(3, name="", learner=True), 0) == ""


def test_a_loss_says_who_does_not_answer() -> None:
    known = [entry(1), entry(2), entry(3)]
    assert loss(known, [known[0], known[2]], known[2], 0) == "1 of the 2 others answer, not c2, and a majority is 2"


@pytest.mark.parametrize(
    ("service", "member", "state", "detail"),
    [
        (RUNS, said(), State.WELL, "leader of 3 members, etcd 3.5.16, 0.0 of 256 MiB"),
        (Service(), said(), State.DOWN, "inactive; `make deploy`"),
        (Service(), said(data=False), State.DOWN, "inactive, without data; `make deploy`"),
        (Service(), Member(), State.DOWN, "inactive; `make deploy`"),  # nobody has looked into it
        (RUNS, said(status={}), State.DOWN, "does not answer itself"),
        (RUNS, said(status={"dbSize": 0, "header": {}}), State.WELL, "follower"),
        (RUNS, said(listed=None), State.DOWN, "no majority of the members answers"),
        (RUNS, said(listed=(entry(2), entry(3))), State.DOWN, "is no member any more"),
        (RUNS, said(listed=(entry(1, learner=True), entry(2))), State.DEGRADED, "has no vote yet"),
        (RUNS, said(snapshot=None), State.WELL, "leader"),
        (RUNS, said(snapshot=-20000), State.DEGRADED, "no snapshot for hours"),
        (RUNS, said(status={"dbSize": 250 * 2**20}), State.DEGRADED, "almost full"),
        (RUNS, said(status={"errors": ["memberID:7 alarm:NOSPACE"]}), State.DEGRADED, "alarm:NOSPACE"),
    ],
)
def test_how_a_member_is(service: Service, member: Member, state: State, detail: str) -> None:
    found = of_member(ONE, service, member, 2000)
    assert found[0] == state
    assert detail in found[1]
