"""Users, accounts, journal and preferences, as they follow from events."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .projecting import Connection, append, state, value, work
from .stores import Store

REGISTERED = ("UserRegistered", {"email": "Ann@example.org", "subscription_tier": "free", "display_name": "Ann"})
TYPES = ("sell_to_open", "buy_to_close", "buy_to_open", "sell_to_close", "dividend", "deposit", "withdrawal")


def entry(user: UUID, **more: Any) -> tuple[str, dict[str, Any]]:
    """A JournalEntryRecorded that has what it needs, and more."""
    needed = {"user_id": str(user), "account_id": str(uuid4()), "ts": "2025-03-14T15:09:26Z", "type": "sell_to_open"}
    return ("JournalEntryRecorded", {**needed, **more})


def row(admin: Connection, table: str, key: str, identity: UUID) -> dict[str, Any] | None:
    """One row of a read model."""
    cursor = admin.cursor(row_factory=psycopg.rows.dict_row)
    found: dict[str, Any] | None = cursor.execute(
        f"SELECT * FROM projections.{table} WHERE {key} = %s", [identity]
    ).fetchone()
    return found


def apply(admin: Connection, aggregate_type: str, identity: UUID, *events: tuple[str, dict[str, Any]]) -> None:
    append(admin, aggregate_type, identity, *events)
    work(admin)


def test_user(admin: Connection) -> None:
    user, credential = uuid4(), uuid4()
    kind, data = REGISTERED
    apply(admin, "User", user, (kind, {**data, "credential_id": str(credential)}))
    found = row(admin, "users", "user_id", user)
    assert found is not None
    assert [found[name] for name in ("email", "display_name", "subscription_tier", "credential_id", "erased_at")] == [
        "Ann@example.org", "Ann", "free", credential, None]  # fmt: skip
    changes = [("UserEmailChanged", {"email": "ann@new.example"}), ("UserTierChanged", {"subscription_tier": "pro"})]
    apply(admin, "User", user, *changes, ("UserRenamed", {"display_name": "Anna"}))
    changed = row(admin, "users", "user_id", user)
    assert changed is not None
    assert [changed[name] for name in ("email", "display_name", "subscription_tier")] == [
        "ann@new.example",
        "Anna",
        "pro",
    ]
    assert changed["registered_at"] == found["registered_at"] < changed["updated_at"]


def test_user_is_found_by_address_before_anybody_is_logged_in(app: Connection, admin: Connection) -> None:
    user, address = uuid4(), f"{uuid4()}@example.org"
    apply(admin, "User", user, ("UserRegistered", {"email": address.upper(), "subscription_tier": "free"}))
    assert app.execute("SELECT * FROM event_store.find_user(%s)", [address]).fetchall() == [(user, None)]
    assert app.execute("SELECT * FROM event_store.find_user('nobody')").fetchall() == []
    assert app.execute("SELECT * FROM projections.users").fetchall() == []


def test_no_column_can_hold_a_password(admin: Connection) -> None:
    columns = (
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'projections.users'::regclass AND attname ~ 'password'"
    )
    assert value(admin, columns) == 0


def test_account(admin: Connection) -> None:
    account, user = uuid4(), uuid4()
    opened = {"user_id": str(user), "currency": "USD", "name": "Ours", "broker": "IB"}
    apply(admin, "Account", account, ("AccountOpened", opened), ("AccountRenamed", {"name": "Mine"}))
    found = row(admin, "accounts", "account_id", account)
    assert found is not None
    assert [found[name] for name in ("user_id", "name", "broker", "currency", "closed_at")] == [
        user, "Mine", "IB", "USD", None]  # fmt: skip
    apply(admin, "Account", account, ("AccountClosed", {}))
    found = row(admin, "accounts", "account_id", account)
    assert found is not None
    assert found["closed_at"] is not None


@pytest.mark.parametrize("kind", TYPES)
def test_journal_takes_the_documented_types(admin: Connection, kind: str) -> None:
    identity = uuid4()
    apply(admin, "JournalEntry", identity, entry(uuid4(), type=kind))
    found = row(admin, "journal", "entry_id", identity)
    assert found is not None
    assert found["type"] == kind


def test_journal_entry(admin: Connection) -> None:
    identity, user = uuid4(), uuid4()
    option = {"symbol": "IBM", "option_type": "put", "strike": 120, "expires_on": "2025-04-17"}
    money = {"quantity": "-2", "price": "1.2500", "amount": 249.35, "fees": 0.65, "currency": "USD", "note": "rolled"}
    apply(admin, "JournalEntry", identity, entry(user, **option, **money))
    found = row(admin, "journal", "entry_id", identity)
    assert found is not None
    assert found["user_id"] == user
    assert found["ts"] == datetime(2025, 3, 14, 15, 9, 26, tzinfo=UTC)
    assert [found[name] for name in (*option, *money)] == [
        "IBM", "put", 120, date(2025, 4, 17), -2, Decimal("1.2500"), Decimal("249.35"), Decimal("0.65"), "USD", "rolled"]  # fmt: skip
    assert str(found["price"]) == "1.2500"

    apply(
        admin,
        "JournalEntry",
        identity,
        ("JournalEntryCorrected", {"quantity": -1, "note": None, "user_id": str(uuid4())}),
    )
    corrected = row(admin, "journal", "entry_id", identity)
    assert corrected is not None
    assert corrected == {**found, "quantity": -1, "note": None, "updated_at": corrected["updated_at"]}

    apply(admin, "JournalEntry", identity, ("JournalEntryDeleted", {}))
    deleted = row(admin, "journal", "entry_id", identity)
    assert deleted is not None
    assert deleted["deleted_at"] == deleted["updated_at"] > corrected["updated_at"]
    assert deleted["quantity"] == -1


def test_a_time_without_a_zone_is_utc_in_whoevers_session(store: Store) -> None:
    worker, identity = store.connect("postgres"), uuid4()
    worker.execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'")
    apply(worker, "JournalEntry", identity, entry(uuid4(), ts="2025-02-03T04:05:06"))
    found = value(worker, "SELECT extract(epoch FROM ts) FROM projections.journal WHERE entry_id = %s", [identity])
    assert found == datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()


def test_preferences(admin: Connection) -> None:
    user = uuid4()
    apply(
        admin,
        "UserPreferences",
        user,
        ("UserPreferencesSet", {"preferences": {"theme": "dark", "columns": ["a", "b"]}}),
        ("UserPreferencesSet", {"preferences": {"theme": {"night": True}, "language": None}}),
        ("UserPreferencesRemoved", {"keys": ["language", "never there"]}),
    )
    rows = "SELECT key, value, version FROM projections.user_preferences WHERE user_id = %s ORDER BY key"
    assert admin.execute(rows, [user]).fetchall() == [("columns", ["a", "b"], 1), ("theme", {"night": True}, 2)]


@pytest.mark.parametrize("how", ["UserErased", "erase_subject"])
def test_erasure_takes_personal_data_from_all_of_them(empty_store: Store, how: str) -> None:
    """Stored under the user's key; and after a rebuild, when the key is gone, it comes out the same."""
    admin, user, account, identity = empty_store.connect("postgres"), uuid4(), uuid4(), uuid4()

    def protected(text: str) -> Any:
        return value(admin, "SELECT event_store.protect(%s, %s)", [user, Jsonb(text)])

    email, name = protected("ann@example.org"), protected("Ann")
    append(admin, "User", user, ("UserRegistered", {"email": email, "display_name": name, "subscription_tier": "pro"}))
    append(
        admin, "Account", account, ("AccountOpened", {"user_id": str(user), "currency": "USD", "name": protected("A")})
    )
    append(admin, "JournalEntry", identity, entry(user, amount=5, note=protected("for Ben")))
    preferences = {"pet": protected("Rex"), "theme": "dark"}
    append(admin, "UserPreferences", user, ("UserPreferencesSet", {"preferences": preferences}))
    work(admin)
    found = row(admin, "users", "user_id", user)
    assert found is not None
    assert (found["email"], found["display_name"]) == ("ann@example.org", "Ann")
    assert value(admin, "SELECT note FROM projections.journal") == "for Ben"
    assert value(admin, "SELECT value FROM projections.user_preferences WHERE key = 'pet'") == "Rex"

    if how == "UserErased":
        append(admin, "User", user, ("UserErased", {}))
    else:
        admin.execute("SELECT event_store.erase_subject(%s)", [user])
    work(admin)

    def look() -> list[tuple[Any, ...]]:
        return admin.execute(
            "SELECT u.email, u.display_name, u.subscription_tier, u.erased_at IS NOT NULL, a.name, j.note, j.amount,"
            " (SELECT count(*) FROM projections.user_preferences)"
            " FROM projections.users u, projections.accounts a, projections.journal j"
        ).fetchall()

    erased = [(None, None, "pro", True, None, None, Decimal(5), 0)]
    assert look() == erased
    append(admin, "User", user, ("UserEmailChanged", {"email": "late@example.org"}))
    for projection in ("users", "accounts", "journal", "user_preferences"):
        admin.execute("SELECT event_store.rebuild_projection(%s)", [projection])
    work(admin)
    assert look() == erased


