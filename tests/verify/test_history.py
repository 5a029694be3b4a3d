"""The history of the store: that it has begun, and that nothing which was read can vanish in a crash."""

from collections.abc import Callable
from uuid import uuid4

from deploy.model.event_stores import DATABASE

from .application import Application
from .server import Server

_APPEND = "SELECT event_store.append_event('Verify', %s, 0, 'Verified', '{}')"
_WEAKER = """
    SELECT coalesce(setrole::regrole::text, '') AS role, coalesce(d.datname, '') AS database, setting
      FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) AS setting
     WHERE setting ~ '^synchronous_commit=(off|false|no|0|local|remote_write)$'"""


def test_present_history_is_recorded(server: Server) -> None:
    """Otherwise the first append would do it, and wait for up to a second."""
    assert server.value("coalesce(event_store.due_fork(), 'none')", DATABASE) == "none"


def test_an_append_is_committed_to_the_disk_whatever_the_session_has_set(
    application: Application, server: Server, record_property: Callable[[str, object], None]
) -> None:
    for row in server.rows(_WEAKER):
        who = " in ".join(name for name in (row["role"], row["database"]) if name)
        record_property("durability", f"{row['setting']} of {who}: what is no append can vanish in a crash")
    with application.rolled_back() as connection:
        for setting in ("off", "local", "remote_write"):
            connection.execute(f"SET LOCAL synchronous_commit = {setting}")
            connection.execute(_APPEND, [uuid4()])
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
