"""From an inventory's raw data to valid `Settings`, or to a list of everything that is wrong with it.

The same data are read in two places: by a deploy, from pyinfra's own inventory object, and by the other commands
(verify, dsn, …), which ask `pyinfra INVENTORY debug-inventory --json`, so that there is one reading of an inventory.
"""

import difflib
import json
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pyinfra.api import Inventory
from pyinfra.api.exceptions import PyinfraError

from deploy.model.backed_up import backup_problems
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost
from deploy.model.object_storage import storage_problems
from deploy.model.providers import PasswordError
from deploy.model.quorum import consensus_problems
from deploy.model.settings import KINDS, Settings

_GROUPS: Final[Mapping[str, type[LxcHost] | type[Container]]] = {"lxc_hosts": LxcHost, **KINDS}
#: Data that are pyinfra's and its connectors' own: how a machine is reached and with which privilege.
_CONNECTOR_KEYS: Final = ("ssh_", "fake_", "_")
#: What deploy/destroy.py, rollback.py, rotate.py and restore.py take with --data.
_COMMAND_KEYS: Final = (
    "confirm", "volumes", "to", "lose", "terminate", "label", "bytes", "timeline", "lsn", "discard",
)  # fmt: skip


class SettingsError(PyinfraError):
    """The inventory is not valid; the message lists each problem with file, key, value and remedy."""


@dataclass(frozen=True)
class Entry:
    """One machine of an inventory, as raw data."""

    name: str
    groups: tuple[str, ...]
    data: Mapping[str, Any]
    origins: Mapping[str, str] = field(default_factory=dict)
    """Key → the file that gives it."""


@cache
def settings_of(inventory: Inventory, file: str) -> Settings:
    """The settings of a running deploy's inventory, validated once for all machines. Raises `SettingsError`."""
    settings = make_settings(entries_of(inventory, file), file)
    _check_passwords(settings)
    return settings


def _check_passwords(settings: Settings) -> None:
    """Refuse weak passwords, and a provider that cannot be used, before anything is touched."""
    try:
        problems = {
            text for store in settings.event_stores for text in settings.passwords_of(store).problems(store.name)
        }
        problems |= {
            text
            for one in settings.repositories
            for text in storage_problems(one, f"{settings.file}: {one.name}", settings.passwords_of(one))
        }
    except PasswordError as error:
        raise SettingsError(str(error)) from None
    if problems:
        raise SettingsError("; ".join(sorted(problems)))


def entries_of(inventory: Inventory, file: str) -> list[Entry]:
    """pyinfra's inventory as entries; ``file`` is the inventory file's name, for messages."""
    entries = []
    for host in inventory:
        origins = {key: f"group_data/{group}.py" for group in host.groups for key in inventory.get_group_data(group)}
        origins |= dict.fromkeys(host.host_data, file) | dict.fromkeys(inventory.get_override_data(), "--data")
        entries.append(Entry(host.name, tuple(host.groups), host.data.dict(), origins))
    return entries


def read_inventory(file: str) -> Settings:
    """The settings of an inventory file, for programs other than a deploy. Raises `SettingsError`."""
    return make_settings(read_entries(file), file)


def read_entries(file: str) -> list[Entry]:
    """The raw data of an inventory file, with how its machines are reached. Raises `SettingsError`."""
    command = [sys.executable, "-m", "pyinfra", file, "debug-inventory", "--json"]
    if not Path(file).is_file():
        raise SettingsError(f"{file}: no such inventory file")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingsError(f"{file} cannot be read; fix what pyinfra says of it:\n{done.stderr.strip()}")
    return [Entry(host["name"], tuple(host["groups"]), host["data"]) for host in json.loads(done.stdout)]


def make_settings(entries: Iterable[Entry], file: str) -> Settings:
    """Validated settings; raises one `SettingsError` that lists everything that is wrong."""
    problems = _said_twice(file)
    hosts: dict[str, LxcHost] = {}
    containers: dict[str, Container] = {}
    for entry in entries:
        groups = sorted(set(entry.groups) & set(_GROUPS))
        if len(groups) != 1:
            problems.append(
                f"{file}: {entry.name}: put it in one of the groups {' and '.join(_GROUPS)}, and in one only"
            )
            continue
        model = _validate(entry, _GROUPS[groups[0]], file, problems)
        if isinstance(model, LxcHost):
            hosts[entry.name] = model
        elif isinstance(model, Container):
            containers[entry.name] = model
    settings = Settings(file=file, hosts=hosts, containers=containers)
    problems = problems or _problems_between(settings, file)
    if not problems and not hosts:
        problems = [f"{file}: no machine in group lxc_hosts; name the machine that runs the containers, or @local"]
    if problems:
        raise SettingsError(
            "\n    ".join([f"{len(problems)} problem(s) in the inventory; nothing was touched:", *problems])
        )
    return settings


