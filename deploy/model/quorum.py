"""What is wrong with the members of an inventory's consensus as a whole."""

from collections import Counter
from typing import Final

from deploy.model.consensus import CLIENT_NAME, PEER_NAME
from deploy.model.settings import Settings

_NUMBERS: Final = (1, 3, 5)


def quorum(voters: int) -> int:
    """How many of them have to agree."""
    return voters // 2 + 1


def consensus_problems(settings: Settings) -> list[str]:
    """Each with file, key, value and remedy."""
    members, file = settings.members, settings.file
    if not members:
        return []
    count = len(members)
    names = Counter(one.lxc_name for one in members)
    problems = [
        f"{file}: {number} containers of group consensus have the name {name}; rename them, because members know each other by it"
        for name, number in names.items()
        if number > 1
    ]
    problems += [
        f"{file}: {one.name}: certificate_names = {name!r}: that name lets into the consensus; take another"
        for one in settings.event_stores
        for name in one.certificate_names
        if name in (PEER_NAME, CLIENT_NAME)
    ]
    if count not in _NUMBERS:
        even = (
            f"{count} bear the loss of no more members than {count - 1}"
            if count % 2 == 0
            else "more only make it slower"
        )
        problems.append(f"{file}: group consensus has {count} members, and {even}; declare three or five")
    elif any(one.single_host == "refused" for one in members):
        problems += _host_problems(settings)
    return problems


def _host_problems(settings: Settings) -> list[str]:
    """Which LXC host would take the quorum along."""
    members, file = settings.members, settings.file
    count = len(members)
    if count == 1:
        return [
            f"{file}: group consensus has one member, and without it nobody may lead; declare three on hosts of their own, or, "
            f'for a trial, give {members[0].name} "single_host": "allowed"'
        ]
    hosts = Counter(one.lxc_host for one in members)
    return [
        f"{file}: group consensus has {here} of {count} members on {host}, without which there is no majority; put them on other "
        'hosts, or, for a trial, give each member "single_host": "allowed"'
        for host, here in hosts.items()
        if count - here < quorum(count)
    ]
