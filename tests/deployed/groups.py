"""Which tests stay together, on containers of their own, when several processes run tests side by side.

Not by pytest-xdist's own ``--dist loadgroup``: with pytest 9.2, version 3.8.0 of it does not see any group.
"""

from typing import Final
from zlib import crc32

from xdist.scheduler import LoadScopeScheduling

from .containers import AT_HAND, BOOKWORM, INNER_BOOKWORM, INNER_TRIXIE, SERVERS, TRIXIE

#: The group of whatever names no other: what a deploy does to the host and its containers, and what breaks them.
HOST: Final = "host"
#: What a deploy does inside of containers that run.
INSIDE: Final = "inside"
_INSIDE: Final = {
    f"tests/deployed/test_{name}.py"
    for name in (
        "changes",
        "coming_back",
        "psql_and_shell",
        "refused_configuration",
        "restore",
        "rollback",
        "schema_drift",
        "status",
        "types",
        "worker",
    )
}
#: The containers that the tests of a group find deployed.
PAIRS: Final = {HOST: (TRIXIE, BOOKWORM), INSIDE: (INNER_TRIXIE, INNER_BOOKWORM)}
#: Modules that have a container of their own, and leave the host alone.
_BY_THEMSELVES: Final = (
    "tests/deployed/test_backups.py",
    "tests/deployed/test_certificates.py",
    "tests/deployed/test_consensus.py",
    "tests/deployed/test_copies.py",
    "tests/deployed/test_pooler.py",
    "tests/deployed/test_retire.py",
    "tests/deployed/test_rotate.py",
    "tests/deployed/test_ssh.py",
    "tests/deployed/test_targets.py",
)
#: One container of each release, on which the same tests run.
_ALIKE: Final = (SERVERS, *((f"estest-{name}-trixie", f"estest-{name}-bookworm") for name in ("pool", "rot")))
#: In which they begin. The unit tests are beside the first deploys, which build the images that all need.
ORDER: Final = (HOST, INSIDE, "unit", *SERVERS, *AT_HAND, *_BY_THEMSELVES)


def group_of(nodeid: str) -> str:
    """The group of a test, one of `ORDER`; nothing for a test that may run anywhere at any time."""
    path, _, name = nodeid.partition("::")
    if not path.startswith("tests/deployed/"):
        return "unit" if path.startswith("tests/unit/") else ""
    if path in _BY_THEMSELVES:
        return path
    _, _, parameters = name.partition("[")
    by_module = INSIDE if path in _INSIDE else HOST
    return next((server for server in (*SERVERS, *AT_HAND) if server in parameters), by_module)


def is_for_the_other_release(nodeid: str) -> bool:
    """Whether `make test` leaves out this test because it runs the same one on the other release's container.

    The test's name decides, and so each module runs half of its tests on either release. `make soak` runs all on both.
    """
    for pair in _ALIKE:
        for number, name in enumerate(pair):
            if name in nodeid:
                return crc32(nodeid.replace(name, "").encode()) % len(pair) != number
    return False


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A group is one piece of work, and so is each test that has none."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid
