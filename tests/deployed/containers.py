"""The tests' containers, in one table: their names, their addresses, and what is declared for each.

A container belongs to one group of tests (see `groups`), which alone deploys, breaks and removes it. Groups run side by
side, so no name and no address stands anywhere else.
"""

import os
from typing import Any, Final

#: Two containers of one inventory, one of each release: for what a deploy does to a host and its containers.
TRIXIE, BOOKWORM = "estest-trixie", "estest-bookworm"
#: Two more, for what a deploy does inside of containers.
INNER_TRIXIE, INNER_BOOKWORM = "estest-inner-trixie", "estest-inner-bookworm"
#: One for each release, for what happens in a server once it is deployed.
SERVERS: Final = ("estest-server-trixie", "estest-server-bookworm")
#: Servers that are there already, for the SQL tests instead: where they are, and the DSN of a superuser.
AT_HAND: Final = {dsn.split("@")[-1]: dsn for dsn in os.environ.get("EVENT_STORE_TEST_SERVERS", "").split()}

#: 10.0.3.51 to 10.0.3.99 are the tests', and 10.77.0.0/24.
ADDRESSES: Final = {
    TRIXIE: "10.0.3.51",
    BOOKWORM: "10.0.3.52",
    SERVERS[0]: "10.0.3.53",
    SERVERS[1]: "10.0.3.54",
    INNER_TRIXIE: "10.0.3.60",
    INNER_BOOKWORM: "10.0.3.61",
    "estest-killed": "10.0.3.55",
    "estest-ssh": "10.0.3.56",
    "estest-grown": "10.0.3.57",
    "estest-retire": "10.0.3.58",
    "estest-fresh": "10.0.3.59",
    "estest-tls-trixie": "10.0.3.62",
    "estest-tls-bookworm": "10.0.3.63",
    "estest-rot-trixie": "10.0.3.66",
    "estest-rot-bookworm": "10.0.3.67",
    "estest-pool-trixie": "10.0.3.68",
    "estest-pool-bookworm": "10.0.3.69",
    "estest-consensus-1": "10.0.3.70",
    "estest-consensus-2": "10.0.3.71",
    "estest-consensus-3": "10.0.3.72",
    "estest-consensus-4": "10.0.3.73",
    # An event store and the repository of its backups, of each release.
    "estest-kept-trixie": "10.0.3.80",
    "estest-backups-trixie": "10.0.3.81",
    "estest-kept-bookworm": "10.0.3.82",
    "estest-backups-bookworm": "10.0.3.83",
    # The same, for copies of the repository.
    "estest-copied-trixie": "10.0.3.97",
    "estest-copies-trixie": "10.0.3.98",
    "estest-copied-bookworm": "10.0.3.88",
    "estest-copies-bookworm": "10.0.3.89",
    # Copies of those event stores.
    "estest-copy-trixie": "10.0.3.93",
    "estest-copy-bookworm": "10.0.3.94",
    # A store that is restored to one target after the other.
    "estest-target-trixie": "10.0.3.74",
    "estest-targets-trixie": "10.0.3.75",
    # Never deployed under these names or at these addresses for longer than a test.
    "estest-absent": "10.0.3.90",
    "estest-foreign": "10.0.3.91",
    "estest-twin": "10.0.3.51",
    "estest-dhcp": "dhcp",
    # On a bridge of their own.
    "estest-bridge": "10.77.0.200",
    "estest-nowhere": "10.77.0.201",
}
#: Where `INNER_TRIXIE` moves to.
OTHER_ADDRESS: Final = "10.0.3.92"

SMALL: Final = {"memory": "768MiB", "cpus": 1, "disk": "2GiB", "root_disk": "2GiB", "max_connections": 100}


def declared(*names: str) -> dict[str, dict[str, Any]]:
    """What an inventory declares for these containers: small, of the release that the name says."""
    return {
        name: {
            "address": ADDRESSES[name],
            **({"release": "bookworm"} if "bookworm" in name else {}),
            **({"postgresql_settings": {"max_prepared_transactions": "20"}} if name in SERVERS else {}),
            **SMALL,
        }
        for name in names
    }


def repository(name: str) -> dict[str, Any]:
    """What an inventory declares for a container that keeps backups."""
    return {key: value for key, value in declared(name)[name].items() if key != "max_connections"} | {"disk": "3GiB"}


def members(*names: str) -> dict[str, dict[str, Any]]:
    """What an inventory declares for members of the consensus, all on this machine."""
    small = {"memory": "512MiB", "cpus": 1, "disk": "2GiB", "root_disk": "2GiB", "single_host": "allowed"}
    return {name: {"address": ADDRESSES[name], **small} for name in names}
