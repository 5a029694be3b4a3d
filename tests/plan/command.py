"""What the tests of the command line share."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.model.event_stores import APPLICATION_ROLE
from deploy.model.passwords import variable

ROOT: Final = Path(__file__).parent.parent.parent
FAKE: Final = "tests/plan/inventory/fake.py"
PASSWORD_VARIABLE: Final = variable(APPLICATION_ROLE)
#: Strong enough to be taken, and nothing that could be in an output for another reason.
PASSWORD: Final = "planted/Zq7+vX2=kW9 rT4&mB8"


@dataclass(frozen=True)
class Plan:
    """A plan as `--dry --json` prints it."""

    operations: tuple[tuple[str, frozenset[str]], ...]
    """In their order: name, and the machines where it would change something."""

    @classmethod
    def of(cls, done: "subprocess.CompletedProcess[str]") -> "Plan":
        """The plan that a run printed; fails where it printed none."""
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)["plan"]
        changes = ("hosts_with_change", "hosts_with_conditional_change")
        return cls(
            tuple((operation["name"], frozenset().union(*(operation[key] for key in changes))) for operation in plan)
        )

    @property
    def names(self) -> list[str]:
        """The operations' names in their order."""
        return [name for name, _ in self.operations]

    @property
    def machines(self) -> set[str]:
        """Where something would change."""
        return set().union(*(machines for _, machines in self.operations))

    def on(self, machine: str) -> list[str]:
        """The operations that would change something on a machine."""
        return [name for name, machines in self.operations if machine in machines]
