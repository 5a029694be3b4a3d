"""No query under row security reads all rows of everybody.

Row security puts the policy before every condition that could leak, and an index on such a condition is of no use then.
The server says itself how it runs each statement, those inside of functions included.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from .projecting import Connection, append, settle, value, work
from .stores import Server, Store, new_name

pytestmark = pytest.mark.releases

TABLES = ("users", "accounts", "journal", "user_preferences")
FILL = """
    WITH people AS MATERIALIZED (SELECT gen_random_uuid() AS user_id, n FROM generate_series(1, 3000) AS n),
    users AS (
        INSERT INTO projections.users (user_id, email, subscription_tier, registered_at, updated_at)
        SELECT user_id, 'User' || n || '@Example.org', 'free', now(), now() FROM people),
    accounts AS (
        INSERT INTO projections.accounts (account_id, user_id, currency, opened_at, updated_at)
        SELECT gen_random_uuid(), user_id, 'USD', now(), now() FROM people),
    preferences AS (
        INSERT INTO projections.user_preferences (user_id, key, value, version, updated_at)
        SELECT user_id, 'theme', '"dark"', 1, now() FROM people)
    INSERT INTO projections.journal (entry_id, user_id, account_id, ts, type, symbol, recorded_at, updated_at)
    SELECT gen_random_uuid(), user_id, user_id, now(), 'buy', 'IBM', now(), now() FROM people, generate_series(1, 2)"""
#: What a session asks that has set its user.
ASKED = [
    "SELECT * FROM projections.users",
    "SELECT * FROM projections.accounts WHERE closed_at IS NULL ORDER BY name",
    "SELECT * FROM projections.journal WHERE deleted_at IS NULL ORDER BY ts",
    "SELECT * FROM projections.journal WHERE symbol = 'IBM' AND ts >= '2025-01-01' ORDER BY ts DESC LIMIT 10",
    "SELECT * FROM projections.journal WHERE type = 'buy' AND symbol LIKE 'I%'",
    "SELECT * FROM projections.journal WHERE account_id = gen_random_uuid()",
    "SELECT * FROM projections.journal WHERE deleted_at IS NOT NULL",
    "SELECT symbol, sum(amount) FROM projections.journal WHERE quantity > 1 GROUP BY symbol",
    "SELECT value FROM projections.user_preferences WHERE key = 'theme'",
]


class Explained:
    """A session of a superuser to which the server tells the plan of each statement."""

    def __init__(self, store: Store) -> None:
        self.connection = store.connect("postgres")
        self.plans: list[dict[str, Any]] = []
        self.connection.add_notice_handler(self._note)
        self.connection.execute("LOAD 'auto_explain'")
        for name, setting in {
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_nested_statements": "on",
            "auto_explain.log_format": "json",
            "auto_explain.log_level": "notice",
            "client_min_messages": "notice",
        }.items():
            self.connection.execute("SELECT set_config(%s, %s, false)", [name, setting])
        self.plans.clear()

    def _note(self, said: psycopg.errors.Diagnostic) -> None:
        _, found, plan = (said.message_primary or "").partition("plan:\n")
        if found:
            self.plans.append(json.loads(plan))

    def full_scans(self) -> list[str]:
        """The statements that read one of the tables as a whole."""
        return [plan["Query Text"] for plan in self.plans if any(map(_is_full_scan, _nodes(plan["Plan"])))]

    def seen(self) -> set[str]:
        """The tables that the statements used."""
        return {
            node["Relation Name"] for plan in self.plans for node in _nodes(plan["Plan"]) if "Relation Name" in node
        }


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)


def _is_full_scan(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") in TABLES and "Seq Scan" in node["Node Type"]


@pytest.fixture(scope="module")
def large(server: Server, template: str) -> Iterator[Store]:
    """3,000 users with a few rows each."""
    store = server.create(new_name(), template)
    admin = store.connect("postgres")
    admin.execute(FILL)
    for table in TABLES:
        admin.execute(f"ANALYZE projections.{table}")
    yield store
    store.close()
    server.drop(store.name)


@pytest.fixture
def explained(large: Store) -> Explained:
    return Explained(large)


@pytest.mark.parametrize("plan", ["force_generic_plan", "force_custom_plan"])
def test_a_user_is_found_by_the_address_alone(explained: Explained, plan: str) -> None:
    explained.connection.execute(f"SET plan_cache_mode = {plan}")
    found = explained.connection.execute("SELECT * FROM event_store.find_user('uSER77@example.ORG')").fetchall()
    assert len(found) == 1
    assert "users" in explained.seen()
    assert explained.full_scans() == []


def test_addresses_that_begin_alike_are_different_users(large: Store) -> None:
    """They are longer than an append takes now; older stores have such rows."""
    admin = large.connect("postgres")
    long = "ä" * 8000
    users = [uuid4(), uuid4()]
    for user in users:
        append(admin, "User", user, ("UserRegistered", {"email": f"{user}@example.org", "subscription_tier": "free"}))
    work(admin)
    for user, end in zip(users, ("x@example.org", "Y@example.org"), strict=True):
        admin.execute("UPDATE projections.users SET email = %s WHERE user_id = %s", [long + end, user])
    for user, end in zip(users, ("X@EXAMPLE.org", "y@example.org"), strict=True):
        assert admin.execute("SELECT user_id FROM event_store.find_user(%s)", [long + end]).fetchall() == [(user,)]
    assert admin.execute("SELECT user_id FROM event_store.find_user(%s)", [long]).fetchall() == []


@pytest.mark.parametrize("query", ASKED)
def test_a_session_reads_its_own_users_rows_alone(explained: Explained, query: str) -> None:
    (user,) = explained.connection.execute("SELECT user_id FROM projections.users LIMIT 1").fetchone() or [None]
    explained.plans.clear()
    explained.connection.execute("SET ROLE stock_analysis_user")
    explained.connection.execute("SELECT event_store.set_user(%s, true)", [user])
    explained.connection.execute(query)
    assert explained.seen() & set(TABLES)
    assert explained.full_scans() == []


def events_of_every_kind(admin: Connection, user: UUID) -> None:
    """One event of each type that feeds a read model, about one user."""
    account, entry = uuid4(), uuid4()
    booked = {
        "user_id": str(user),
        "account_id": str(account),
        "ts": "2025-03-14T15:09:26Z",
        "type": "buy",
        "note": "x",
    }
    append(
        admin,
        "User",
        user,
        ("UserRegistered", {"email": f"{user}@example.org", "subscription_tier": "free"}),
        ("UserEmailChanged", {"email": f"{user}@new.example"}),
        ("UserRenamed", {"display_name": "Ann"}),
        ("UserTierChanged", {"subscription_tier": "pro"}),
    )
    append(
        admin,
        "Account",
        account,
        ("AccountOpened", {"user_id": str(user), "currency": "USD", "name": "Ours"}),
        ("AccountRenamed", {"name": "Mine"}),
        ("AccountClosed", {}),
    )
    append(
        admin,
        "JournalEntry",
        entry,
        ("JournalEntryRecorded", booked),
        ("JournalEntryCorrected", {"quantity": 1}),
        ("JournalEntryDeleted", {}),
    )
    append(
        admin,
        "UserPreferences",
        user,
        ("UserPreferencesSet", {"preferences": {"theme": "dark", "size": 1}}),
        ("UserPreferencesRemoved", {"keys": ["size"]}),
    )


def protected_events(admin: Connection, user: UUID) -> None:
    """Rows that an erasure has to build again."""
    envelope = value(admin, "SELECT event_store.protect(%s, %s)", [user, '"secret"'])
    append(admin, "Account", uuid4(), ("AccountOpened", {"user_id": str(user), "currency": "USD", "broker": envelope}))
    booked = {"user_id": str(user), "account_id": str(uuid4()), "ts": "2025-03-14T15:09:26Z", "type": "buy"}
    append(admin, "JournalEntry", uuid4(), ("JournalEntryRecorded", {**booked, "symbol": envelope}))


def test_the_worker_touches_the_rows_that_an_event_is_about(large: Store, explained: Explained) -> None:
    admin, user = large.connect("postgres"), uuid4()
    work(admin)
    first = value(admin, "SELECT coalesce(max(global_position), 0) FROM event_store.events")
    events_of_every_kind(admin, user)
    protected_events(admin, user)
    append(admin, "User", user, ("UserErased", {}))
    admin.execute("SELECT event_store.erase_subject(%s)", [user])
    settle(admin)
    appended = "SELECT DISTINCT event_type::text FROM event_store.events WHERE global_position > %s"
    fed = "SELECT DISTINCT unnest(event_types) FROM projections.registry() WHERE projection_name = ANY (%s)"
    assert {*admin.execute(appended, [first])} == {*admin.execute(fed, [list(TABLES)])}

    assert work(explained.connection) > 0
    failed = "SELECT projection_name, error_message FROM event_store.projections WHERE status <> 'active'"
    assert admin.execute(failed).fetchall() == []
    assert set(TABLES) <= explained.seen()
    assert explained.full_scans() == []
