"""What follows from an inventory's values; which values are refused is in test_inventory.py, with their messages."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from declared import container, lxc_host
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model.containers import ID_RANGE, Container
from deploy.model.settings import Settings
from deploy.model.sizes import GIB


def test_a_container_needs_nothing_but_an_address() -> None:
    plain = container()
    assert (plain.memory, plain.cpus, plain.disk, plain.root_disk) == (2 * GIB, 2, 20 * GIB, 4 * GIB)
    assert (plain.release, plain.version, plain.autostart) == ("trixie", 17, True)


def test_a_host_needs_nothing_at_all() -> None:
    plain = lxc_host()
    assert plain.gateway_address == IPv4Address("10.0.3.1")
    assert plain.nameserver_addresses == [IPv4Address("10.0.3.1")]
    assert plain.dhcp_range == (IPv4Address("10.0.3.128"), IPv4Address("10.0.3.254"))


@pytest.mark.parametrize(("release", "version"), [("trixie", 17), ("bookworm", 15)])
def test_the_version_is_the_one_that_the_release_packages(release: str, version: int) -> None:
    assert container(release=release).version == version
    assert container(release=release, postgresql_version=version).version == version


def test_the_gateway_answers_dns_unless_others_are_named() -> None:
    existing = lxc_host(network="existing", subnet="192.168.7.0/24", gateway="192.168.7.254")
    assert existing.nameserver_addresses == [IPv4Address("192.168.7.254")]
    assert lxc_host(nameservers=["9.9.9.9"]).nameserver_addresses == [IPv4Address("9.9.9.9")]


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", fullmatch=True))
def test_ids_derived_from_any_name_are_whole_ranges_that_the_kernel_has(name: str) -> None:
    ids = container(lxc_name=name).ids
    assert len(ids) == ID_RANGE
    assert ids.start >= 1_000_000
    assert ids.stop < 2**32
    assert ids == container(lxc_name=name).ids


def test_a_given_id_base_wins() -> None:
    assert container(id_base=300_000).ids == range(300_000, 300_000 + ID_RANGE)


@given(st.text(min_size=1))
def test_a_hardware_address_is_one_that_lxc_gives_out_and_stays(name: str) -> None:
    address = container(name=name).hardware_address
    assert address == container(name=name).hardware_address
    assert address.startswith("00:16:3e:")
    assert len(bytes.fromhex(address.replace(":", ""))) == 6


def test_overrides_win_over_derived_settings_and_switches_are_words() -> None:
    overrides = {"work_mem": "24MB", "jit": True, "log_min_duration_statement": 250, "random_page_cost": 1.5}
    settings = container(postgresql_settings=overrides).server_settings
    assert {name: settings[name] for name in overrides} == {
        "work_mem": "24MB",
        "jit": "on",
        "log_min_duration_statement": "250",
        "random_page_cost": "1.5",
    }
    assert settings["shared_buffers"] == "512MB"


def test_settings_cannot_be_changed_once_they_are_valid() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        container().memory = 1


def test_clients_come_from_the_hosts_subnet_unless_others_are_named() -> None:
    one = container()
    two = container(name="@lxc/two", lxc_name="two", address="10.0.3.11", client_networks=["192.168.0.0/16"])
    settings = Settings(
        file="inventory/some.py", hosts={"@local": lxc_host()}, containers={one.name: one, two.name: two}
    )
    assert settings.client_networks(one) == [IPv4Network("10.0.3.0/24")]
    assert settings.client_networks(two) == [IPv4Network("192.168.0.0/16")]


def test_containers_are_found_by_their_host_in_the_inventorys_order() -> None:
    names = ["b", "a", "c"]
    there: dict[str, Container] = {
        name: container(name=name, lxc_host="far" if name == "a" else "@local") for name in names
    }
    settings = Settings(
        file="inventory/some.py", hosts={"@local": lxc_host(), "far": lxc_host(name="far")}, containers=there
    )
    assert [one.name for one in settings.containers_on("@local")] == ["b", "c"]
    assert settings.host_of(there["a"]).name == "far"
