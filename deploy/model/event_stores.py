"""Group ``event_stores``: a container with PostgreSQL and the event store in it."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from deploy.model import tuning
from deploy.model.backups import BackedUp
from deploy.model.client_access import ClientAccess
from deploy.model.cluster import POSTGRESQL_OF_RELEASE, VOLUME, ClusterPaths
from deploy.model.durability import durability_problems, durability_warning
from deploy.model.pooling import Pool, pooling_problem
from deploy.model.room import application_connections, process_problems, reservation, reserves, wal_problems
from deploy.model.setting_names import check_owned_settings, check_setting_names
from deploy.model.tls_files import Identity, TlsFiles, identity_problem, protocol_problems

DATABASE: Final = "stock_analysis_event_store"
APPLICATION_ROLE: Final = "stock_analysis_user"
OWNER_ROLE: Final = "event_store_owner"
#: Also the operating system's user that the worker's services run as: the server lets it in by that name.
WORKER_ROLE: Final = "event_store_worker"
PORT: Final = 5432


class EventStore(ClientAccess, BackedUp):
    """A container with PostgreSQL and the event store in it."""

    group: ClassVar[str] = "event_stores"
    kind: ClassVar[str] = "event store"
    volume_path: ClassVar[str] = VOLUME
    image_setup: ClassVar[str | None] = "postgres/image-setup.sh.j2"
    move_data: ClassVar[str] = "pg_dump"
    changes: ClassVar[Mapping[str, str]] = {
        "memory": "live, server restart, container restart: The running container takes the limit over. ``shared_buffers`` "
        "follows and restarts the server. The container restarts only if more memory is in use than the new limit.",
        "cpus": "live, reload, server restart: The running container takes the limit over. Settings for parallel queries and "
        "``work_mem`` follow with a reload. With more than 4 CPUs, before or after, ``max_worker_processes`` follows and "
        "restarts the server.",
        "disk": "live, reload, container restart, refused: It grows live. The container restarts only if root may not resize "
        "what is mounted, as inside some virtual machines; the plan says which. Below 20GiB the settings for the WAL follow "
        "with a reload. A smaller size is refused.",
        "release": "refused: Its PostgreSQL could not read the existing data. See "
        "[a new Debian release](operations/updates.md#a-new-debian-release).",
    }

    postgresql_version: int | None = Field(
        default=None, json_schema_extra={"change": "refused: Any version but the one of the release is refused."}
    )
    """Major version of PostgreSQL. You may leave it out; a version that the release does not package is refused. Default:
    17 in trixie, 15 in bookworm."""

    storage: Literal["ssd", "hdd"] = Field(
        default="ssd", json_schema_extra={"change": "reload: The planner and I/O settings follow."}
    )
    """The kind of disk that holds the data, for PostgreSQL's planner and I/O settings."""

    max_connections: int = Field(
        default=100,
        ge=10,
        le=10_000,
        json_schema_extra={"change": "server restart: ``work_mem`` follows as well."},
    )
    """PostgreSQL's connection limit. The application gets all but nine: three are for the superuser, four for the worker,
    one for the pooler, one for a check or a monitor. The server has some more in reserve, and in bookworm as many
    again for the second login role of a rotation."""

    postgresql_settings: dict[str, str | int | float | bool] = Field(
        default={},
        json_schema_extra={
            "change": "reload, server restart: A reload, or a restart of the server if a setting needs one. The plan says "
            "which settings."
        },
    )
    """PostgreSQL settings by name. They win over the derived ones."""

    durability: Literal["full", "none"] = Field(
        default="full",
        json_schema_extra={
            "change": "nothing, refused: It changes no setting by itself. ``none`` → ``full`` is refused while "
            "``postgresql_settings`` has settings that can lose committed data."
        },
    )
    """``"none"`` allows settings that can lose committed data, such as ``fsync = off``, for throw-away copies. The plan, the
    end of a deploy and ``make verify`` then say so."""

    unknown_event_types: Literal["allow", "refuse"] = Field(
        default="allow", json_schema_extra={"change": "live: It counts for the next append."}
    )
    """Whether events may be appended if their type is not in ``event_store.event_types``."""

    retention_years: int = Field(
        default=7,
        ge=7,
        le=1000,
        json_schema_extra={
            "change": "live: It counts for the next ``make retire``. After a longer retention is set, ``make seals`` also "
            "reports events that left under the shorter one."
        },
    )
    """How many years an event stays at least. Seven years are a requirement, and events that have left do not come back,
    so the setting can only lengthen them."""

    @property
    def version(self) -> int:
        """PostgreSQL's major version."""
        return self.postgresql_version or POSTGRESQL_OF_RELEASE[self.release]

    @property
    def software(self) -> str:
        """With its version."""
        return f"PostgreSQL {self.version}"

    @property
    def server_settings(self) -> dict[str, str]:
        """What postgresql.conf sets: derived from the declared sizes, then overridden by name."""
        derived = tuning.derive_settings(
            self.memory, self.cpus, self.max_connections, self.storage, self.version, disk=self.disk
        )
        return derived | reservation(self.max_connections, self.version) | self.archive_settings | self._overrides

    @property
    def _overrides(self) -> dict[str, str]:
        return {name: _as_setting(value) for name, value in self.postgresql_settings.items()}

    @property
    def _usual_settings(self) -> dict[str, str]:
        """The same, without the connections that are kept in reserve."""
        return {**self.server_settings, "max_connections": str(self.max_connections), **self._overrides}

    @property
    def tls_files(self) -> TlsFiles:
        """Where its certificates are."""
        return ClusterPaths(self.version).tls

    @property
    def tls_names(self) -> list[str]:
        """What its certificate is for, with an authority: names and its static address."""
        address = [] if self.address == "dhcp" else [str(self.address)]
        return list(dict.fromkeys([self.lxc_name, *self.certificate_names, *address]))

    @property
    def identities(self) -> list[Identity]:
        """What its clients know it by, with an authority, and what a repository knows it by, with backups."""
        server = Identity(self.tls_files, tuple(self.tls_names), "server")
        peer = Identity(ClusterPaths(self.version).peer, (self.lxc_name,), "peer")
        return [*([server] if self.tls == "authority" else []), *([peer] if self.reads_backups else [])]

    @property
    def application_connections(self) -> int:
        """How many connections the application may have at once."""
        return application_connections(self.server_settings if reserves(self.version) else self._usual_settings)

    @property
    def pool(self) -> Pool | None:
        """Of the pooler; None without one."""
        return Pool.of(self.cpus, self.application_connections) if self.pooling != "off" else None

    @property
    def warning(self) -> str | None:
        """One line for people if committed data may be lost here."""
        return durability_warning(self.server_settings) if self.durability == "none" else None

    @property
    def required_packages(self) -> set[str]:
        """Also its PostgreSQL, with the language and the library that payloads are validated with, and its pooler."""
        version = self.version
        server = {f"postgresql-{version}", f"postgresql-client-{version}", f"postgresql-plpython3-{version}"}
        pooler = {"pgbouncer"} if self.pool else set()
        backups = {"pgbackrest"} if self.reads_backups else set()
        return super().required_packages | server | pooler | backups | {"python3-jsonschema"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        packaged = POSTGRESQL_OF_RELEASE[self.release]
        if self.version != packaged:
            raise ValueError(
                f"postgresql_version = {self.version}: Debian {self.release} packages PostgreSQL {packaged}; "
                f"write {packaged} or leave the key out"
            )
        if wrong := identity_problem(self.tls, self.certificate_names, self.authentication, str(self.address)):
            raise ValueError(wrong)
        if wrong := pooling_problem(self.pooling, self.release, self.authentication):
            raise ValueError(wrong)
        if self.backup_repository and self.address == "dhcp":
            raise ValueError('address = "dhcp": its repository reaches it by its address; give a static one')
        if self.backup_repository and self.copy_of:
            raise ValueError(
                f'copy_of = {self.copy_of!r}: a copy is not backed up itself; give it "backup_repository": None'
            )
        problems = [
            f"{name}: a value is one line of printable characters"
            for name, value in self.postgresql_settings.items()
            if not str(value).isprintable()
        ]
        problems += check_setting_names(self.postgresql_settings, self.version)
        problems += check_owned_settings(self.postgresql_settings)
        problems += self.archive_problems(self.postgresql_settings)
        if self.durability == "full":
            problems += durability_problems(self.server_settings)
        problems += protocol_problems(self.server_settings)
        problems += tuning.memory_problems(self.server_settings, self.memory)
        problems += wal_problems(self.server_settings, self.disk)
        if problems:
            raise ValueError("postgresql_settings: " + "; ".join(problems))
        if short := process_problems(self._usual_settings, self.processes, self.application_connections):
            raise ValueError("; ".join(short))
        return self


def _as_setting(value: str | int | float | bool) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
