"""What is refused between event stores and the repositories of their backups, and what follows from one for the other."""

import json
from typing import Any

import pytest

from deploy.backups.config import copy_configuration, repository_configuration, store_configuration
from deploy.backups.copies.config import texts
from deploy.lxc.container.config import config_text
from deploy.machine.facts import Machine
from deploy.model.inventory import Entry, SettingsError, make_settings, read_inventory
from deploy.model.settings import Settings
from deploy.model.sizes import GIB


def made(
    store: dict[str, Any] | None = None,
    repository: dict[str, Any] | None = None,
    *more: Entry,
    host: dict[str, Any] | None = None,
    name: str = "one",
) -> Settings:
    """An inventory of one event store and one repository."""
    where = {"lxc_host": "@local"}
    entries = [
        Entry("@local", ("lxc_hosts",), host or {}),
        Entry(f"@lxc/{name}", ("event_stores",), {
            **where, "lxc_name": name, "address": "10.0.3.10", "backup_repository": "kept", **(store or {}),
        }),
        Entry("@lxc/kept", ("backup_repositories",), {
            **where, "lxc_name": "kept", "address": "10.0.3.20", **(repository or {}),
        }),
        *more,
    ]  # fmt: skip
    return make_settings(entries, "inventory/some.py")


def test_both_sides_know_each_other() -> None:
    settings = made()
    [store], [repository] = settings.event_stores, settings.repositories
    assert settings.peers_of(store) == [repository]
    assert settings.peers_of(repository) == [store]
    assert [identity.purpose for identity in store.identities] == ["peer"]
    assert store.server_settings["archive_mode"] == "on"
    assert "pgbackrest" in store.required_packages & repository.required_packages
    inside = store_configuration(store, repository)
    assert "repo1-host=kept\n" in inside
    assert "tls-server-auth=kept=one\n" in inside
    kept = repository_configuration(repository, settings)
    assert "tls-server-auth=one=one\n" in kept
    assert "repo1-block=y\n" in kept
    assert "repo1-cipher-pass" not in kept + inside


def test_blocks_are_not_compared_where_that_is_not_reliable() -> None:
    settings = made({"release": "bookworm"}, {"release": "bookworm"})
    assert "repo1-block" not in repository_configuration(settings.repositories[0], settings)


def test_a_store_without_backups_has_nothing_of_it() -> None:
    settings = made({"backup_repository": None})
    [store] = settings.event_stores
    assert store.identities == []
    assert settings.peers_of(store) == []
    assert "archive_mode" not in store.server_settings
    assert "pgbackrest" not in store.required_packages


