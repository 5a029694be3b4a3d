"""The system inside the container: release, name, locale, packages, services."""

from testinfra.host import Host

from deploy.machine.facts import Packages
from deploy.model.cluster import ClusterPaths
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.hosts import LxcHost


def test_release_is_the_declared_one(inside: Host, container: Container) -> None:
    assert inside.system_info.distribution == "debian"
    assert inside.system_info.codename == container.release


def test_host_name_is_the_container_name(inside: Host, container: Container) -> None:
    assert inside.check_output("uname -n") == container.lxc_name
    assert inside.file("/etc/hostname").content_string == f"{container.lxc_name}\n"


def test_host_name_resolves(inside: Host, container: Container) -> None:
    assert inside.addr(container.lxc_name).is_resolvable


def test_name_servers_are_the_declared_ones(inside: Host, host_settings: LxcHost) -> None:
    lines = inside.file("/etc/resolv.conf").content_string.splitlines()
    declared = [str(address) for address in host_settings.nameserver_addresses]
    assert [line.split()[1] for line in lines if line.startswith("nameserver")] == declared


def test_locale_is_there(inside: Host) -> None:
    assert "en_US.utf8" in inside.check_output("locale -a").split()


def test_packages_are_installed(inside: Host, container: Container) -> None:
    required = sorted(container.required_packages)
    # One command for all of them: over SSH each takes its time.
    command = Packages().command(names=required).get_raw_value()
    present = Packages().process(inside.check_output(command).splitlines())
    assert [name for name in required if not present.get(name)] == []


def test_shared_memory_follows_the_memory(inside: Host, container: Container) -> None:
    assert int(inside.check_output("df --output=size -B1 /dev/shm | tail -n 1")) == container.shared_memory


def test_a_session_that_ends_takes_no_shared_memory_along(inside: Host) -> None:
    assert "RemoveIPC=no" in inside.check_output("systemd-analyze cat-config systemd/logind.conf").splitlines()


def test_a_killed_server_comes_back(inside: Host, store: EventStore) -> None:
    names = ("Restart=on-failure", "OOMPolicy=continue", "TasksMax=infinity")
    command = "systemctl show --property=Restart,OOMPolicy,TasksMax %s"
    assert set(names) == set(inside.check_output(command, ClusterPaths(store.version).unit).splitlines())


def test_no_unit_has_failed(inside: Host) -> None:
    failed = inside.check_output("systemctl list-units --failed --no-legend --plain")
    assert not failed
    assert inside.run("systemctl is-system-running").stdout.strip() == "running"


def test_postgresql_runs_now_and_after_a_boot(inside: Host, store: EventStore) -> None:
    paths = ClusterPaths(store.version)
    # postgresql.service is a dummy that is always active; enabling it is what starts clusters at boot.
    assert inside.service(paths.unit).is_running
    assert inside.service("postgresql.service").is_enabled
    assert inside.file(f"{paths.conf}/start.conf").content_string.split() == ["auto"]
