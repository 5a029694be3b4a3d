"""Group ``consensus``: a container with a member of the etcd cluster that event stores agree by on who of them leads."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from deploy.model.containers import Container
from deploy.model.sizes import GIB, MIB
from deploy.model.tls_files import Identity, TlsFiles
from deploy.model.values import Disk, Memory

VOLUME: Final = "/srv/consensus"
UNIT: Final = "etcd.service"
PROGRAM: Final = "/usr/local/sbin/event-store-consensus"
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380
#: A name that is in the certificate of every member, and in no other: etcd takes nobody else for a member. The authority signs
#: for applications as well.
PEER_NAME: Final = "peer.consensus.event-store.internal"
#: One that is in the certificate of whoever may read and write what the members keep.
CLIENT_NAME: Final = "client.consensus.event-store.internal"
#: Beyond this etcd warns of its own size.
_LARGEST: Final = 2 * GIB


class ConsensusMember(Container):
    """A container with a member of the etcd cluster that event stores agree by."""

    group: ClassVar[str] = "consensus"
    kind: ClassVar[str] = "consensus member"
    volume_path: ClassVar[str] = VOLUME
    image_setup: ClassVar[str | None] = "consensus/image-setup.sh.j2"
    before_stop: ClassVar[str | None] = f"[ ! -x {PROGRAM} ] || {PROGRAM} spare"
    changes: ClassVar[Mapping[str, str]] = {
        "lxc_name": "another container: A container of the new name joins as a new member, and the membership of the old "
        "one ends.",
        "lxc_host": "another container: One is created on the new host, and joins in place of the old one, which is left "
        "alone.",
        "address": "container restart, refused: The other members learn the new address. One member at a time, while all others answer; "
        "otherwise it is refused.",
        "release": "refused: Members are Debian 13 only.",
    }

    memory: Memory = Field(
        default=GIB,
        json_schema_extra={
            "change": "live, container restart: The running container takes the limit over. It restarts only if more "
            "memory is in use than the new limit."
        },
    )
    """Memory limit, at least 512MiB and at most 1TiB. On cgroup v2 the container gets no swap."""

    disk: Disk = Field(
        default=2 * GIB,
        json_schema_extra={
            "change": "live, container restart, refused: It grows live, and etcd restarts, one member after the other, for more "
            "room. The container restarts only if root may not resize what is mounted, as inside some virtual machines; the "
            "plan says which. A smaller size is refused."
        },
    )
    """Size of the data volume, at least 2GiB. An eighth of it, and at most 2GiB, is for what the members keep; the rest is for
    etcd's log and for snapshots. It can grow. It never shrinks."""

    single_host: Literal["refused", "allowed"] = Field(
        default="refused",
        json_schema_extra={"change": "nothing: It only says that you know what the loss of a host means."},
    )
    """``"allowed"``: this is a trial. The loss of one LXC host may cost the quorum: members may share a host, and there may be one
    member only. Otherwise there are three or five, of which any host has so few that the others are a majority."""

    @property
    def software(self) -> str:
        """What runs in it."""
        return "etcd"

    @property
    def quota(self) -> int:
        """How large what etcd keeps may become, in whole MiB: then it refuses to write.

        Beside it there has to be room for a copy that a defragmentation makes, for the log, and for snapshots.
        """
        return min(self.disk // 8, _LARGEST) // MIB * MIB

    @property
    def tls_files(self) -> TlsFiles:
        """Where the certificate is by which members know each other, and which their clients are shown."""
        return TlsFiles(f"{VOLUME}/peer", "etcd")

    @property
    def identities(self) -> list[Identity]:
        """One that it shows to other members and to clients; it is its own client as well."""
        return [Identity(self.tls_files, (self.lxc_name, str(self.address), PEER_NAME, CLIENT_NAME), "peer")]

    @property
    def client_url(self) -> str:
        """Where clients reach it."""
        return f"https://{self.address}:{CLIENT_PORT}"

    @property
    def peer_url(self) -> str:
        """Where the other members reach it."""
        return f"https://{self.address}:{PEER_PORT}"

    @property
    def required_packages(self) -> set[str]:
        """Also etcd and its commands."""
        return super().required_packages | {"etcd-server", "etcd-client"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.release != "trixie":
            raise ValueError(
                f"release = {self.release!r}: etcd of Debian 12 (3.4) is not maintained any more; leave the key out, members "
                "are Debian 13"
            )
        if self.address == "dhcp":
            raise ValueError('address = "dhcp": members reach each other by their addresses; give a static one')
        return self
