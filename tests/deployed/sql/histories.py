"""Histories for tests that need no server of their own: one ends as if the server had started, and events are lost."""

from .feed import Connection


def end_history(admin: Connection) -> None:
    """As if the server had started: every session checks again."""
    admin.execute(
        "UPDATE event_store.settings SET server_start = server_start - interval '1 second', fork = gen_random_uuid()"
    )


def lose_events(admin: Connection, count: int) -> None:
    """As if the last events had never been committed, and the server had started."""
    with admin.transaction():
        admin.execute("ALTER TABLE event_store.events DISABLE TRIGGER ALL")
        admin.execute(
            """DELETE FROM event_store.events WHERE event_id IN (
                   SELECT event_id FROM event_store.events ORDER BY transaction_id DESC, global_position DESC LIMIT %s)""",
            [count],
        )
        admin.execute("ALTER TABLE event_store.events ENABLE TRIGGER ALL")
        end_history(admin)
