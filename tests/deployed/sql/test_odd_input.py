"""What one person sends stops nobody else's rows: it is refused, or an ordinary value, or noted and left out."""

import secrets
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from .appends import refused
from .projecting import Connection, append, insert, value, work
from .stores import Store

Event = tuple[str, dict[str, Any]]
NOT_ACTIVE = """
    SELECT projection_name, error_message FROM event_store.projections WHERE status <> 'active'
     UNION ALL SELECT projection_name, error_message FROM event_store.projection_rebuilds"""
NOTED = "SELECT projection_name, problem FROM event_store.unapplied_events WHERE event_id = ANY (%s)"
PROJECTIONS = ("portfolio_positions", "users", "accounts", "journal", "user_preferences")
#: Longer than an index entry may be, and nothing that compresses.
LONG = secrets.token_hex(4000)
ENVELOPE = {"subject": str(uuid4()), "iv": "A" * 22 + "==", "tag": "A" * 43 + "=", "ciphertext": "AAAA"}


def entry(**more: Any) -> Event:
    needed = {"user_id": str(uuid4()), "account_id": str(uuid4()), "ts": "2025-03-14T15:09:26Z", "type": "buy"}
    return ("JournalEntryRecorded", {**needed, **more})


def user(**more: Any) -> Event:
    return ("UserRegistered", {"email": "ann@example.org", "subscription_tier": "free", **more})


def nested(depth: int) -> Any:
    """An envelope that is no good, deep in a document."""
    document: Any = {"$protected": "x"}
    for _ in range(depth):
        document = {"a": document}
    return document


#: Projection, aggregate, event, what the error names, its SQLSTATE.
MALFORMED: list[tuple[str, str, Event, str, str]] = [
    ("users", "User", ("UserRegistered", {"subscription_tier": "free"}), "email", "SE007"),
    ("users", "User", ("UserRegistered", {"$protected": "x"}), "envelope", "SE002"),
    ("users", "User", ("UserRegistered", {"$protected": ENVELOPE}), "envelope", "SE002"),
    ("users", "User", user(email={"$protected": "x"}), "envelope", "SE002"),
    ("users", "User", user(other=nested(500)), "envelope|deep", "SE002|SE007"),
    ("users", "User", user(email=["a"]), "email", "SE007"),
    ("users", "User", user(email=LONG), "email", "SE007"),
    ("users", "User", user(credential_id="1"), "credential_id", "SE007"),
    ("users", "User", ("UserEmailChanged", {"email": LONG}), "email", "SE007"),
    ("users", "User", ("UserTierChanged", {"subscription_tier": None}), "subscription_tier", "SE007"),
    ("accounts", "Account", ("AccountOpened", {"user_id": "Ann", "currency": "USD"}), "user_id", "SE007"),
    ("accounts", "Account", ("AccountOpened", {"user_id": str(uuid4()), "currency": None}), "currency", "SE007"),
    ("accounts", "Account", ("AccountRenamed", {"name": {}}), "name", "SE007"),
    ("journal", "JournalEntry", entry(ts="now"), "ts", "SE007"),
    ("journal", "JournalEntry", entry(ts="2025-02-30T00:00:00Z"), "ts", "SE007"),
    ("journal", "JournalEntry", entry(quantity="ten"), "quantity", "SE007"),
    ("journal", "JournalEntry", entry(quantity="NaN"), "quantity", "SE007"),
    ("journal", "JournalEntry", entry(quantity="1e200000"), "quantity", "SE007"),
    ("journal", "JournalEntry", entry(price=True), "price", "SE007"),
    ("journal", "JournalEntry", entry(symbol=LONG), "symbol", "SE007"),
    ("journal", "JournalEntry", entry(expires_on="tomorrow"), "expires_on", "SE007"),
    ("journal", "JournalEntry", entry(type="gift"), "type", "SE007"),
    ("journal", "JournalEntry", entry(type=None), "type", "SE007"),
    ("journal", "JournalEntry", entry(option_type="swap"), "option_type", "SE007"),
    ("journal", "JournalEntry", ("JournalEntryCorrected", {"account_id": None}), "account_id", "SE007"),
    ("user_preferences", "UserPreferences", ("UserPreferencesSet", {"preferences": []}), "preferences", "SE007"),
    ("user_preferences", "UserPreferences", ("UserPreferencesSet", {"preferences": {LONG: 1}}), "preferences", "SE007"),
    ("user_preferences", "UserPreferences", ("UserPreferencesRemoved", {"keys": "theme"}), "keys", "SE007"),
    ("user_preferences", "UserPreferences", ("UserPreferencesRemoved", {"keys": [["theme"]]}), "keys", "SE007"),
]


