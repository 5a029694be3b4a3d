"""The container on its LXC host: its configuration, its isolation, its limits, its disks and its address."""

from ipaddress import IPv4Address

import pytest
from testinfra.host import Host

from deploy.lxc.container.config import Paths, config_text
from deploy.machine.facts import Machine
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost
from deploy.model.limits import cgroup_limits, is_limit

from .lxc_attach import state_of


def test_container_is_running(lxc_host: Host, container: Container) -> None:
    assert state_of(lxc_host, container.lxc_name) == "RUNNING"


def test_configuration_is_the_declared_one(
    lxc_host: Host, container: Container, host_settings: LxcHost, machine: Machine
) -> None:
    file = lxc_host.file(f"/var/lib/lxc/{container.lxc_name}/config")
    assert file.content_string == config_text(container, host_settings, machine)
    assert (file.user, file.group, file.mode) == ("root", "root", 0o640)


def test_running_container_was_started_with_its_configuration(
    lxc_host: Host, inside: Host, container: Container, host_settings: LxcHost, machine: Machine
) -> None:
    """But for its limits, which a running container takes over; the next tests look at those."""

    def effective(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("lxc.") and not is_limit(line)]

    started_with = lxc_host.file(f"/run/event-store/{container.lxc_name}.config").content_string
    assert effective(started_with) == effective(config_text(container, host_settings, machine))


@pytest.mark.parametrize("map_file", ["uid_map", "gid_map"])
def test_container_is_unprivileged(lxc_host: Host, init_pid: int, container: Container, map_file: str) -> None:
    mapped = lxc_host.check_output("cat /proc/%s/" + map_file, str(init_pid)).split()
    assert mapped == ["0", str(container.ids.start), str(len(container.ids))]


def test_root_of_the_container_is_nobody_on_the_host(lxc_host: Host, init_pid: int, container: Container) -> None:
    assert lxc_host.check_output("stat -c %%u /proc/%s", str(init_pid)) == str(container.ids.start)


@pytest.mark.parametrize("resource", ["memory", "cpu", "pids"])
def test_limit_in_force_is_the_declared_one(
    lxc_host: Host, inside: Host, container: Container, machine: Machine, resource: str
) -> None:
    limits = cgroup_limits(container, machine.cgroup_version)
    declared = {key: value for key, value in limits.items() if key.startswith(f"{resource}.")}
    in_force = {}
    for key in declared:
        answer = lxc_host.run("lxc-cgroup -n %s %s", container.lxc_name, key)
        if answer.rc != 0 and key == "memory.swap.max":
            continue  # the kernel has no swap accounting
        in_force[key] = answer.stdout.strip()
    declared = {key: declared[key] for key in in_force}
    assert declared, f"no limit is known for {resource}"
    assert in_force == declared


@pytest.mark.parametrize("volume", ["root", "data"])
def test_disk_has_the_declared_size(
    lxc_host: Host, inside: Host, container: Container, host_settings: LxcHost, volume: str
) -> None:
    paths = Paths.of(container, host_settings)
    image, mount, declared = {
        "root": (f"{paths.mount}.img", "/", container.root_disk),
        "data": (f"{paths.volume}.img", container.volume_path, container.disk),
    }[volume]
    assert lxc_host.file(image).size == declared
    seen = int(inside.check_output("df --block-size=1 --output=size %s | tail -n 1", mount))
    # What the file system needs for itself is not counted; a file system that has not been grown is far below.
    assert 0.9 * declared < seen <= declared


def test_data_volume_is_a_mount_of_its_own(inside: Host, container: Container) -> None:
    assert inside.mount_point(container.volume_path).exists
    assert inside.mount_point(container.volume_path).device != inside.mount_point("/").device


def test_apparmor_confines_the_container(lxc_host: Host, init_pid: int, container: Container, machine: Machine) -> None:
    if not machine.apparmor:
        pytest.skip(f"not verifiable here: the kernel of {container.lxc_host} has no AppArmor")
    profile = lxc_host.check_output("cat /proc/%s/attr/current", str(init_pid))
    assert profile.startswith(f"lxc-{container.lxc_name}_")
    assert "unconfined" not in profile.split("//&")[0]


def test_container_has_its_address(inside: Host, container: Container, host_settings: LxcHost) -> None:
    fields = inside.check_output("ip -4 -o address show dev eth0 scope global").split()
    address, _, prefix = fields[fields.index("inet") + 1].partition("/")
    assert int(prefix) == host_settings.subnet.prefixlen
    if container.address == "dhcp":
        assert IPv4Address(address) in host_settings.subnet
    else:
        assert address == str(container.address)


def test_container_has_its_gateway(inside: Host, container: Container, host_settings: LxcHost) -> None:
    route = inside.check_output("ip -4 route show default").split()
    assert route[:2] == ["default", "via"], "there is no default route"
    if container.address != "dhcp":
        assert route[2] == str(host_settings.gateway_address)


def test_container_has_no_ipv6(inside: Host) -> None:
    assert inside.check_output("ip -6 -o address show") == ""


def test_container_starts_with_its_host_as_declared(lxc_host: Host, container: Container) -> None:
    # The file that LXC's autostart will read, not the configuration of the running container.
    declared = f"lxc.start.auto = {int(container.autostart)}"
    assert declared in lxc_host.file(f"/var/lib/lxc/{container.lxc_name}/config").content_string.splitlines()


def test_host_starts_containers_when_it_boots(lxc_host: Host, container: Container, machine: Machine) -> None:
    if not container.autostart:
        pytest.skip("not declared: autostart is off")
    if not machine.systemd:
        pytest.skip(f"not verifiable here: systemd is not PID 1 on {container.lxc_host}")
    assert lxc_host.service("lxc.service").is_enabled


def test_host_gives_containers_time_when_it_shuts_down(lxc_host: Host, container: Container, machine: Machine) -> None:
    if not machine.systemd:
        pytest.skip(f"not verifiable here: systemd is not PID 1 on {container.lxc_host}")
    unit = lxc_host.service("event-store-containers.service")
    assert unit.is_enabled
    assert unit.is_running, "what is not running is not stopped before LXC"


def test_managed_bridge_has_no_ipv6(lxc_host: Host, host_settings: LxcHost) -> None:
    if host_settings.network != "managed":
        pytest.skip("not declared: the bridge is somebody else's")
    assert lxc_host.check_output(f"ip -6 -o address show scope global dev {host_settings.bridge}") == ""
