"""Where a PostgreSQL cluster's files are in its container."""

from dataclasses import dataclass
from typing import Final

from deploy.model.tls_files import TlsFiles

#: The PostgreSQL that each supported Debian release packages.
POSTGRESQL_OF_RELEASE: Final = {"bookworm": 15, "trixie": 17}
#: The data volume inside a container.
VOLUME: Final = "/srv/postgresql"
#: A dummy that is always active. It counts only as what pulls the clusters in when the container boots.
AT_BOOT: Final = "postgresql.service"


@dataclass(frozen=True)
class ClusterPaths:
    """One cluster's files, in Debian's places but for the data, which are on the volume."""

    version: int

    @property
    def data(self) -> str:
        """The data directory."""
        return f"{VOLUME}/{self.version}/main"

    @property
    def conf(self) -> str:
        """Debian's configuration directory."""
        return f"/etc/postgresql/{self.version}/main"

    @property
    def tls(self) -> TlsFiles:
        """The server's certificate and key; on the volume, so that clients that pin it survive a rebuild."""
        return TlsFiles(f"{VOLUME}/tls", "postgres")

    @property
    def peer(self) -> TlsFiles:
        """The certificate that other containers know this one by."""
        return TlsFiles(f"{VOLUME}/peer", "postgres")

    @property
    def programs(self) -> str:
        """Where PostgreSQL's own programs are; Debian's psql in the PATH is a Perl wrapper around one of them."""
        return f"/usr/lib/postgresql/{self.version}/bin"

    @property
    def folders(self) -> list[str]:
        """Those around the data directory and the configuration, which more than PostgreSQL's user has to get through."""
        return [VOLUME, f"{VOLUME}/{self.version}", f"/etc/postgresql/{self.version}", self.conf]

    @property
    def unit_settings(self) -> str:
        """What the deploy adds to Debian's unit."""
        return "/etc/systemd/system/postgresql@.service.d/event-store.conf"

    @property
    def unit(self) -> str:
        """The systemd unit; Debian's postgresql.service is a dummy that is always active."""
        return f"postgresql@{self.version}-main.service"
