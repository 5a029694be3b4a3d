"""What is refused of the members of the consensus, and what follows from one for the others."""

from typing import Any

import pytest

from deploy.model.consensus import CLIENT_NAME, PEER_NAME
from deploy.model.inventory import Entry, SettingsError, make_settings
from deploy.model.settings import Settings
from deploy.model.sizes import GIB, MIB

TRIAL: dict[str, Any] = {"single_host": "allowed"}


def made(count: int, *more: Entry, hosts: int = 1, first: dict[str, Any] | None = None, **data: Any) -> Settings:
    """An inventory of so many members, dealt out to the hosts; ``data`` is in all of them, ``first`` in the first."""
    names = [f"h{number}.example.net" for number in range(hosts)]
    members = [
        Entry(f"@lxcssh/{names[number % hosts]}:c{number}", ("consensus",), {
            "lxc_name": f"c{number}", "lxc_host": names[number % hosts], "address": f"10.0.3.{20 + number}",
            **data, **((first or {}) if number == 0 else {}),
        })
        for number in range(count)
    ]  # fmt: skip
    return make_settings([*(Entry(name, ("lxc_hosts",), {}) for name in names), *members, *more], "inventory/some.py")


def test_members_know_each_other() -> None:
    settings = made(3, hosts=3)
    one, *others = settings.members
    assert settings.peers_of(one) == others
    [identity] = one.identities
    assert identity.names == ("c0", "10.0.3.20", PEER_NAME, CLIENT_NAME)
    assert identity.purpose == "peer"
    assert {"etcd-server", "etcd-client"} <= one.required_packages


@pytest.mark.parametrize(("count", "hosts"), [(3, 3), (5, 5), (5, 3)])
def test_any_host_may_be_lost(count: int, hosts: int) -> None:
    assert len(made(count, hosts=hosts).members) == count


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_trial_may_be_on_one_host(count: int) -> None:
    assert len(made(count, **TRIAL).members) == count


@pytest.mark.parametrize(
    ("count", "hosts", "said"),
    [
        (1, 1, "has one member, and without it nobody may lead"),
        (2, 2, "has 2 members, and 2 bear the loss of no more members than 1; declare three or five"),
        (4, 4, "has 4 members, and 4 bear the loss of no more members than 3; declare three or five"),
        (7, 7, "has 7 members, and more only make it slower; declare three or five"),
        (3, 2, "has 2 of 3 members on h0.example.net, without which there is no majority"),
        (5, 2, "has 3 of 5 members on h0.example.net, without which there is no majority"),
    ],
)
def test_what_bears_no_loss_is_refused(count: int, hosts: int, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        made(count, hosts=hosts)
    assert f"inventory/some.py: group consensus {said}" in str(refused.value)


def test_an_even_number_is_refused_in_a_trial_too() -> None:
    with pytest.raises(SettingsError, match="has 2 members"):
        made(2, **TRIAL)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"release": "bookworm"}, "release = 'bookworm': etcd of Debian 12 (3.4) is not maintained any more"),
        ({"address": "dhcp"}, "members reach each other by their addresses; give a static one"),
        ({"single_host": "yes"}, "single_host = 'yes'"),
        ({"disk": "1GiB"}, "disk = '1GiB'"),
        ({"max_connections": 10}, "max_connections = 10: unknown key"),
    ],
)
def test_what_a_member_cannot_be_is_refused(data: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        made(3, hosts=3, first=data)
    assert said in str(refused.value)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="2 containers of group consensus have the name c1; rename them"):
        made(3, hosts=3, first={"lxc_name": "c1"})


def test_no_server_has_the_name_that_lets_in() -> None:
    store = Entry("@lxcssh/h0.example.net:one", ("event_stores",), {
        "lxc_name": "one", "lxc_host": "h0.example.net", "address": "10.0.3.10", "tls": "authority",
        "certificate_names": [CLIENT_NAME],
    })  # fmt: skip
    with pytest.raises(SettingsError, match="that name lets into the consensus; take another"):
        made(3, store, hosts=3)


@pytest.mark.parametrize(("disk", "quota"), [("2GiB", 256 * MIB), ("20GiB", 2 * GIB), ("100GiB", 2 * GIB)])
def test_an_eighth_of_the_volume_is_for_what_is_kept(disk: str, quota: int) -> None:
    assert made(1, disk=disk, **TRIAL).members[0].quota == quota
