"""The texts of a consensus member's files, and where they are."""

import re
from collections.abc import Sequence
from typing import Final

from deploy.machine.render import render
from deploy.model.consensus import CLIENT_NAME, PEER_NAME, PROGRAM, UNIT, VOLUME, ConsensusMember

DATA: Final = f"{VOLUME}/etcd"
WAL: Final = f"{DATA}/member/wal/*.wal"
SNAPSHOTS: Final = f"{VOLUME}/snapshots"
#: What etcd is told once, while it becomes a member: which others there are. Its data say so from then on.
FIRST_START: Final = f"{VOLUME}/first-start.env"
ENVIRONMENT: Final = "/etc/event-store/consensus/etcd.env"
UNIT_FILE: Final = f"/etc/systemd/system/{UNIT}"
TIMER: Final = "event-store-consensus-snapshot.timer"
_TIMER_FILE: Final = f"/etc/systemd/system/{TIMER}"
#: How many snapshots are kept: of a day.
_KEPT: Final = 24


def texts(member: ConsensusMember, others: Sequence[ConsensusMember]) -> dict[str, str]:
    """Path → text of each file. None of what etcd itself reads names ``others``: no member restarts because one has joined."""
    return {
        PROGRAM: render(
            "consensus/program.sh.j2",
            program=PROGRAM,
            member=member,
            others=others,
            tls=member.tls_files,
            unit=UNIT,
            data=DATA,
            wal=WAL,
            first_start=FIRST_START,
            snapshots=SNAPSHOTS,
            kept=_KEPT,
            room=member.disk // 4,
        ),
        ENVIRONMENT: render(
            "consensus/etcd.env.j2",
            member=member,
            data=DATA,
            tls=member.tls_files,
            peer_name=PEER_NAME,
            client_name=CLIENT_NAME,
        ),
        UNIT_FILE: render(
            "consensus/etcd.service.j2", wal=WAL, first_start=FIRST_START, environment=ENVIRONMENT, folder=VOLUME
        ),
        _TIMER_FILE: render("consensus/snapshot.timer.j2"),
        _TIMER_FILE.replace(".timer", ".service"): render("consensus/snapshot.service.j2", unit=UNIT, program=PROGRAM),
    }


def token_of(text: str | None) -> str | None:
    """The token in what `first_start` has written; None if there is none."""
    found = re.search(r'^ETCD_INITIAL_CLUSTER_TOKEN="(.*)"$', text or "", re.MULTILINE)
    return found[1] if found else None


def first_start(members: Sequence[ConsensusMember], token: str) -> str:
    """The text of `FIRST_START` in the members of a new cluster; ``token``: what tells it from clusters of the same members."""
    known = ",".join(f"{one.lxc_name}={one.peer_url}" for one in members)
    return f'ETCD_INITIAL_CLUSTER="{known}"\nETCD_INITIAL_CLUSTER_STATE="new"\nETCD_INITIAL_CLUSTER_TOKEN="{token}"\n'
