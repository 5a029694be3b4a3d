"""Where a PostgreSQL cluster's files are in its container."""

from dataclasses import dataclass
from typing import Final

#: The data volume inside a container.
VOLUME: Final = "/srv/postgresql"


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
    def tls(self) -> str:
        """The server's certificate and key; on the volume, so that clients that pin it survive a rebuild."""
        return f"{VOLUME}/tls"

    @property
    def programs(self) -> str:
        """Where PostgreSQL's own programs are; Debian's psql in the PATH is a Perl wrapper around one of them."""
        return f"/usr/lib/postgresql/{self.version}/bin"

    @property
    def unit(self) -> str:
        """The systemd unit; Debian's postgresql.service is a dummy that is always active."""
        return f"postgresql@{self.version}-main.service"
