"""Who else has a say in the worker's services."""

from pyinfra.api import FactBase


class ForeignUnits(FactBase[list[str]]):
    """Files that mask a unit of a template, or define or change it, loaded by systemd or not yet."""

    @staticmethod
    def default() -> list[str]:
        """None."""
        return []

    def command(self, template: str) -> str:
        """Wherever systemd looks before ``template`` (a path), and beside it."""
        folder, _, name = template.rpartition("/")
        pattern = name.replace("@.", "@*.")
        folders = f"{folder} {folder}.control /run/systemd/system /run/systemd/system.control /run/systemd/transient"
        return (
            f"find {folders} -path '*.wants' -prune -o \\( -name '{pattern}' -o -path '*/{pattern}.d/*' \\) "
            f"! -type d ! -path {template} -print 2>/dev/null || true"
        )

    def process(self, output: list[str]) -> list[str]:
        """A path in each line."""
        return sorted(output)
