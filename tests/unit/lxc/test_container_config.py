"""A container's LXC configuration: what it says for each kind of container and of machine."""

import pytest
from declared import container, lxc_host

from deploy.lxc.claims.facts import OURS
from deploy.lxc.container.config import START_HOOK, STOP_HOOK, Paths, config_text
from deploy.machine.facts import Machine
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost

HOST = lxc_host(storage_path="/data", subnet="10.7.0.0/16", bridge="br7", network="existing")
ONE = container(id_base=300_000, address="10.7.0.10", memory="1GiB")


def lines(one: Container = ONE, host: LxcHost = HOST, machine: Machine | None = None) -> list[str]:
    return [line for line in config_text(one, host, machine or Machine()).splitlines() if line.startswith("lxc.")]


def test_the_data_volume_lies_apart_from_what_goes_with_the_container() -> None:
    paths = Paths.of(ONE, HOST)
    assert paths == Paths(
        images="/data/images",
        mount="/data/containers/one",
        root="/data/containers/one/rootfs",
        volume="/data/volumes/one",
        data="/data/volumes/one/data",
        config="/var/lib/lxc/one/config",
        log="/var/log/lxc/one.log",
    )


def test_every_container_is_unprivileged_with_its_own_ids() -> None:
    text = lines()
    assert "lxc.idmap = u 0 300000 65536" in text
    assert "lxc.idmap = g 0 300000 65536" in text
    assert "lxc.include = /usr/share/lxc/config/userns.conf" in text
    assert "lxc.include = /etc/lxc/default.conf" not in text  # Debian's makes privileged containers


def test_data_and_root_come_from_the_declared_storage() -> None:
    text = lines()
    assert "lxc.rootfs.path = dir:/data/containers/one/rootfs" in text
    assert "lxc.mount.entry = /data/volumes/one/data srv/postgresql none bind,create=dir,idmap=container 0 0" in text
    assert f"lxc.hook.pre-start = {START_HOOK} /data" in text
    assert f"lxc.hook.post-stop = {STOP_HOOK}" in text


def test_the_next_deploy_knows_its_own_container_by_the_first_line() -> None:
    """Or it would refuse it as somebody else's."""
    assert OURS in config_text(ONE, HOST, Machine()).splitlines()[0]


def test_a_static_address_comes_with_prefix_and_gateway() -> None:
    text = lines()
    assert "lxc.net.0.link = br7" in text
    assert "lxc.net.0.ipv4.address = 10.7.0.10/16" in text
    assert "lxc.net.0.ipv4.gateway = 10.7.0.1" in text


def test_nobody_gives_it_an_address_that_is_not_declared() -> None:
    assert "lxc.sysctl.net.ipv6.conf.all.disable_ipv6 = 1" in lines()
    assert "lxc.sysctl.net.ipv6.conf.all.disable_ipv6 = 1" in lines(container(address="dhcp"))


def test_a_host_whose_kernel_has_no_ipv6_starts_its_containers() -> None:
    """LXC ends a start at a sysctl that is not there."""
    assert not [line for line in lines(machine=Machine(ipv6=False)) if "ipv6" in line]


def test_what_lxc_cannot_do_is_written_down_also_at_boot() -> None:
    assert "lxc.log.file = /var/log/lxc/one.log" in lines()


def test_with_dhcp_nothing_is_said_of_addresses() -> None:
    text = lines(container(address="dhcp"))
    assert [line for line in text if ".ipv4." in line] == []
    assert any(line.startswith("lxc.net.0.hwaddr = 00:16:3e:") for line in text)


def test_limits_are_written_for_the_hierarchy_that_is_there() -> None:
    assert "lxc.cgroup2.memory.max = 1073741824" in lines(machine=Machine(cgroup_version=2))
    assert "lxc.cgroup.memory.limit_in_bytes = 1073741824" in lines(machine=Machine(cgroup_version=1))


@pytest.mark.parametrize(("version", "forced"), [(1, True), (2, False)])
def test_systemd_is_talked_into_the_old_hierarchy_only_there(version: int, forced: bool) -> None:
    text = lines(machine=Machine(cgroup_version=version))
    assert ("lxc.environment = SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1" in text) is forced


@pytest.mark.parametrize("apparmor", [True, False])
def test_a_profile_is_generated_where_the_kernel_has_apparmor(apparmor: bool) -> None:
    text = lines(machine=Machine(apparmor=apparmor))
    assert ("lxc.apparmor.profile = generated" in text) is apparmor
    assert ("lxc.apparmor.allow_nesting = 1" in text) is apparmor


@pytest.mark.parametrize(("autostart", "word"), [(True, 1), (False, 0)])
def test_autostart_is_as_declared(autostart: bool, word: int) -> None:
    assert f"lxc.start.auto = {word}" in lines(container(autostart=autostart, address="10.7.0.10"))