def _said_twice(file: str) -> list[str]:
    """Machines that stand twice in a group: pyinfra would silently merge their data into one machine's."""
    groups = runpy.run_path(file) if Path(file).is_file() else {}
    problems = []
    for group in _GROUPS:
        names = Counter(entry[0] if isinstance(entry, tuple) else entry for entry in groups.get(group, []))
        twice = [name for name, count in names.items() if count > 1]
        problems += [f"{file}: {name} is more than once in {group}; rename or remove one" for name in twice]
    return problems


def _validate(
    entry: Entry, model: type[LxcHost] | type[Container], file: str, problems: list[str]
) -> LxcHost | Container | None:
    said = {key for key in _COMMAND_KEYS if entry.origins.get(key) == "--data"}
    data = {key: value for key, value in entry.data.items() if not key.startswith(_CONNECTOR_KEYS) and key not in said}
    if "name" in data:
        problems.append(
            f"{entry.origins.get('name', file)}: {entry.name}: name = {data['name']!r}: unknown key; leave it out"
        )
    try:
        return model.model_validate({**data, "name": entry.name})
    except ValidationError as error:
        for problem in error.errors():
            key = str(problem["loc"][0]) if problem["loc"] else ""
            where = f"{entry.origins.get(key, file)}: {entry.name}"
            problems.append(f"{where}: {_explain(problem, key, entry.data, model)}")
        return None


def _explain(problem: Any, key: str, data: Mapping[str, Any], model: type[LxcHost] | type[Container]) -> str:
    """One problem in one line: key, value, remedy."""
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = [name for name in model.model_fields if name != "name"]
        close = difflib.get_close_matches(key, known, n=1)
        return f"{key} = {data[key]!r}: unknown key; " + (
            f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        )
    if problem["type"] == "missing":
        return f"{key} is missing; give it"
    return f"{key} = {data.get(key)!r}: {message}" if key else message


def _problems_between(settings: Settings, file: str) -> list[str]:
    """What is wrong only between machines: hosts that are not there, and things that two containers share."""
    problems = []
    for container in settings.containers.values():
        host = settings.hosts.get(container.lxc_host)
        if host is None:
            where = f"{file}: {container.name}"
            problems.append(f"{where}: its LXC host {container.lxc_host} is not in group lxc_hosts; add it there")
        else:
            problems += _address_problems(container, host, file)
    for one, other in combinations(settings.containers.values(), 2):
        if one.lxc_host == other.lxc_host:
            problems += _problems_of_pair(one, other, file)
    return problems + backup_problems(settings) + consensus_problems(settings)


def _address_problems(container: Container, host: LxcHost, file: str) -> list[str]:
    if container.address == "dhcp":
        return []
    where = f"{file}: {container.name}: address = {container.address}"
    if container.address not in host.subnet:
        return [f"{where} is outside the host's subnet {host.subnet}"]
    if container.address in (host.subnet.network_address, host.subnet.broadcast_address, host.gateway_address):
        return [f"{where} is the network's own or the gateway's; take another"]
    if host.network == "managed" and container.address >= host.dhcp_range[0]:
        return [f"{where} is among those that DHCP gives out; take one below {host.dhcp_range[0]}"]
    return []


def _problems_of_pair(one: Container, other: Container, file: str) -> list[str]:
    pair = f"{file}: {one.name} and {other.name}"
    problems = []
    if one.lxc_name == other.lxc_name:
        problems.append(f"{pair}: both are container {one.lxc_name} of {one.lxc_host}; rename one")
    elif one.ids.start < other.ids.stop and other.ids.start < one.ids.stop:
        problems.append(
            f"{pair}: their id ranges {one.ids.start} and {other.ids.start} overlap; "
            f"give one of them an id_base of its own, for example {max(one.ids.stop, other.ids.stop)}"
        )
    if one.address != "dhcp" and one.address == other.address:
        problems.append(f"{pair}: both have address = {one.address}; give each its own")
    return problems
