"""The JSON schemas of the read models' events: valid, and of one mind with what checks the payloads themselves."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .appends import Connection, append_event, refused
from .stores import Store

USER = str(uuid4())
#: What each event has at least; a correction of the journal, and the portfolio's events, need nothing.
LEAST: dict[tuple[str, str], dict[str, Any]] = {
    ("User", "UserRegistered"): {"email": "a@b.example", "subscription_tier": "free"},
    ("User", "UserEmailChanged"): {"email": "a@b.example"},
    ("User", "UserRenamed"): {"display_name": "A"},
    ("User", "UserTierChanged"): {"subscription_tier": "paid"},
    ("User", "UserErased"): {},
    ("Account", "AccountOpened"): {"user_id": USER, "currency": "USD"},
    ("Account", "AccountRenamed"): {"name": "A"},
    ("Account", "AccountClosed"): {},
    ("JournalEntry", "JournalEntryRecorded"): {
        "user_id": USER, "account_id": USER, "ts": "2026-01-05T15:30:00Z", "type": "buy",
    },
    ("JournalEntry", "JournalEntryCorrected"): {"note": None},
    ("JournalEntry", "JournalEntryDeleted"): {},
    ("UserPreferences", "UserPreferencesSet"): {"preferences": {"theme": "dark"}},
    ("UserPreferences", "UserPreferencesRemoved"): {"keys": ["theme"]},
    ("Position", "PositionOpened"): {"symbol": "AAPL", "quantity": "10.5"},
    ("Position", "PositionUpdated"): {"current_value": 3.5, "symbol": None},
    ("Position", "PositionClosed"): {},
}  # fmt: skip
ENTRY = LEAST["JournalEntry", "JournalEntryRecorded"]
#: What neither the schemas nor the read models take.
WRONG = [
    ("User", "UserRegistered", {"email": "a@b.example"}),
    ("User", "UserEmailChanged", {"email": "a" * 321}),
    ("User", "UserRegistered", {"email": "a@b.example", "subscription_tier": "free", "credential_id": "7"}),
    ("Account", "AccountOpened", {"user_id": USER, "currency": None}),
    ("JournalEntry", "JournalEntryRecorded", ENTRY | {"type": "gift"}),
    ("JournalEntry", "JournalEntryRecorded", ENTRY | {"ts": "yesterday"}),
    ("JournalEntry", "JournalEntryRecorded", ENTRY | {"price": "ten"}),
    ("JournalEntry", "JournalEntryRecorded", ENTRY | {"expires_on": "2026-02-30"}),
    ("JournalEntry", "JournalEntryCorrected", {"type": None}),
    ("UserPreferences", "UserPreferencesSet", {"preferences": ["theme"]}),
    ("UserPreferences", "UserPreferencesRemoved", {"keys": [7]}),
]


@pytest.fixture(scope="module")
def registered(store: Store) -> Connection:
    """A session of the application; the schemas are registered, under names that no read model knows."""
    admin = store.connect("postgres")
    admin.execute(
        """SELECT event_store.register_event_type('Checked' || s.event_type, s.schema_version, s.json_schema, 'enforce')
             FROM projections.event_schemas() s"""
    )
    return store.connect()


def test_each_event_of_the_read_models_has_one(registered: Connection) -> None:
    rows = registered.execute(
        "SELECT event_type FROM event_store.event_types WHERE event_type LIKE 'Checked%'"
    ).fetchall()
    assert {row[0] for row in rows} == {f"Checked{name}" for _, name in LEAST}


@pytest.mark.parametrize(("kind", "name"), LEAST)
def test_both_take_what_is_right(registered: Connection, kind: str, name: str) -> None:
    for aggregate_type, event_type in ((kind, name), ("Elsewhere", f"Checked{name}")):
        append_event(
            registered, uuid4(), aggregate_type=aggregate_type, event_type=event_type, event_data=LEAST[kind, name]
        )


@pytest.mark.parametrize(("kind", "name", "data"), WRONG)
def test_both_refuse_what_is_wrong(registered: Connection, kind: str, name: str, data: dict[str, Any]) -> None:
    for aggregate_type, event_type in ((kind, name), ("Elsewhere", f"Checked{name}")):
        with refused("SE007"):
            append_event(registered, uuid4(), aggregate_type=aggregate_type, event_type=event_type, event_data=data)


def test_both_take_what_is_protected(registered: Connection) -> None:
    def protected(value: Any) -> Any:
        row = registered.execute("SELECT event_store.protect(%s, %s)", [USER, Jsonb(value)]).fetchone()
        assert row
        return row[0]

    for data in (protected(ENTRY), ENTRY | {"note": protected("mine"), "price": protected("2.5")}):
        for kind, name in (("JournalEntry", "JournalEntryRecorded"), ("Elsewhere", "CheckedJournalEntryRecorded")):
            append_event(registered, uuid4(), aggregate_type=kind, event_type=name, event_data=data)
    with pytest.raises(psycopg.Error) as error:
        append_event(registered, uuid4(), event_type="CheckedPositionOpened", event_data={"symbol": protected("A")})
    assert error.value.sqlstate == "SE007"