USER = uuid4()
MALFORMED = [
    ("users", "User", ("UserRegistered", {"subscription_tier": "free"}), "email"),
    ("users", "User", ("UserRegistered", {"email": ["a"], "subscription_tier": "free"}), "email"),
    (
        "users",
        "User",
        ("UserRegistered", {"email": "a", "subscription_tier": "b", "credential_id": "1"}),
        "credential_id",
    ),
    ("users", "User", ("UserTierChanged", {"subscription_tier": "pro"}), "UserTierChanged"),
    ("accounts", "Account", ("AccountOpened", {"user_id": "Ann", "currency": "USD"}), "user_id"),
    ("accounts", "Account", ("AccountClosed", {}), "AccountClosed"),
    ("journal", "JournalEntry", entry(USER, ts="now"), "ts"),
    ("journal", "JournalEntry", entry(USER, ts="2025-02-30T00:00:00Z"), "ts"),
    ("journal", "JournalEntry", entry(USER, quantity="NaN"), "quantity"),
    ("journal", "JournalEntry", entry(USER, price=True), "price"),
    ("journal", "JournalEntry", entry(USER, expires_on="tomorrow"), "expires_on"),
    ("journal", "JournalEntry", entry(USER, type="gift"), "journal_type_check"),
    ("journal", "JournalEntry", entry(USER, account_id=None), "account_id"),
    ("journal", "JournalEntry", ("JournalEntryDeleted", {}), "JournalEntryDeleted"),
    ("user_preferences", "UserPreferences", ("UserPreferencesSet", {"preferences": []}), "preferences"),
    ("user_preferences", "UserPreferences", ("UserPreferencesRemoved", {"keys": "theme"}), "keys"),
    ("user_preferences", "UserPreferences", ("UserPreferencesRemoved", {"keys": [["theme"]]}), "keys"),
]


