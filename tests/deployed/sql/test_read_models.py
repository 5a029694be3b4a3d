"""Users, accounts, journal and preferences, as they follow from events."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .appends import refused
from .projecting import Connection, append, insert, value, work
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


# Erasures, wherever in a payload the envelope is

#: A user in a payload; each of them has an id of its own.
SUBJECT = "the user"
Place = tuple[str | int, ...]
#: What a thing begins with, and what comes at its end, in plain sight.
FIRST: dict[str, tuple[str, Any]] = {
    "User": REGISTERED,
    "Account": ("AccountOpened", {"user_id": SUBJECT, "currency": "USD", "name": "Ours", "broker": "IB"}),
    "JournalEntry": (
        "JournalEntryRecorded",
        {"user_id": SUBJECT, "account_id": str(UUID(int=1)), "ts": "2025-03-14T15:09:26Z", "type": "buy", "price": 1},
    ),
    "UserPreferences": ("UserPreferencesSet", {"preferences": {"theme": "dark", "language": "de"}}),
}
LAST: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "User": [("UserRenamed", {"display_name": "Late"}), ("UserTierChanged", {"subscription_tier": "pro"})],
    "Account": [("AccountClosed", {})],
    "JournalEntry": [("JournalEntryCorrected", {"price": 2}), ("JournalEntryDeleted", {})],
    "UserPreferences": [("UserPreferencesRemoved", {"keys": ["language"]})],
}
ENTRY = {
    "account_id": str(UUID(int=2)), "ts": "2001-02-03T04:05:06Z", "type": "dividend", "symbol": "IBM", "quantity": 98.7,
    "price": "6.54", "amount": 321, "fees": 0.12, "currency": "CHF", "option_type": "put", "strike": 77,
    "expires_on": "2001-03-04", "note": "for Ben"}  # fmt: skip
ERASABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("User", "UserRegistered", {**REGISTERED[1], "credential_id": str(UUID(int=3))}),
    ("User", "UserEmailChanged", {"email": "ann@new.example"}),
    ("User", "UserRenamed", {"display_name": "Anna"}),
    ("User", "UserTierChanged", {"subscription_tier": "gold"}),
    ("User", "UserErased", {"why": "moved"}),
    ("Account", "AccountOpened", {"user_id": SUBJECT, "currency": "CHF", "name": "Mine", "broker": "UBS"}),
    ("Account", "AccountRenamed", {"name": "Mine"}),
    ("Account", "AccountClosed", {"why": "moved"}),
    ("JournalEntry", "JournalEntryRecorded", {"user_id": SUBJECT, **ENTRY}),
    ("JournalEntry", "JournalEntryCorrected", ENTRY),
    ("JournalEntry", "JournalEntryDeleted", {"why": "moved"}),
    ("UserPreferences", "UserPreferencesSet", {"preferences": {"pet": {"kind": "dog", "name": "Rex"}, "a/b~": [1]}}),
    ("UserPreferences", "UserPreferencesRemoved", {"keys": ["theme", "language"]}),
]
#: The table of an aggregate's rows and their key; and what a row cannot be without, but a user's.
TABLES = {
    "User": ("users", "user_id"),
    "Account": ("accounts", "account_id"),
    "JournalEntry": ("journal", "entry_id"),
    "UserPreferences": ("user_preferences", "user_id"),
}
NEEDED = {"AccountOpened": {"user_id", "currency"}, "JournalEntryRecorded": {"user_id", "account_id", "ts", "type"}}


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """All places in a document: of itself, of the containers in it, of single values."""
    yield place
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*place, key))


def wrapped(wrap: Callable[[Any], Any], value: Any, place: Place) -> Any:
    """The document with what is at a place in an envelope."""
    if not place:
        return wrap(value)
    copy = value.copy()
    copy[place[0]] = wrapped(wrap, value[place[0]], place[1:])
    return copy


class Thing:
    """An aggregate of a user's, with an event whose payload is protected at one place."""

    def __init__(self, admin: Connection, aggregate_type: str, event_type: str, payload: Any, place: Place) -> None:
        self.admin, self.aggregate_type, self.event_type, self.place = admin, aggregate_type, event_type, place
        self.table, self.key = TABLES[aggregate_type]
        self.user = uuid4()
        self.identity = self.user if self.key == "user_id" else uuid4()
        self.payload = self.own(payload)
        self.is_first = event_type == FIRST[aggregate_type][0] and aggregate_type != "UserPreferences"
        #: What the row held of it before the erasure.
        self.hidden: dict[str, Any] = {}

    def own(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {name: str(self.user) if value == SUBJECT else value for name, value in payload.items()}

    def append(self, *events: tuple[str, dict[str, Any]]) -> None:
        append(self.admin, self.aggregate_type, self.identity, *((kind, self.own(data)) for kind, data in events))

    def begin(self) -> None:
        if not self.is_first:
            self.append(FIRST[self.aggregate_type])

    def protect(self) -> dict[str, Any]:
        """The payload with its envelope."""

        def wrap(data: Any) -> Any:
            return value(self.admin, "SELECT event_store.protect(%s, %s)", [self.user, Jsonb(data)])

        return dict(wrapped(wrap, self.payload, self.place))

    def erase(self) -> None:
        self.admin.execute("SELECT event_store.erase_subject(%s)", [self.user])

    def row(self) -> dict[str, Any]:
        """What the read model says; ids as a word, and of times only that they are there."""
        if self.aggregate_type == "UserPreferences":
            query = "SELECT key, value FROM projections.user_preferences WHERE user_id = %s"
            return dict(self.admin.execute(query, [self.user]).fetchall())
        found = row(self.admin, self.table, self.key, self.identity) or {}
        return {
            name: ("own" if data in {self.user, self.identity} else data is not None if name.endswith("_at") else data)
            for name, data in found.items()
            if name != "updated_at"
        }

    def remember(self) -> None:
        """Note what the envelope has put into the row."""
        names = set(self.payload) if not self.place else {str(self.place[0])}
        if "preferences" in names:
            names = set(self.payload["preferences"]) if len(self.place) < 2 else {str(self.place[1])}
        self.hidden = {name: data for name, data in self.row().items() if name in names and name != "keys"}
        assert all(data is not None for data in self.hidden.values())
        if self.table != "user_preferences" and "why" not in names:
            assert set(self.hidden) == names, self.place

    def loses(self, other: "Thing") -> None:
        """Nothing is left of what the row of ``other`` held."""
        found = self.row()
        assert [name for name, data in other.hidden.items() if name in found and found[name] == data] == [], self.place
        needed = NEEDED.get(self.event_type, set())
        is_lost = bool(needed) and (not self.place or self.place[0] in needed)
        if self.table != "user_preferences":
            assert bool(found) is not is_lost, self.place


def stopped(admin: Connection) -> list[Any]:
    """Projections and rebuilds that do not go on."""
    return admin.execute(
        "SELECT projection_name, error_message FROM event_store.projections WHERE status <> 'active'"
        " UNION ALL SELECT projection_name, error_message FROM event_store.projection_rebuilds"
    ).fetchall()


@pytest.mark.parametrize(("aggregate_type", "event_type", "payload"), ERASABLE, ids=[case[1] for case in ERASABLE])
def test_an_erasure_takes_what_was_protected_and_stops_nothing(
    empty_store: Store, aggregate_type: str, event_type: str, payload: dict[str, Any]
) -> None:
    """At whatever place, whether the projection has seen the event before the erasure, after it, or it came late."""
    admin = empty_store.connect("postgres")
    seen, unseen, late = (
        [Thing(admin, aggregate_type, event_type, payload, place) for place in places(payload)] for _ in range(3)
    )
    for thing in seen:
        thing.begin()
        thing.append((event_type, thing.protect()))
    work(admin)
    assert stopped(admin) == []
    for thing in seen:
        thing.remember()
        thing.erase()
    for thing in unseen:
        thing.begin()
        thing.append((event_type, thing.protect()))
        thing.erase()
    for thing in late:
        thing.begin()
        protected = thing.protect()
        thing.erase()
        thing.append((event_type, protected))
    work(admin)
    assert stopped(admin) == []
    for first, second, third in zip(seen, unseen, late, strict=True):
        for thing in (first, second, third):
            thing.loses(first)
        assert first.row() == second.row(), first.place

    for thing in (*seen, *unseen, *late):
        thing.append(*LAST[aggregate_type])
    work(admin)
    assert stopped(admin) == []
    rows = [thing.row() for thing in (*seen, *unseen, *late)]
    for name in ("users", "accounts", "journal", "user_preferences"):
        admin.execute("SELECT event_store.rebuild_projection(%s)", [name])
    work(admin)
    assert stopped(admin) == []
    assert [thing.row() for thing in (*seen, *unseen, *late)] == rows


def test_an_erasure_keeps_what_was_never_protected(empty_store: Store) -> None:
    """Of the same user, and of others; an event that was skipped stays so."""
    admin, user, other, account, entry_id = empty_store.connect("postgres"), *(uuid4() for _ in range(4))

    def protected(who: UUID, data: Any) -> Any:
        return value(admin, "SELECT event_store.protect(%s, %s)", [who, Jsonb(data)])

    for who in (user, other):
        append(admin, "User", who, ("UserRegistered", protected(who, REGISTERED[1])))
        append(admin, "User", who, ("UserTierChanged", {"subscription_tier": "pro"}))
    append(admin, "Account", account, ("AccountOpened", {"user_id": str(user), "currency": "USD"}))
    append(
        admin, "Account", account, ("AccountRenamed", {"name": "x"}), ("AccountClosed", protected(user, {"why": "x"}))
    )
    admin.execute(
        "SELECT event_store.skip_event('accounts', event_id, 'test') FROM event_store.events"
        " WHERE event_type = 'AccountRenamed'"
    )
    append(admin, "JournalEntry", entry_id, entry(user, quantity=5, symbol=protected(user, "IBM")))
    append(admin, "JournalEntry", entry_id, ("JournalEntryCorrected", protected(user, {"quantity": 6, "fees": 1})))
    append(admin, "JournalEntry", entry_id, ("JournalEntryCorrected", {"amount": 7}))
    work(admin)
    look = "SELECT quantity, symbol, fees, amount FROM projections.journal"
    assert admin.execute(look).fetchall() == [(6, "IBM", 1, 7)]
    admin.execute("SELECT event_store.erase_subject(%s)", [user])
    work(admin)
    assert stopped(admin) == []
    assert admin.execute(look).fetchall() == [(5, None, None, 7)]
    users = "SELECT user_id, email, subscription_tier, erased_at IS NOT NULL FROM projections.users ORDER BY erased_at"
    assert admin.execute(users).fetchall() == [(user, None, "pro", True), (other, "Ann@example.org", "pro", False)]
    accounts = "SELECT user_id, currency, name, closed_at IS NOT NULL FROM projections.accounts"
    assert admin.execute(accounts).fetchall() == [(user, "USD", None, True)]


@pytest.mark.parametrize(
    ("aggregate_type", "event_type", "payload", "place"),
    [
        (*case, place)
        for case in ERASABLE
        for place in list(places(case[2]))[:2]
        if case[1] in {"UserRegistered", "AccountOpened", "JournalEntryRecorded"} or case[0] == "UserPreferences"
    ],
)
def test_a_loss_does_not_pass_for_an_erasure(
    store: Store, aggregate_type: str, event_type: str, payload: dict[str, Any], place: Place
) -> None:
    """The key was rolled back: refused, or noted with what comes after it, and in no row."""
    admin, session = store.connect("postgres"), store.connect("postgres", autocommit=False)
    lost = Thing(session, aggregate_type, event_type, payload, place)
    document = lost.protect()
    session.rollback()
    lost.admin = admin
    with refused("SE002") as refusal:
        lost.append((event_type, document))
    assert "its subject has no key in this store" in refusal.message
    # Preferences need nothing that was there before.
    later = [] if aggregate_type == "UserPreferences" else LAST[aggregate_type]
    stored = insert(admin, aggregate_type, lost.identity, (event_type, document), *later)
    work(admin)
    assert stopped(admin) == []
    noted = admin.execute(
        "SELECT projection_name FROM event_store.unapplied_events WHERE event_id = ANY (%s)", [stored]
    ).fetchall()
    assert noted == [(lost.table,)] * (1 + len(later))
    assert lost.row() == {}


def test_a_rebuild_forgets_what_only_the_old_rows_have_left_out(empty_store: Store) -> None:
    admin, ann = empty_store.connect("postgres"), uuid4()
    apply(admin, "User", ann, REGISTERED)
    admin.execute("SELECT event_store.rebuild_projection('users')")
    # The old rows have lost her, for whatever reason, and leave out what comes of her. The new ones take it.
    with admin.transaction():
        admin.execute("SELECT set_config('event_store.projecting', 'on', true)")
        admin.execute("DELETE FROM projections.users")
    append(admin, "User", ann, ("UserRenamed", {"display_name": "Anna"}))
    apply(admin, "User", ann, REGISTERED, REGISTERED)
    work(admin)
    assert value(admin, "SELECT count(*) FROM event_store.projection_rebuilds") == 0
    noted = admin.execute(
        "SELECT u.projection_name, e.event_version FROM event_store.unapplied_events u"
        " JOIN event_store.events e USING (event_id) ORDER BY 2"
    ).fetchall()
    assert noted == [("users", 3), ("users", 4)]
    found = row(admin, "users", "user_id", ann)
    assert found is not None
    assert found["display_name"] == "Anna"


def test_a_rebuild_that_is_given_up_leaves_no_note(empty_store: Store) -> None:
    admin, ann = empty_store.connect("postgres"), uuid4()
    apply(admin, "User", ann, REGISTERED, REGISTERED)
    admin.execute("SELECT event_store.rebuild_projection('users')")
    noted = "SELECT array_agg(projection_name::text ORDER BY 1) FROM event_store.unapplied_events"
    horizon = "SELECT event_store.advance_rebuild('users', event_store.feed_horizon(), 2, '1 s')"
    with admin.transaction():
        # It is not taken over while somebody has locked the old rows' checkpoint further on.
        admin.execute("UPDATE event_store.projections SET last_global_position = last_global_position + 1000")
        admin.execute(horizon)
    assert value(admin, noted) == ["users", "users (rebuild)"]
    assert value(admin, "SELECT event_store.cancel_rebuild('users')") is True
    assert value(admin, noted) == ["users"]


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
