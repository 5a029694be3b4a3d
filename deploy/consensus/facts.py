"""What a member of the consensus says, of itself and of the others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.model.consensus import PROGRAM


@dataclass(frozen=True)
class Listed:
    """One of the members, as etcd has it."""

    id: str
    """In hexadecimal, as etcd's own commands want it."""
    name: str
    """Empty as long as it was added and has not started."""
    peer_url: str
    client_url: str
    learner: bool
    """It has no vote yet."""


@dataclass(frozen=True)
class Member:
    """What is in one container."""

    told: bool = False
    """It has answered at all: what is not said is not there. Of one that has not, nobody knows anything."""
    installed: str = ""
    """The version of Debian's package."""
    data: bool = False
    first_start: str | None = None
    """What etcd is told when it becomes a member. It is there until etcd was ready for the first time."""
    snapshot: int | None = None
    """When the newest snapshot was made, in seconds since 1970."""
    status: Mapping[str, Any] = field(default_factory=dict)
    """What etcd says of itself."""
    listed: tuple[Listed, ...] | None = None
    """The members that a majority agrees on; None if there is none, or it cannot be reached."""

    @property
    def begun(self) -> bool:
        """It has been a member of a cluster, and may have voted."""
        return self.data and self.first_start is None

    def of(self, name: str, peer_url: str) -> Listed | None:
        """What the members know of the one that is declared by that name and URL."""
        found = [one for one in self.listed or () if one.name == name]
        return next(iter([*found, *(one for one in self.listed or () if one.peer_url == peer_url)]), None)


class MemberFact(FactBase[Member]):
    """See `Member`."""

    @staticmethod
    def default() -> Member:
        """A container that is not there, does not run, or does not answer: see `Member.told`."""
        return Member()

    def command(self) -> str:
        """A word and what belongs to it in each line."""
        return f"echo told; [ ! -x {PROGRAM} ] || {PROGRAM} report"

    def process(self, output: list[str]) -> Member:
        """See `command`."""
        said = {word: rest for word, _, rest in (line.partition(" ") for line in output) if word != "="}
        first = "".join(f"{line.removeprefix('= ')}\n" for line in output if line.startswith("= "))
        status = json.loads(said["status"])[0]["Status"] if "status" in said else {}
        return Member(
            told="told" in said,
            installed=said.get("installed", ""),
            data="data" in said,
            first_start=first if "first" in said else None,
            snapshot=int(said["snapshot"]) if "snapshot" in said else None,
            status=status,
            listed=_listed(json.loads(said["list"])) if "list" in said else None,
        )


def _listed(said: Mapping[str, Any]) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            id=f"{one['ID']:x}",
            name=one.get("name", ""),
            peer_url=next(iter(one.get("peerURLs", ())), ""),
            client_url=next(iter(one.get("clientURLs", ())), ""),
            learner=one.get("isLearner", False),
        )
        for one in said["members"]
    )


class Answering(FactBase[list[str]]):
    """Those of some client URLs whose members answer, for which they need a majority."""

    @staticmethod
    def default() -> list[str]:
        """None."""
        return []

    def command(self, urls: list[str]) -> StringCommand:
        """A line for each."""
        return StringCommand(f"[ ! -x {PROGRAM} ] || {PROGRAM} healthy", *map(QuoteString, urls))

    def process(self, output: list[str]) -> list[str]:
        """See `command`."""
        return output
