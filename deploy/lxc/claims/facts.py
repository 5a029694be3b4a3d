"""What is on an LXC host already under a container's name, address, ids or volume."""

from dataclasses import dataclass, field
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

#: The first words of every file that this project writes.
OURS = "# Written by the event store's deploy"


@dataclass(frozen=True)
class Claims:
    """The defaults are those of a host without any containers."""

    foreign: bool = False
    """There is a container of this name that this project did not make."""
    root: str = ""
    """The root file system in the configuration that is there."""
    volume_known: bool = False
    """/etc/fstab, or a mount, says that there has been a data volume."""
    volume_there: bool = False
    """Its disk image is there."""
    volume_replaced: bool = False
    """Another file than the one that is there is mounted: it was deleted or replaced while it was in use."""
    others: list[str] = field(default_factory=list)
    """Other containers with this address or id range."""


class ClaimsFact(FactBase[Claims]):
    """See `Claims`."""

    @staticmethod
    def default() -> Claims:
        """Nothing there."""
        return Claims()

    def command(self, container: str, volume: str, address: str, id_base: int) -> StringCommand:
        """Reads configurations, /etc/fstab and loop devices; a line for each finding."""
        script = r"""
            config=/var/lib/lxc/$1/config volume=$2
            if [ -e "$config" ]; then
                read -r first < "$config"
                case $first in *"$5"*) ;; *) echo foreign ;; esac
                sed -n 's/^lxc.rootfs.path = dir:/root /p' "$config"
            fi
            while read -r _ directory _ || [ "$directory" ]; do [ "$directory" != "$volume" ] || echo volume_known; done < /etc/fstab
            [ -f "$volume.img" ] && echo volume_there
            device=
            while read -r _ _ _ _ directory rest; do
                [ "$directory" != "$volume" ] || { rest=${rest#* - }; rest=${rest#* }; device=${rest%% *}; }
            done < /proc/self/mountinfo
            if [ "$device" ]; then
                echo volume_known
                [ "$(echo $(losetup -n -O BACK-INO "$device"))" = "$(stat -c %i "$volume.img" 2>/dev/null)" ] || echo volume_replaced
            fi
            awk -v own="$config" -v address="lxc.net.0.ipv4.address = $3/" -v ids="lxc.idmap = u 0 $4 " '
                FILENAME == own { next }
                index($0, address) == 1 { print "other " FILENAME " has its address" }
                index($0, ids) == 1 { print "other " FILENAME " has its ids" }' /var/lib/lxc/*/config 2>/dev/null
            true
        """
        arguments = [QuoteString(text) for text in (container, volume, address, str(id_base), OURS)]
        return StringCommand("sh -c", QuoteString(script), "claims", *arguments)

    def process(self, output: list[str]) -> Claims:
        """A word that says what the rest of a line is."""
        words: dict[str, Any] = {}
        others = []
        for line in output:
            word, _, rest = line.partition(" ")
            if word == "other":
                others.append(rest.removeprefix("/var/lib/lxc/").replace("/config", "", 1))
            else:
                words[word] = rest if word == "root" else True
        return Claims(**words, others=others)
