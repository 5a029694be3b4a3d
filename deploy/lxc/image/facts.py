"""Images on an LXC host, and the apt sources that new ones are built from."""

from pyinfra.api import FactBase, QuoteString, StringCommand


class AptSources(FactBase[str]):
    """A digest of the host's apt sources, whatever their format; empty if there are none.

    Of the files and not of apt's reading of them, which takes a third of a second: too long for each run.
    """

    @staticmethod
    def default() -> str:
        """None known."""
        return ""

    def command(self) -> str:
        """Comments do not count."""
        return (
            "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | "
            "grep -v '^ *#' | sha256sum"
        )


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