@pytest.mark.parametrize("case", MALFORMED, ids=[f"{case[2][0]}-{case[3]}" for case in MALFORMED])
def test_a_payload_that_a_read_model_cannot_take_is_refused_and_stops_nothing_if_it_is_stored(
    admin: Connection, case: tuple[str, str, Event, str, str]
) -> None:
    projection, aggregate_type, event, named, sqlstate = case
    with pytest.raises(psycopg.Error) as refusal:
        append(admin, aggregate_type, uuid4(), event)
    said = refusal.value.diag
    assert refusal.value.sqlstate in sqlstate.split("|")
    assert any(name in str(said.message_primary) for name in named.split("|"))
    assert str(said.message_detail).startswith("events[0], ")
    assert said.message_hint
    # As one that was stored before payloads were checked.
    stored = insert(admin, aggregate_type, uuid4(), event)
    bystander = uuid4()
    append(admin, "User", bystander, user())
    append(admin, "JournalEntry", bystander, entry())
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    ((noted, problem),) = admin.execute(NOTED, [stored]).fetchall()
    assert noted == projection
    assert problem in str(said.message_primary)
    assert LONG not in str(said.message_primary)
    for table, key in (("users", "user_id"), ("journal", "entry_id")):
        assert value(admin, f"SELECT count(*) FROM projections.{table} WHERE {key} = %s", [bystander]) == 1


@pytest.mark.parametrize(
    "event",
    [
        ("UserRegistered", {"$erased": ["/email"], "subscription_tier": "free"}),
        ("UserRegistered", {"$erased": [""]}),
        ("UserRegistered", {**user()[1], "$erased": []}),
    ],
)
def test_a_payload_that_says_itself_what_was_erased_is_refused(admin: Connection, event: Event) -> None:
    """Only reveal() says it: a payload that says it as well would be taken without what its read model needs."""
    with pytest.raises(psycopg.Error) as refusal:
        append(admin, "User", uuid4(), event)
    assert refusal.value.sqlstate == "SE007"
    assert str(refusal.value.diag.message_detail) == 'events[0], path: $."$erased"'


@pytest.mark.parametrize("case", MALFORMED, ids=[f"{case[2][0]}-{case[3]}" for case in MALFORMED])
def test_what_is_looked_at_first_is_never_well_where_a_field_is_wrong(
    admin: Connection, case: tuple[str, str, Event, str, str]
) -> None:
    """The short way, on which most appends go, lets through nothing that the long way refuses."""
    _, aggregate_type, event, _, _ = case
    takes = "SELECT projections.takes_payloads(%s, %s)"
    good = [{"event_type": name, "event_data": data} for name, data in (user(), entry())]
    bad = {"event_type": event[0], "event_data": event[1]}
    assert value(admin, takes, ["User", Jsonb(good)]) is True
    assert value(admin, takes, ["JournalEntry", Jsonb(good)]) is True
    assert value(admin, takes, [aggregate_type, Jsonb([*good, bad])]) is False


@pytest.mark.parametrize("odd", [LONG, {LONG: 1}])
def test_a_position_keeps_its_symbol_where_no_index_could_hold_the_new_one(admin: Connection, odd: Any) -> None:
    position = uuid4()
    append(admin, "Position", position, ("PositionOpened", {"symbol": "IBM", "quantity": 1}))
    append(admin, "Position", position, ("PositionUpdated", {"symbol": odd, "quantity": 2}))
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    rows = "SELECT symbol, quantity FROM projections.positions WHERE position_id = %s"
    assert admin.execute(rows, [position]).fetchall() == [("IBM", 2)]


FIRST: list[tuple[str, str, Event]] = [
    ("users", "User", user()),
    ("accounts", "Account", ("AccountOpened", {"user_id": str(uuid4()), "currency": "USD"})),
    ("journal", "JournalEntry", entry()),
]
LATER: list[tuple[str, str, Event]] = [
    ("users", "User", ("UserTierChanged", {"subscription_tier": "pro"})),
    ("users", "User", ("UserErased", {})),
    ("accounts", "Account", ("AccountClosed", {})),
    ("journal", "JournalEntry", ("JournalEntryCorrected", {"price": 1})),
    ("journal", "JournalEntry", ("JournalEntryDeleted", {})),
]


