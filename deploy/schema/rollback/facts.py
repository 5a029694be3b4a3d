"""What of a database would be lost by taking migrations back."""

from pyinfra.api.facts import FactBase

from deploy.machine.psql import fact_query
from deploy.schema.rollback.losses import Found


class LossesFact(FactBase[list[Found]]):
    """Of what `losses` says, that of which there are rows."""

    @staticmethod
    def default() -> list[Found]:
        """Nothing."""
        return []

    def command(self, database: str, queries: list[str]) -> str:
        """All queries in one call."""
        return fact_query("\n".join(["SET search_path = pg_catalog;", *queries]), database=database)

    def process(self, output: list[str]) -> list[Found]:
        """A line of JSON for each."""
        return [Found.parse(line) for line in output if line.startswith("{")]