@pytest.mark.parametrize(
    ("store", "repository", "said"),
    [
        (
            {"backup_repository": "elsewhere"},
            {},
            "there is no such container in group backup_repositories (there: kept)",
        ),
        ({"release": "bookworm"}, {}, "its release is trixie, and that of @lxc/one is bookworm"),
        ({"address": "dhcp"}, {}, "its repository reaches it by its address; give a static one"),
        ({}, {"address": "dhcp"}, "event stores reach a repository by its address; give a static one"),
        ({"postgresql_settings": {"archive_command": "true"}}, {}, '"archive_command": not to be overridden'),
        ({"postgresql_settings": {"Archive_Mode": "off"}}, {}, "backup_repository = 'kept' sets it"),
        ({}, {"full_schedule": "Sun; rm"}, "full_schedule = 'Sun; rm'"),
        ({}, {"keep_full": 0}, "keep_full = 0"),
        ({"disk": "30GiB"}, {"disk": "30GiB"}, '"disk": "30720MiB" is too little; give @lxc/kept "31744MiB" or more'),
        ({}, {"keep_copies": 1}, "keep_copies = 1"),
        ({}, {"copies_folder": "mnt/copies"}, "copies_folder = 'mnt/copies'"),
        (
            {},
            {"copies_folder": "/var/lib/event-store/volumes/one/data"},
            "data volumes are there, and a container could",
        ),
    ],
)
def test_what_cannot_work_is_refused(store: dict[str, Any], repository: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        made(store, repository)
    assert said in str(refused.value)
    assert "inventory/some.py" in str(refused.value)


def test_copies_are_beside_the_volumes_or_where_the_operator_says() -> None:
    [repository] = made().repositories
    assert repository.read_only_mounts("/data") == {"/data/copies/kept/dated": "/srv/copies"}
    settings = made({}, {"copies_folder": "/mnt/copies", "copies_leave_free": "2GiB"}, host={"storage_path": "/data"})
    [repository] = settings.repositories
    line = (
        "lxc.mount.entry = /mnt/copies/kept/dated srv/copies none bind,ro,nosuid,nodev,noexec,optional,create=dir 0 0"
    )
    assert line in config_text(repository, settings.hosts["@local"], Machine()).splitlines()
    assert line not in config_text(settings.event_stores[0], settings.hosts["@local"], Machine())
    written = texts(repository, settings)
    assert json.loads(written["/etc/event-store/copies/kept.json"]) == {
        "container": "kept",
        "source": "/data/volumes/kept/data/repository",
        "folder": "/mnt/copies/kept",
        "stores": ["one"],
        "keep": 14,
        "keep_full": 4,
        "leave_free": 2 * GIB,
    }
    assert "OnCalendar=*-*-* 03:00 UTC\n" in written["/etc/systemd/system/event-store-copies-kept.timer"]


def test_the_archive_may_be_overridden_where_there_is_none_of_ours() -> None:
    settings = made({"backup_repository": None, "postgresql_settings": {"archive_command": "true"}})
    assert settings.event_stores[0].server_settings["archive_command"] == "true"


def test_no_container_has_the_name_of_a_role() -> None:
    """Its certificate for other containers would be good for that role."""
    with pytest.raises(SettingsError, match="its name is that of a role that logs in; rename it"):
        made(name="stock_analysis_user")


def test_networks_that_do_not_lead_to_each_other_are_refused() -> None:
    other = Entry("far.example.net", ("lxc_hosts",), {})
    apart = {"lxc_host": "far.example.net"}
    with pytest.raises(SettingsError, match=r"is a network of its own on each of @local and far\.example\.net"):
        made({}, apart, other)
    shared = Entry("far.example.net", ("lxc_hosts",), {"network": "existing"})
    made({}, apart, shared, host={"network": "existing"})
    elsewhere = Entry("far.example.net", ("lxc_hosts",), {"subnet": "10.0.9.0/24"})
    made({}, {**apart, "address": "10.0.9.20"}, elsewhere)


def test_the_inventory_with_everything_is_valid() -> None:
    settings = read_inventory("inventory/full.py")
    assert [settings.repository_of(store) for store in settings.event_stores] == settings.repositories


def copied(**data: Any) -> Entry:
    """A container that is a copy of `made`'s event store."""
    where = {"lxc_host": "@local", "lxc_name": "two", "address": "10.0.3.11", "copy_of": "one"}
    return Entry("@lxc/two", ("event_stores",), {**where, **data})


def test_a_copy_reads_the_backups_of_its_source_and_archives_nothing() -> None:
    settings = made({}, {}, copied())
    [source, copy], [repository] = settings.event_stores, settings.repositories
    assert settings.source_of(copy) is source
    assert settings.source_of(source) is None
    assert settings.repository_of(copy) is None
    assert settings.read_repository_of(copy) is repository
    assert (settings.stores_of(repository), settings.copies_in(repository)) == ([source], [copy])
    assert (settings.peers_of(copy), settings.peers_of(repository)) == ([repository], [source])
    assert [identity.purpose for identity in copy.identities] == ["peer"]
    assert copy.server_settings["archive_mode"] == "off"
    assert "archive_command" not in copy.server_settings
    assert "pgbackrest" in copy.required_packages
    assert "tls-server-auth=two=one\n" in repository_configuration(repository, settings)
    inside = copy_configuration(copy, repository)
    assert "\n[one]\n" in inside
    assert "tls-server" not in inside


@pytest.mark.parametrize(
    ("store", "copy", "said"),
    [
        (
            {},
            {"copy_of": "three"},
            "copy_of = 'three': there is no such event store in group event_stores (there: one)",
        ),
        ({}, {"copy_of": "two"}, "name one that is no copy itself"),
        ({"backup_repository": None}, {}, "@lxc/one is not backed up; give it a backup_repository"),
        ({}, {"release": "bookworm"}, "its release is trixie, and that of @lxc/two is bookworm; make them equal"),
        ({}, {"backup_repository": "kept"}, 'a copy is not backed up itself; give it "backup_repository": None'),
        ({}, {"postgresql_settings": {"archive_mode": "on"}}, "copy_of = 'one' sets it"),
    ],
)
def test_a_copy_that_cannot_be_is_refused(store: dict[str, Any], copy: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        made(store, {}, copied(**copy))
    assert said in str(refused.value)
