"""The container that a restore goes into beside the event store: one of the inventory, whose data may be replaced."""

from ipaddress import IPv4Address

from pyinfra.api import QuoteString, StringCommand

from deploy.backups.restoring import mark_of_copy
from deploy.commands import options
from deploy.commands.errors import CommandError
from deploy.commands.inside import Inside, repository_of
from deploy.commands.superuser import Superuser
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.inventory import Entry
from deploy.model.settings import Settings
from deploy.model.sizes import GIB, MIB


def copy_of(settings: Settings, into: str, container: str | None) -> tuple[EventStore, EventStore]:
    """The container that ``into`` names, and the event store that it is a copy of.

    Raises `CommandError` with what to write if the inventory has no such container, or if that is no copy of ``container``.
    """
    there = [one for one in settings.containers.values() if into in (one.name, one.lxc_name)]
    if not there:
        source, _ = repository_of(settings, container)
        raise CommandError(_to_write(settings, source, into))
    [copy] = there
    source_of_it = settings.source_of(copy) if isinstance(copy, EventStore) else None
    if not isinstance(copy, EventStore) or source_of_it is None:
        raise CommandError(
            f'{settings.file}: {copy.name} is no copy: it has no "copy_of", so what it has is its own; name another container, which '
            "need not be there yet"
        )
    if container and container not in (source_of_it.name, source_of_it.lxc_name):
        raise CommandError(
            f"{settings.file}: {copy.name} is a copy of {source_of_it.name}, not of {container}; leave CONTAINER out, or name "
            "another container"
        )
    return copy, source_of_it


def _to_write(settings: Settings, source: EventStore, into: str) -> str:
    name = into if into.startswith("@") else source.name.removesuffix(source.lxc_name) + into
    data = {
        "copy_of": source.lxc_name,
        "backup_repository": None,
        "address": str(_free_address(settings, source) or "an address that is free"),
        "memory": _size(source.memory),
        "disk": _size(source.disk),
        **({} if source.release == "trixie" else {"release": source.release}),
    }
    text = ", ".join(f'"{key}": ' + ("None" if value is None else f'"{value}"') for key, value in data.items())
    return (
        f"{settings.file}: there is no container {into}. To have one, write this into its list event_stores, and run "
        f'`{options.make("deploy", settings.file)}`:\n\n    (\n        "{name}",\n        {{{text}}},\n    ),\n'
    )


def _free_address(settings: Settings, source: EventStore) -> IPv4Address | None:
    host = settings.host_of(source)
    taken = {host.gateway_address, *(one.address for one in settings.containers.values())}
    free = (one for one in host.subnet.hosts() if one not in taken)
    return next((one for one in free if host.network == "existing" or one < host.dhcp_range[0]), None)


def _size(value: int) -> str:
    return f"{value // MIB}MiB" if value % GIB else f"{value // GIB}GiB"


def what_goes(file: str, entries: list[Entry], copy: EventStore) -> str:
    """What a restore into a container replaces, for people. Raises `CommandError` if that is more than a copy."""
    mark = QuoteString(mark_of_copy(ClusterPaths(copy.version)))
    said = Inside(entries, copy).run(StringCommand("[ ! -e", mark, "] || echo copy"))
    if said:
        return "an earlier copy"
    deploy = options.make("deploy", file)
    try:
        [events] = Superuser(file, copy).query("SELECT count(*) FROM event_store.events")
    except CommandError as error:
        raise CommandError(
            f"{copy.name} does not say whether it has events of its own; `{deploy}` starts it: {error}"
        ) from None
    if int(events):
        raise CommandError(
            f"{copy.name} has {int(events):,} events that were not restored into it, and a restore would remove them; name another "
            "container"
        )
    return "an event store without an event"


def check_confirmation(confirm: str | None, copy: EventStore) -> None:
    """Raises `CommandError` for the name of another container than the one whose data are replaced."""
    if confirm and confirm not in (copy.name, copy.lxc_name):
        raise CommandError(
            f"CONFIRM={confirm}: with INTO, the data of {copy.lxc_name} are replaced; write CONFIRM={copy.lxc_name}"
        )
