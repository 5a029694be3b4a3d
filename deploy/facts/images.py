"""Images on an LXC host, and the apt sources that new ones are built from."""

from pyinfra.api import FactBase, QuoteString, StringCommand

#: Stands for the host's own release in `AptSources`, so that the same sources serve another release.
RELEASE = "@RELEASE@"


class AptSources(FactBase[list[str]]):
    """Debian's sources as the host has them, in one-line format, with `RELEASE` for the release's name."""

    @staticmethod
    def default() -> list[str]:
        """None known."""
        return []

    def command(self) -> str:
        """apt's own reading of its files, whatever their format; other vendors' repositories are left out."""
        return f"""
            . /etc/os-release
            apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) o=$(ORIGIN)' 'Created-By: Packages' |
            while read -r uri suite component origin; do
                case "$suite" in
                "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security) ;;
                *) continue ;;
                esac
                case "$origin" in o= | o=Debian) ;; *) continue ;; esac
                echo "deb $uri {RELEASE}${{suite#"$VERSION_CODENAME"}} $component"
            done | sort -u
        """

    def process(self, output: list[str]) -> list[str]:
        """One source a line."""
        return output


class Images(FactBase[list[str]]):
    """The keys of the images in a directory."""

    @staticmethod
    def default() -> list[str]:
        """None."""
        return []

    def command(self, directory: str) -> StringCommand:
        """Half-built ones end in ``.new``."""
        return StringCommand("ls -1", QuoteString(directory), "2>/dev/null | grep -v '[.]new' || true")

    def process(self, output: list[str]) -> list[str]:
        """One key a line."""
        return output
