"""The application owns the database: what it sets for every session of it does not stop the worker."""

import time
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from .stores import Store


@pytest.mark.parametrize(
    "setting", ["row_security = off", "standard_conforming_strings = off", "datestyle = 'SQL, DMY'"]
)
def test_read_models_follow(empty_store: Store, setting: str) -> None:
    app, user = empty_store.connect(), uuid4()
    app.execute(sql.SQL(f"ALTER DATABASE {{}} SET {setting}").format(sql.Identifier(empty_store.name)))
    entry = {
        "user_id": str(user),
        "account_id": str(uuid4()),
        "ts": "2026-01-01T00:00:00Z",
        "type": "buy",
        "quantity": 5,
    }
    append = "SELECT event_store.append_event(%s, %s, NULL, %s, %s)"
    app.execute(append, ["User", user, "UserRegistered", Jsonb({"email": "a@b", "subscription_tier": "x"})])
    app.execute(append, ["JournalEntry", uuid4(), "JournalEntryRecorded", Jsonb(entry)])

    admin, worker = empty_store.connect("postgres"), empty_store.connect("event_store_worker")
    follow(admin, worker)
    app.execute("SELECT event_store.set_user(%s, true)", [user])
    app.execute("SET row_security = on")
    assert app.execute("SELECT email FROM projections.users").fetchall() == [("a@b",)]
    assert app.execute("SELECT quantity FROM projections.journal").fetchall() == [(5,)]

    admin.execute("SELECT event_store.rebuild_projection('users')")
    follow(admin, worker)
    assert admin.execute("SELECT count(*) FROM event_store.projection_rebuilds").fetchone() == (0,)


def follow(admin: Any, worker: Any) -> None:
    """Until all have read everything; other tests' transactions on the same server are waited for."""
    deadline = time.monotonic() + 300
    while True:
        worker.execute("SELECT event_store.work_projections()")
        states = admin.execute("""
            SELECT p.projection_name, p.status, p.error_message
              FROM event_store.projections p
              LEFT JOIN event_store.projection_rebuilds r USING (projection_name)
             WHERE p.status <> 'active' OR r.projection_name IS NOT NULL OR EXISTS (
                   SELECT FROM event_store.events e
                    WHERE (e.transaction_id, e.global_position) > (p.last_transaction_id, p.last_global_position))
        """).fetchall()
        assert [state for state in states if state[1] == "failed"] == []
        if not states:
            return
        assert time.monotonic() < deadline, states
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["US/Eastern", "Asia/Calcutta", "NZ", "Europe/Berlin"])
def test_both_releases_know_the_same_time_zones(store: Store, name: str) -> None:
    """Clients send the name of theirs when they connect; one that the server does not know keeps them out."""
    with store.connect(options=f"-c timezone={name}") as connection:
        assert connection.execute("SHOW timezone").fetchone() == (name,)