@pytest.mark.parametrize(("projection", "aggregate_type", "event", "named"), MALFORMED)
def test_a_malformed_event_stops_its_read_model_and_no_other(
    admin: Connection, projection: str, aggregate_type: str, event: tuple[str, dict[str, Any]], named: str
) -> None:
    apply(admin, aggregate_type, uuid4(), event)
    stopped = state(admin, projection)
    assert stopped["status"] == "failed"
    assert named in stopped["error_message"]
    others = "SELECT count(*) FROM event_store.projections WHERE status <> 'active'"
    assert value(admin, others) == 1
    admin.execute("SELECT event_store.skip_event(%s, %s, 'test')", [projection, stopped["failed_event_id"]])
    admin.execute("SELECT event_store.resume_projection(%s)", [projection])
    work(admin)
    assert value(admin, others) == 0


@pytest.mark.parametrize(
    "event_type", ["UserRegistered", "AccountOpened", "JournalEntryRecorded", "UserPreferencesSet"]
)
def test_events_of_other_aggregates_are_nothing_to_them(admin: Connection, event_type: str) -> None:
    apply(admin, "SomethingElse", uuid4(), (event_type, {}), ("UserErased", {}), ("JournalEntryDeleted", {}))
    assert value(admin, "SELECT count(*) FROM event_store.projections WHERE status <> 'active'") == 0


def test_documented_indexes_are_there(admin: Connection) -> None:
    query = "SELECT indexname FROM pg_indexes WHERE schemaname = 'projections' AND tablename = 'journal'"
    indexes = {name for (name,) in admin.execute(query).fetchall()}
    assert {f"idx_journal_{column}" for column in ("user_id", "symbol", "ts", "type", "deleted_at")} <= indexes
