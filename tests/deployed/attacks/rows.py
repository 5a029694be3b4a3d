"""The attack matrix: what each role can do to the events, and what comes of it.

The application and the worker really log in; nobody else gets in. ``others`` are the worker, a role without any grant
and a role with CREATEROLE. The owner cannot log in and has no members: only a superuser becomes it, so what it can do by
DDL is out of scope for prevention, like what the superuser can do. That is what the catalogue's drift and the seals are for.
"""

from typing import Final, NamedTuple

#: PostgreSQL refuses: insufficient privilege.
DENIED: Final = "42501"
#: A trigger refuses: the table is append-only.
KEPT: Final = "SE005"
#: The server itself gives the positions.
COUNTED: Final = "428C9"
#: Goes through, and neither events nor schema are other than before.
HARMLESS: Final = "harmless"
#: Goes through, and the next look at the catalogue (``make drift``, each deploy) shows and repairs or reports it.
DRIFT: Final = "drift"
#: Goes through, leaves the catalogue as it was, and ``verify_seals()`` names the event.
SEALS: Final = "seals"
#: Out of scope: a superuser runs programs as the server's own account.
BEYOND: Final = "beyond"


class Attack(NamedTuple):
    """One row. ``copy`` are lines for COPY FROM STDIN; ``others`` holds for those of the others that are not named."""

    name: str
    sql: str
    application: str
    others: str
    owner: str
    superuser: str
    copy: str = ""
    worker: str = ""
    creator: str = ""
    #: On PostgreSQL 15, where CREATEROLE is nearly all that a superuser is.
    creator_15: str = ""
    autocommit: bool = False

    def outcome(self, role: str, version: int) -> str:
        """What has to come of it."""
        if role == "creator" and version < 16:
            return self.creator_15 or self.creator or self.others
        return str(getattr(self, role, "") or self.others)
