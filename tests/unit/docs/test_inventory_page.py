"""The inventory reference is what the models say, and what it says of a change is what the code derives from one."""

from collections.abc import Mapping
from typing import Any

import pytest
from declared import container, lxc_host

from deploy.commands.reference import EFFECTS, GROUPS, PAGE, Model, change_of, filled
from deploy.lxc.container.config import Paths, config_text
from deploy.lxc.image.recipe import Image
from deploy.machine.facts import Machine
from deploy.machine.render import render
from deploy.model.event_stores import EventStore
from deploy.model.hosts import LxcHost
from deploy.model.limits import is_limit
from deploy.model.settings import Settings
from deploy.postgres.config import changed_settings, pg_hba_conf, postgresql_conf

#: Of the settings that are derived from a container, those that a server takes over at a start only
#: (SELECT name FROM pg_settings WHERE context = 'postmaster').
AT_START = {
    "archive_mode", "autovacuum_max_workers", "huge_pages", "max_connections", "max_locks_per_transaction", "max_worker_processes",
    "shared_buffers", "wal_buffers",
}  # fmt: skip
FIELDS = [(model, key) for model in GROUPS.values() for key in model.model_fields if key != "name"]

#: Changes of a key, each from one value to another; together they show all that `derived` can see of it.
CHANGES: Mapping[str, list[tuple[Any, Any]]] = {
    "bridge": [("lxcbr0", "br7")],
    "network": [("managed", "existing"), ("existing", "managed")],
    "apt_proxy": [("http://10.0.3.1:3142", "http://10.0.3.2:3142")],
    "subnet": [("10.0.3.0/24", "10.0.0.0/16")],
    "gateway": [("10.0.3.1", "10.0.3.2")],
    "nameservers": [([], ["9.9.9.9"])],
    "storage_path": [("/srv/a", "/srv/b")],
    "memory": [("2GiB", "4GiB")],
    "cpus": [(2, 4), (4, 8)],
    "processes": [(1000, 2000)],
    "disk": [("10GiB", "15GiB"), ("20GiB", "30GiB")],
    "root_disk": [("4GiB", "5GiB")],
    "address": [("10.0.3.10", "10.0.3.11"), ("10.0.3.10", "dhcp"), ("dhcp", "10.0.3.10")],
    "autostart": [(True, False)],
    "id_base": [(None, 300_000)],
    "release": [("trixie", "bookworm")],
    "packages": [([], ["vim"]), (["vim"], [])],
    "storage": [("ssd", "hdd")],
    "max_connections": [(100, 200)],
    "postgresql_settings": [({}, {"log_min_duration_statement": 250}), ({}, {"max_locks_per_transaction": 128})],
    "client_networks": [([], ["192.168.0.0/16"])],
    "durability": [("full", "none"), ("none", "full")],
    "authentication": [("password", "certificate"), ("password", "password+certificate")],
    "secrets": [("file", "pass:event-store/prod")],
    "pooling": [("off", "on"), ("on", "off")],
    "backup_repository": [(None, "backups"), ("backups", None)],
    "copy_of": [(None, "analysis")],
    "unknown_event_types": [("allow", "refuse")],
    "retention_years": [(7, 10)],
}
#: What only a machine can show; most of it is tried in tests/deployed/test_changes.py.
ON_A_MACHINE: Mapping[str, set[str]] = {
    "memory": {"container restart"},  # more is in use
    "disk": {"refused", "container restart"},  # smaller; root may not resize what is mounted
    "root_disk": {"refused", "container restart"},
    "postgresql_version": {"refused"},  # tests/unit/test_inventory.py
    "lxc_name": {"another container"},
    "lxc_host": {"another container"},
    "durability": {"refused"},
    "tls": {"reload"},  # tests/deployed/test_certificates.py
    "certificate_names": {"reload"},
    # tests/deployed/test_backups.py
    "full_schedule": {"live"},
    "differential_schedule": {"live"},
    "incremental_schedule": {"live"},
    "verify_schedule": {"live"},
    "drill_schedule": {"live"},
    "keep_full": {"live"},
    "keep_differential": {"live"},
    "single_host": {"nothing"},  # tests/unit/model/test_consensus.py
    "s3_bucket": {"live"},
    "s3_endpoint": {"live"},
    "s3_region": {"live"},
    "s3_addressing": {"live"},
    "s3_authorities": {"live"},
    # tests/deployed/test_copies.py
    "copy_schedule": {"live"},
    "keep_copies": {"live"},
    "copies_folder": {"container restart"},
    "copies_leave_free": {"live"},
}


def declared(key: str) -> set[str]:
    model = LxcHost if key in LxcHost.model_fields else EventStore
    return set(change_of(model, key)[0])


def with_value(key: str, value: Any) -> tuple[LxcHost, EventStore]:
    """A host and its container, one key of one of them as given."""
    host: dict[str, Any] = {}
    data: dict[str, Any] = {}
    (host if key in LxcHost.model_fields else data)[key] = value
    if key == "gateway":
        host["network"] = "existing"
    if key == "authentication":
        data["tls"] = "authority"
    return lxc_host(**host), container(**data)


def derived(key: str, before: Any, after: Any) -> set[str]:
    """What a deploy would do, from what it would write."""
    (old_host, old), (host, new) = with_value(key, before), with_value(key, after)
    effects = set()
    lines = {*config_text(old, old_host, Machine()).splitlines()} ^ {*config_text(new, host, Machine()).splitlines()}
    if old.release != new.release or Paths.of(old, old_host) != Paths.of(new, host):
        return {"refused"}
    if any(line.startswith("lxc.") and not is_limit(line) for line in lines):
        effects.add("container restart")
    texts = [postgresql_conf(one) for one in (old, new)]
    if settings := changed_settings(*texts):
        effects.add("server restart" if settings & AT_START else "reload")
    access = [
        pg_hba_conf(one, Settings(file="inventory/some.py", hosts={at.name: at}, containers={one.name: one}))
        for at, one in ((old_host, old), (host, new))
    ]
    if access[0] != access[1]:
        effects.add("reload")
    live = (
        any(line.startswith("lxc.cgroup") for line in lines),
        old_host.nameserver_addresses != host.nameserver_addresses,
        old_host.apt_proxy != host.apt_proxy,
        host.network == "managed" and render("lxc/lxc-net.j2", host=old_host) != render("lxc/lxc-net.j2", host=host),
        new.required_packages - old.required_packages and Image.of(old) != Image.of(new),
        (old.disk, old.root_disk) != (new.disk, new.root_disk),
        (old.unknown_event_types, old.retention_years) != (new.unknown_event_types, new.retention_years),
    )
    return effects | ({"live"} if any(live) else set()) or {"nothing"}


def test_the_page_is_what_the_models_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run: python -m deploy.commands.reference"


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_has_each_group(group: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(f"<!-- table: keys of {group} -->") == 1
    assert page.count(f"<!-- table: changes of {group} -->") == 1


@pytest.mark.parametrize(("model", "key"), FIELDS, ids=[f"{model.__name__}.{key}" for model, key in FIELDS])
def test_each_key_says_what_a_change_of_it_does(model: Model, key: str) -> None:
    effects, details = change_of(model, key)
    assert effects
    assert set(effects) <= set(EFFECTS)
    assert details.endswith(".")
    assert key in CHANGES or key in ON_A_MACHINE


@pytest.mark.parametrize("key", CHANGES)
def test_a_change_does_what_is_said_of_it(key: str) -> None:
    seen = set[str]().union(*(derived(key, before, after) for before, after in CHANGES[key]))
    assert seen | ON_A_MACHINE.get(key, set()) == declared(key)
