"""Raw data become settings, or one message that says for each problem where it is, what it is and what would be right."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyinfra.api import Inventory

from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.inventory import Entry, SettingsError, entries_of, make_settings, read_entries, settings_of
from deploy.model.passwords import variable
from deploy.model.settings import Settings

FILE = "inventory/some.py"
Data = dict[str, Any]


def made(one: Data | None = None, two: Data | None = None, host: Data | None = None, file: str = FILE) -> Settings:
    """Settings of one host with two containers, each with some data changed; a value of None takes the key away."""

    def entry(name: str, group: str, data: Data, changes: Data | None) -> Entry:
        merged = data | (changes or {})
        return Entry(name, (group, "all"), {key: value for key, value in merged.items() if value is not None})

    entries = [entry("@local", "lxc_hosts", {}, host)]
    for number, (name, changes) in enumerate((("one", one), ("two", two)), start=11):
        data = {"lxc_name": name, "lxc_host": "@local", "address": f"10.0.3.{number}"}
        entries.append(entry(f"@lxc/{name}", "event_stores", data, changes))
    return make_settings(entries, file)


class Bad(NamedTuple):
    """Data that cannot be right, and what the message has to say beside the file."""

    says: tuple[str, ...]
    one: Data | None = None
    two: Data | None = None
    host: Data | None = None


CASES = {
    "unknown key": Bad(("@lxc/one: memmory = '2GiB': unknown key; did you mean memory?",), {"memmory": "2GiB"}),
    "key like no other": Bad(("xyzzy = 1: unknown key; known are lxc_name, ", "postgresql_settings"), {"xyzzy": 1}),
    "unknown key of a host": Bad(("@local: brigde = 'b': unknown key; did you mean bridge?",), host={"brigde": "b"}),
    "missing address": Bad(("@lxc/one: address is missing; give it",), {"address": None}),
    "no size": Bad(("memory = 'two gigs': \"two gigs\": not a size", 'for example "8GiB"'), {"memory": "two gigs"}),
    "size of nothing": Bad(("disk = '0GiB'", 'for example "8GiB"'), {"disk": "0GiB"}),
    "little memory": Bad(("memory = '256MiB'", 'at least "512MiB"'), {"memory": "256MiB"}),
    "memory as a bare number": Bad(("memory = 2048", 'at least "512MiB"'), {"memory": 2048}),
    "more memory than is tuned for": Bad(("memory of 2TB", "512MB to 1TB"), {"memory": "2TiB"}),
    "small disk": Bad(("disk = '1GiB': too small", 'at least "2GiB"'), {"disk": "1GiB"}),
    "small root disk": Bad(("root_disk = '1GiB': too small", 'at least "2GiB"'), {"root_disk": "1GiB"}),
    "no CPUs": Bad(("cpus = 0", "greater than or equal to 1"), {"cpus": 0}),
    "CPUs as a text": Bad(("cpus = '4'", "valid integer"), {"cpus": "4"}),
    "few processes": Bad(("processes = 10", "greater than or equal to 200"), {"processes": 10}),
    "what to do with unknown event types": Bad(
        ("unknown_event_types = 'warn'", "'allow' or 'refuse'"), {"unknown_event_types": "warn"}
    ),
    "short retention": Bad(("retention_years = 5", "greater than or equal to 7"), {"retention_years": 5}),
    "retention as a text": Bad(("retention_years = '10 years'", "valid integer"), {"retention_years": "10 years"}),
    "few connections": Bad(("max_connections = 1", "greater than or equal to 10"), {"max_connections": 1}),
    "autostart as a text": Bad(("autostart = 'yes'", "valid boolean"), {"autostart": "yes"}),
    "storage": Bad(("storage = 'tape'", "'ssd' or 'hdd'"), {"storage": "tape"}),
    "release": Bad(("release = 'buster'", "'trixie' or 'bookworm'"), {"release": "buster"}),
    "version of another release": Bad(
        ("postgresql_version = 15", "trixie packages PostgreSQL 17; write 17 or leave the key out"),
        {"postgresql_version": 15},
    ),
    "package name": Bad(("packages = ['vim; reboot']", "match pattern"), {"packages": ["vim; reboot"]}),
    "reserved ids": Bad(("id_base = 1000", "greater than or equal to 100000"), {"id_base": 1000}),
    "ids beyond the last": Bad(("id_base = 4294967000", "less than or equal to"), {"id_base": 4_294_967_000}),
    "overlapping ids": Bad(
        ("@lxc/one and @lxc/two", "2000000 and 2035536 overlap", "an id_base of its own, for example 2101072"),
        {"id_base": 2_000_000},
        {"id_base": 2_035_536},
    ),
    "no address": Bad(("address = '10.0.3.300'", 'for example "10.0.3.10", or "dhcp"'), {"address": "10.0.3.300"}),
    "address outside": Bad(("address = 10.9.9.9 is outside the host's subnet 10.0.3.0/24",), {"address": "10.9.9.9"}),
    "the gateway's address": Bad(("address = 10.0.3.1 ", "gateway's; take another"), {"address": "10.0.3.1"}),
    "the network's address": Bad(("address = 10.0.3.0 ", "take another"), {"address": "10.0.3.0"}),
    "the broadcast address": Bad(("address = 10.0.3.255 ", "take another"), {"address": "10.0.3.255"}),
    "an address of DHCP's": Bad(("address = 10.0.3.200", "take one below 10.0.3.128"), {"address": "10.0.3.200"}),
    "address twice": Bad(
        ("@lxc/one and @lxc/two: both have address = 10.0.3.12; give each its own",), {"address": "10.0.3.12"}
    ),
    "container twice": Bad(
        ("@lxc/one and @lxc/two: both are container two of @local; rename one",), {"lxc_name": "two"}
    ),
    "no such host": Bad(
        ("@lxc/one: its LXC host elsewhere is not in group lxc_hosts; add it there",), {"lxc_host": "elsewhere"}
    ),
    "client network": Bad(("client_networks", "a network, for example"), {"client_networks": ["10.0.3.1/24"]}),
    "misspelt setting": Bad(
        ("postgresql_settings: ", '"shared_bufers": not a setting of PostgreSQL 17; did you mean "shared_buffers"?'),
        {"postgresql_settings": {"shared_bufers": "1GB"}},
    ),
    "setting of a newer version": Bad(
        ('"transaction_timeout": not a setting of PostgreSQL 15',),
        {"release": "bookworm", "postgresql_settings": {"transaction_timeout": "1min"}},
    ),
    "setting that is not the operator's": Bad(
        ('"port": not to be overridden: ',), {"postgresql_settings": {"port": 5433}}
    ),
    "setting over the memory": Bad(
        ('shared_buffers: "4GB" is more than the container\'s memory; at most "2GB"',),
        {"postgresql_settings": {"shared_buffers": "4GB"}},
    ),
    "settings over the memory together": Bad(
        ("the settings can take", "lower one of them or give the container more memory"),
        {"postgresql_settings": {"work_mem": "256MB"}},
    ),
    "setting that is no size": Bad(
        ('work_mem: "64 megs"', 'as in "2GB"'), {"postgresql_settings": {"work_mem": "64 megs"}}
    ),
    "setting that gives durability away": Bad(
        ("postgresql_settings: fsync = 'off': ", 'leave it out, or give the container "durability": "none"'),
        {"postgresql_settings": {"fsync": False}},
    ),
    "durability": Bad(("durability = 'some'", "'full' or 'none'"), {"durability": "some"}),
    "WAL over the disk": Bad(
        ("max_wal_size = 30GB", "WAL can take 30GB", "the data volume (disk) has 20GB", "or give more disk"),
        {"postgresql_settings": {"max_wal_size": "30GB"}},
    ),
    "connections over the processes": Bad(
        ("processes = 1000: max_connections = 2000", 'give "processes": 2051', "lower max_connections to 967"),
        {"max_connections": 2000},
    ),
    "subnet": Bad(("@local: subnet = '10.0.3.0/33'", 'for example "10.0.3.0/24"'), host={"subnet": "10.0.3.0/33"}),
    "subnet with host bits": Bad(("subnet = '10.0.3.7/24'", "host bits set"), host={"subnet": "10.0.3.7/24"}),
    "subnet without room": Bad(("subnet 10.0.3.0/30 has no room", "29 or less"), host={"subnet": "10.0.3.0/30"}),
    "gateway outside": Bad(
        ("gateway 10.9.0.1 is outside subnet 10.0.3.0/24; give one inside",),
        host={"network": "existing", "gateway": "10.9.0.1"},
    ),
    "a proxy that is the container itself": Bad(
        ("apt_proxy http://localhost:3142: inside a container that is the container itself", "for example 10.0.3.1"),
        host={"apt_proxy": "http://localhost:3142"},
    ),
    "gateway of a managed bridge": Bad(("gateway: a managed bridge", "leave the key out"), host={"gateway": "10.0.3.2"}),
    "network": Bad(("network = 'nat'", "'managed' or 'existing'"), host={"network": "nat"}),
    "bridge": Bad(("bridge = 'a bridge'", "match pattern"), host={"bridge": "a bridge"}),
    "relative storage path": Bad(("storage_path = 'data'", "match pattern"), host={"storage_path": "data"}),
    "storage path with a space": Bad(("storage_path = '/my disk'", "pattern"), host={"storage_path": "/my disk"}),
    "name server": Bad(("nameservers = ['one.one']", "not an IPv4 address"), host={"nameservers": ["one.one"]}),
}  # fmt: skip


def test_data_without_a_fault_are_taken() -> None:
    """Or the cases below might be refused for another reason than theirs."""
    settings = made()
    assert list(settings.hosts) == ["@local"]
    assert list(settings.containers) == ["@lxc/one", "@lxc/two"]


@pytest.mark.parametrize("bad", CASES.values(), ids=list(CASES))
def test_bad_data_are_refused_with_file_key_value_and_remedy(bad: Bad) -> None:
    with pytest.raises(SettingsError) as refused:
        made(bad.one, bad.two, bad.host)
    message = str(refused.value)
    assert "nothing was touched" in message
    assert [part for part in (f"{FILE}: ", *bad.says) if part not in message] == []


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(SettingsError, match=r"^3 problem\(s\)") as refused:
        made({"cpus": 0}, {"memory": "?"}, {"bridge": ""})
    assert [key for key in ("cpus = 0", "memory = '?'", "bridge = ''") if key not in str(refused.value)] == []


def test_keys_of_connectors_are_theirs() -> None:
    settings = made({"_sudo": True}, host={"ssh_user": "deploy", "ssh_port": 22, "fake_delay": 0, "_sudo": True})
    assert settings.hosts["@local"].bridge == "lxcbr0"


def test_an_address_of_dhcps_is_anyones_on_an_existing_bridge() -> None:
    made({"address": "10.0.3.200"}, host={"network": "existing"})
    made({"address": "dhcp"}, {"address": "dhcp"})


def test_containers_of_two_hosts_may_share_name_and_address() -> None:
    data = {"lxc_name": "one", "address": "10.0.3.11"}
    hosts = [Entry(name, ("lxc_hosts",), {}) for name in ("a", "b")]
    stores = [Entry(f"@lxcssh/{name}:one", ("event_stores",), {**data, "lxc_host": name}) for name in ("a", "b")]
    assert len(make_settings([*hosts, *stores], FILE).containers) == 2


@pytest.mark.parametrize("groups", [(), ("all",), ("lxc_hosts", "event_stores")])
def test_a_machine_is_in_one_group(groups: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=r"one: put it in one of the groups lxc_hosts and event_stores"):
        make_settings([Entry("one", groups, {})], FILE)


def test_an_inventory_without_a_host_is_refused() -> None:
    with pytest.raises(SettingsError, match="no machine in group lxc_hosts"):
        make_settings([], FILE)


def test_a_machine_that_stands_twice_is_refused_though_pyinfra_merges_it(tmp_path: Path) -> None:
    file = tmp_path / "twice.py"
    file.write_text('lxc_hosts = ["@local"]\nevent_stores = [("@lxc/a", {"memory": "1GiB"}), "@lxc/a"]\n')
    with pytest.raises(SettingsError, match="@lxc/a is more than once in event_stores; rename or remove one"):
        made(file=str(file))


def pyinfra_inventory(group_data: Data, host_data: Data, override: Data | None = None) -> Inventory:
    stores = [("@lxc/one", {"address": "10.0.3.11", **host_data})]
    names: tuple[list[Any], Data] = ([*stores, "@local"], {})
    groups = {"event_stores": (stores, group_data), "lxc_hosts": (["@local"], {})}
    return Inventory(names, override_data=override, **groups)


def test_a_problem_is_said_of_the_file_that_gives_the_key() -> None:
    inventory = pyinfra_inventory({"cpus": 0}, {"memory": "?"}, {"disk": "no"})
    with pytest.raises(SettingsError) as refused:
        make_settings(entries_of(inventory, FILE), FILE)
    message = str(refused.value)
    assert "group_data/event_stores.py: @lxc/one: cpus = 0" in message
    assert f"{FILE}: @lxc/one: memory = '?'" in message
    assert "--data: @lxc/one: disk = 'no'" in message


def test_a_key_of_the_inventory_file_wins_over_its_group() -> None:
    inventory = pyinfra_inventory({"cpus": 3, "processes": 500}, {"cpus": 4})
    one = make_settings(entries_of(inventory, FILE), FILE).containers["@lxc/one"]
    assert (one.cpus, one.processes) == (4, 500)


def test_a_weak_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable(APPLICATION_ROLE), "Pa55word2024")
    with pytest.raises(SettingsError, match="generate one with") as refused:
        settings_of(pyinfra_inventory({}, {}), "inventory/unit-test.py")
    assert "Pa55word2024" not in str(refused.value)


def test_an_inventory_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.py: no such inventory file"):
        read_entries("nowhere.py")
