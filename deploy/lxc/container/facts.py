"""Containers as their LXC host sees them."""

import base64
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.model.limits import KEYS


class RootFileSystem(FactBase[str | None]):
    """The Debian release that a container's root file system is a complete copy of; None if there is none."""

    def command(self, image: str, directory: str) -> StringCommand:
        """``image`` may be mounted on ``directory`` or not; the marker is written last (see templates/lxc/image.sh.j2)."""
        marker = "rootfs/etc/event-store-release"
        return StringCommand(
            "cat --", QuoteString(f"{directory}/{marker}"), "2>/dev/null || mountpoint -q --", QuoteString(directory),
            f"|| debugfs -R 'cat /{marker}'", QuoteString(image), "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> str:
        """One word."""
        return output[0].strip()


@dataclass(frozen=True)
class Container:
    """One container's state; the defaults are those of a container that is not there."""

    running: bool = False
    id_mapped: bool = True
    """Its root file system belongs to the root inside, as LXC's id map makes it."""
    started_with: str | None = None
    """The configuration that the running container was started with; None if that was not noted."""
    limits: dict[str, str] = field(default_factory=dict)
    """Live cgroup values of a running container."""
    memory_in_use: int = 0
    """Bytes that cannot be reclaimed: anonymous and shared memory."""


class ContainerFact(FactBase[Container]):
    """See `Container`."""

    @staticmethod
    def default() -> Container:
        """Not there."""
        return Container()

    def command(self, container: str) -> StringCommand:
        """Reads the cgroup's files where the container's init is, which costs a fifth of what asking lxc-cgroup does."""
        script = r"""
            name=$1
            grep -qsw memory /sys/fs/cgroup/cgroup.controllers && keys=$3 version=2 || keys=$2 version=1
            set -- $(lxc-info -n "$name" -s -p 2>/dev/null)
            [ "$2" = RUNNING ] || exit 0
            echo running
            read -r _ base _ < "/proc/$4/uid_map" && [ "$(stat -c %u "/proc/$4/root/")" = "$base" ] && echo mapped
            file_of() {
                while IFS=: read -r _ controllers path; do
                    path=${path%/init.scope}
                    case $version,$controllers, in
                        2,,) file=/sys/fs/cgroup$path/$2; return ;;
                        1,"$1",* | 1,*,"$1",*) file=/sys/fs/cgroup/$1$path/$2; return ;;
                    esac
                done < "/proc/$3/cgroup"
            }
            for key in $keys; do
                file_of "${key%%.*}" "$key" "$4"; value=
                [ ! -r "$file" ] || read -r value < "$file"
                echo "limit $key $value"
            done
            file_of memory memory.stat "$4"
            sed -n 's/^\(total_rss\|total_shmem\|anon\|shmem\) /memory /p' "$file"
            [ ! -f "/run/event-store/$name.config" ] || { printf 'config '; base64 --wrap=0 "/run/event-store/$name.config"; }
        """
        keys = (QuoteString(" ".join(KEYS[version])) for version in (1, 2))
        return StringCommand("sh -c", QuoteString(script), "container", QuoteString(container), *keys)

    def process(self, output: list[str]) -> Container:
        """A word that says what the rest of a line is."""
        lines = [line.partition(" ")[::2] for line in output if line]
        config = "".join(rest for word, rest in lines if word == "config")
        return Container(
            running=True,
            id_mapped="mapped" in {word for word, _ in lines},
            started_with=base64.b64decode(config).decode() if config else None,
            limits={key: value for word, rest in lines if word == "limit" for key, _, value in [rest.partition(" ")]},
            memory_in_use=sum(int(rest) for word, rest in lines if word == "memory"),
        )


class BootState(FactBase[str]):
    """systemd's state inside a container: ``running`` or ``degraded`` when booted; empty if it does not run."""

    @staticmethod
    def default() -> str:
        """Not running."""
        return ""

    def command(self) -> str:
        """Its exit status is not 0 in most states."""
        return "systemctl is-system-running || true"


class Address(FactBase[str]):
    """The IPv4 address of a container's network device, asked inside."""

    def command(self) -> str:
        """Without the prefix length."""
        return "ip -4 -o address show dev eth0 scope global | sed 's/.*inet \\([0-9.]*\\).*/\\1/'"