@pytest.mark.parametrize(
    ("projection", "aggregate_type", "events", "left_out"),
    [(name, kind, [event, event], 1) for name, kind, event in FIRST]
    + [(name, kind, [event], 1) for name, kind, event in LATER],
)
def test_an_event_that_does_not_fit_those_before_it_is_noted_and_left_out(
    admin: Connection, projection: str, aggregate_type: str, events: list[Event], left_out: int
) -> None:
    aggregate = uuid4()
    append(admin, aggregate_type, aggregate, *events)
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    ids = "SELECT array_agg(event_id) FROM event_store.events WHERE aggregate_id = %s AND event_version = %s"
    last = value(admin, ids, [aggregate, len(events)])
    assert [name for name, _ in admin.execute(NOTED, [last]).fetchall()] == [projection] * left_out


def test_the_application_sees_what_was_left_out(app: Connection) -> None:
    app.execute("SELECT projection_name, event_id, problem, noted_at FROM event_store.unapplied_events")


def test_a_rebuild_that_can_take_an_event_forgets_that_it_was_left_out(empty_store: Store) -> None:
    admin, aggregate = empty_store.connect("postgres"), uuid4()
    (left_out,) = insert(admin, "JournalEntry", aggregate, entry(type="gift"))
    work(admin)
    assert len(admin.execute(NOTED, [[left_out]]).fetchall()) == 1
    admin.execute("SELECT event_store.rebuild_projection('journal')")
    work(admin)
    assert len(admin.execute(NOTED, [[left_out]]).fetchall()) == 1
    # A later version takes one type more.
    definition = value(admin, "SELECT pg_get_functiondef('projections.payload_fields'::regproc)")
    admin.execute(definition.replace("'{sell_to_open,", "'{gift, sell_to_open,"))
    admin.execute("ALTER TABLE projections.journal DROP CONSTRAINT journal_type_check")
    admin.execute("SELECT event_store.rebuild_projection('journal')")
    work(admin)
    assert admin.execute(NOTED, [[left_out]]).fetchall() == []
    assert value(admin, "SELECT type FROM projections.journal WHERE entry_id = %s", [aggregate]) == "gift"


@pytest.mark.parametrize(
    "ts",
    [
        "0001-01-01T00:00:00+02:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-05:00",
        "9999-12-31T23:59:59Z",
        "2025-01-01T00:00:00 BC",
        "0000-01-01T00:00:00Z",
    ],
)
def test_a_time_that_no_session_could_read_is_malformed(admin: Connection, ts: str) -> None:
    for event in (entry(ts=ts), ("JournalEntryCorrected", {"ts": ts})):
        with refused("SE007") as refusal:
            append(admin, "JournalEntry", uuid4(), event)
        assert '"ts" of the payload is not a time' in refusal.message
        assert "9999-12-30" in refusal.message


@pytest.mark.parametrize("day", ["0000-01-01", "0001-01-01 BC", "10000-01-01", "2025-13-01", "infinity"])
def test_a_date_that_no_session_could_read_is_malformed(admin: Connection, day: str) -> None:
    with refused("SE007") as refusal:
        append(admin, "JournalEntry", uuid4(), entry(expires_on=day))
    assert '"expires_on" of the payload is not a date' in refusal.message


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_what_is_taken_is_readable_in_every_time_zone(store: Store, zone: str) -> None:
    session, owner = store.connect("postgres"), str(uuid4())
    session.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    times = ["0001-01-02T00:00:00Z", "0001-01-01T23:00:00-01:00", "9999-12-30T23:59:59.999999Z"]
    for ts in times:
        append(session, "JournalEntry", uuid4(), entry(ts=ts, user_id=owner, expires_on="9999-12-31"))
    work(session)
    rows = session.execute("SELECT ts, expires_on FROM projections.journal WHERE user_id = %s", [owner]).fetchall()
    assert len(rows) == len(times)


NAMES = {
    "User": ["email", "subscription_tier", "display_name", "credential_id"],
    "Account": ["user_id", "currency", "name", "broker"],
    "JournalEntry": ["user_id", "account_id", "ts", "type", "symbol", "quantity", "expires_on", "option_type", "note"],
    "UserPreferences": ["preferences", "keys"],
    "Position": ["symbol", "quantity", "average_price", "current_value"],
}
TYPES = {
    "User": ["UserRegistered", "UserEmailChanged", "UserRenamed", "UserTierChanged", "UserErased"],
    "Account": ["AccountOpened", "AccountRenamed", "AccountClosed"],
    "JournalEntry": ["JournalEntryRecorded", "JournalEntryCorrected", "JournalEntryDeleted"],
    "UserPreferences": ["UserPreferencesSet", "UserPreferencesRemoved"],
    "Position": ["PositionOpened", "PositionUpdated", "PositionClosed"],
}
ODD = st.sampled_from(
    [
        None, True, 0, -1.5, 10**40, "", "x", "10.5", "1e400000", "NaN", "infinity", "2025-03-14T15:09:26Z", "2025-03-14",
        "0001-01-01T00:00:00+02:00", "buy", "put", str(UUID(int=7)), LONG, [], ["x", 1, None], {}, {"a": LONG}, {LONG: "x"},
        {"$protected": "x"}, {"$protected": ENVELOPE}, {"$protected": ENVELOPE, "x": 1}, {"$erased": [""]}, nested(400),
    ]
)  # fmt: skip


@st.composite
def odd_events(draw: st.DrawFn) -> tuple[str, UUID, str, dict[str, Any]]:
    aggregate_type = draw(st.sampled_from([*NAMES]))
    names = st.sampled_from([*NAMES[aggregate_type], "$erased", "$protected"])
    payload = draw(st.dictionaries(names, ODD, max_size=5))
    return aggregate_type, UUID(int=draw(st.integers(1, 3))), draw(st.sampled_from(TYPES[aggregate_type])), payload


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(events=st.lists(odd_events(), min_size=1, max_size=12), is_checked=st.booleans())
def test_whatever_is_sent_stops_no_read_model(
    admin: Connection, events: list[tuple[str, UUID, str, dict[str, Any]]], is_checked: bool
) -> None:
    """Appended, if the store takes it, or stored as it is; and once more in a rebuild."""
    for aggregate_type, aggregate, event_type, payload in events:
        if not is_checked:
            insert(admin, aggregate_type, aggregate, (event_type, payload))
            continue
        try:
            append(admin, aggregate_type, aggregate, (event_type, payload))
        except psycopg.Error as error:
            if error.sqlstate not in {"SE002", "SE007"}:
                raise
    append(admin, "User", bystander := uuid4(), user())
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    assert value(admin, "SELECT count(*) FROM projections.users WHERE user_id = %s", [bystander]) == 1
    for name in PROJECTIONS:
        admin.execute("SELECT event_store.rebuild_projection(%s)", [name])
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []


@pytest.mark.parametrize("amount", ["10.5", "-0.10", "1E+2", ".5", "12345678901234567890.123456789012345678"])
def test_an_amount_as_text_is_the_same_number_everywhere(admin: Connection, amount: str) -> None:
    position, identity = uuid4(), uuid4()
    numbers = {"quantity": amount, "average_price": amount, "current_value": amount}
    append(admin, "Position", position, ("PositionOpened", {"symbol": "IBM", **numbers}))
    money = dict.fromkeys(("quantity", "price", "amount", "fees", "strike"), amount)
    append(admin, "JournalEntry", identity, entry(**money))
    work(admin)
    positions = "SELECT ARRAY[quantity, average_price, current_value] FROM projections.positions WHERE position_id = %s"
    journal = "SELECT ARRAY[quantity, price, amount, fees, strike] FROM projections.journal WHERE entry_id = %s"
    number = value(admin, "SELECT %s::numeric", [amount])
    assert value(admin, positions, [position]) == [number] * 3
    assert value(admin, journal, [identity]) == [number] * 5
    assert str(value(admin, positions, [position])[0]) == str(number)


def test_a_position_ignores_what_is_no_number(admin: Connection) -> None:
    position = uuid4()
    append(admin, "Position", position, ("PositionOpened", {"symbol": "IBM", "quantity": "10.50"}))
    odds: list[Any] = ["ten", "", "NaN", "Infinity", "0x10", "1e200000", " 1", "1_000", [1], {}, True, None]
    for odd in odds:
        append(admin, "Position", position, ("PositionUpdated", {"quantity": odd}))
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    assert str(value(admin, "SELECT quantity FROM projections.positions WHERE position_id = %s", [position])) == "10.50"


def test_an_application_with_an_idea_of_its_own_of_a_name_is_not_refused(admin: Connection) -> None:
    append(admin, "Account", account := uuid4(), ("AccountOpened", {"holder": "Ann"}), ("AccountOpened", {}))
    work(admin)
    assert admin.execute(NOT_ACTIVE).fetchall() == []
    noted = "SELECT count(*) FROM event_store.unapplied_events u JOIN event_store.events e USING (event_id)"
    assert value(admin, f"{noted} WHERE e.aggregate_id = %s", [account]) == 2


def test_an_event_of_another_type_needs_no_payload(app: Connection) -> None:
    for aggregate_type in NAMES:
        event = {"event_type": "Happened", "event_data": {"$protected": "x", "email": LONG}}
        app.execute("SELECT event_store.append_events(%s, %s, 0, %s)", [aggregate_type, uuid4(), Jsonb([event])])
