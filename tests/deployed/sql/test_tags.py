"""Tags of events: every way of appending stores them, queries find them, and seals and retention know them."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from .appends import Connection, append_event, append_events, call, refused, stored
from .decisions import by_tags, by_types, decide, item, read, state, tagged
from .feed import settle
from .sealing import append, problems, seal, seal_then, tampering
from .stores import Store
from .test_retention import archive, retire


def append_tagged(connection: Connection, aggregate: UUID, tags: list[str | None]) -> None:
    connection.execute(
        "SELECT event_store.append_event('Counter', %s, NULL, 'Counted', '{}', tags => %s)", [aggregate, tags]
    )


def test_every_way_of_appending_stores_tags(app: Connection) -> None:
    one, other, tag = uuid4(), uuid4(), f"way {uuid4()}"
    append_tagged(app, one, [tag, "b"])
    append_tagged(app, one, [])
    append_event(app, one, 2)
    append_events(app, one, [tagged("Counted", tag), tagged("Counted"), tagged("Counted", "c", tag)], 3)
    both = [{"aggregate_type": "Counter", "aggregate_id": str(other), "events": [tagged("Counted", tag)]}]
    call(app, "append_to_aggregates", appends=Jsonb(both))
    decide(app, by_tags("none"), None, tagged("Counted", tag))

    assert [event["tags"] for event in stored(app, one)] == [[tag, "b"], None, None, [tag], None, ["c", tag]]
    settle(app)
    fed = [row for row in call(app, "read_feed", max_count=None) if row["tags"] and tag in row["tags"]]
    assert [row["event_id"] for row in read(app, by_tags(tag))[1]] == [row["event_id"] for row in fed]
    assert len(fed) == 5


@pytest.mark.parametrize(
    ("tags", "place"),
    [
        ("a", "events[0].tags"),
        ([""], "events[0].tags"),
        (["a" * 256], "events[0].tags"),
        ([1], "events[0].tags"),
        ([None], "events[0].tags"),
        ({"a": 1}, "events[0].tags"),
        (["a"] * 101, "events[0].tags"),
    ],
)
def test_malformed_tags_are_refused(app: Connection, tags: Any, place: str) -> None:
    event = {"event_type": "Counted", "event_data": {}, "tags": tags}
    with refused("SE002") as refusal:
        append_events(app, uuid4(), [event])
    assert refusal.message == f"malformed: {place} is not an array of at most 100 texts of 1 to 255 characters"


def test_what_else_is_wrong_is_found_in_events_with_tags(app: Connection) -> None:
    with refused("SE002") as refusal:
        append_events(app, uuid4(), [tagged("Counted", "a"), tagged("Counted", "a") | {"schema_version": 0}])
    assert "events[1].schema_version" in refusal.message
    for tags in ([""], [None]):
        with refused("SE002"):
            append_tagged(app, uuid4(), tags)  # type: ignore[arg-type]
    append_tagged(app, uuid4(), ["twice", "twice"])
    assert len(read(app, by_tags("twice"))[1]) == 1


def test_queries(app: Connection) -> None:
    a, b = f"a {uuid4()}", f"b {uuid4()}"
    one, two = f"One {uuid4()}", f"Two {uuid4()}"
    for event in (tagged(one, a), tagged(two, a, b), tagged(one, b), tagged(two), tagged(one, b, a)):
        state(app, event)

    def found(*items: dict[str, list[str]], **more: Any) -> list[str]:
        events = read(app, list(items), **more)[1]
        assert [e["global_position"] for e in events] == sorted(e["global_position"] for e in events)
        return [
            ("1" if e["event_type"] == one else "2") + "".join(sorted(t[0] for t in e["tags"] or [])) for e in events
        ]

    assert found(item(tags=[a])) == ["1a", "2ab", "1ab"]
    assert found(item(tags=[a, b])) == ["2ab", "1ab"]
    assert found(item(one, tags=[a])) == ["1a", "1ab"]
    assert found(item(one, two, tags=[b])) == ["2ab", "1b", "1ab"]
    assert found(item(two)) == ["2ab", "2"]
    assert found(item(two), item(tags=[b])) == ["2ab", "1b", "2", "1ab"]
    assert found(item(tags=[a]), item(tags=[b]), max_count=2) == ["1a", "2ab"]
    assert found(item(one, two), max_count=0) == []
    # null and [] are the same as leaving the key out.
    assert found({"types": [two], "tags": []}) == ["2ab", "2"]
    whole = [row["event_id"] for row in read(app, [])[1]]
    assert whole == [row["event_id"] for row in read(app, [{}])[1]]
    assert len(whole) == app.execute("SELECT count(*) FROM event_store.events").fetchone()[0]  # type: ignore[index]
    cursor = app.execute(
        "SELECT event_store.cursor_of(e) FROM event_store.events e WHERE e.tags @> %s ORDER BY e.global_position", [[a]]
    ).fetchall()[1][0]
    assert found(item(tags=[a]), after=cursor) == ["1ab"]
    assert found(item(one, two), after=cursor) == ["1b", "2", "1ab"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"tags": ["a"]}, "query is not a JSON array but an object"),
        (None, "query is not a JSON array but missing"),
        (["a"], "query[0] is not a JSON object but a string"),
        ([{}, {"tag": ["a"]}], "query[1].tag is unknown"),
        ([{"tags": "a"}], "query[0].tags is not"),
        ([{"types": [""]}], "query[0].types is not"),
        ([{}] * 101, "query has 101 items"),
    ],
)
def test_malformed_queries_are_refused(app: Connection, query: Any, said: str) -> None:
    value = None if query is None else Jsonb(query)
    with refused("SE002") as refusal:
        call(app, "read_events", query=value)
    assert said in refusal.message
    with refused("SE002") as refusal:
        decide(app, query, None, tagged("Counted"))
    assert said in refusal.message.replace("but null", "but missing")


def test_a_command_is_another_one_with_other_tags(app: Connection) -> None:
    command, aggregate = uuid4(), uuid4()
    first = append_events(app, aggregate, [tagged("Counted", "a")], command_id=command)
    assert append_events(app, aggregate, [tagged("Counted", "a")], command_id=command) == first
    for other in (tagged("Counted"), tagged("Counted", "b")):
        with refused("SE004"):
            append_events(app, aggregate, [other], command_id=command)


def test_seals_cover_tags_and_events_without_them_are_as_before(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    append(app, 2)
    state(app, tagged("Moved", 'quo"te', "€"), tagged("Moved"))
    seal(admin)
    assert problems(app) == []
    # As it was before there were tags, byte for byte.
    before = """
        SELECT bool_and(event_store.event_line(e) = json_build_object(
            'event_id', e.event_id, 'transaction_id', e.transaction_id, 'global_position', e.global_position,
            'aggregate_type', e.aggregate_type, 'aggregate_id', e.aggregate_id, 'event_version', e.event_version,
            'event_type', e.event_type, 'schema_version', e.schema_version, 'created_at', e.created_at AT TIME ZONE 'UTC',
            'created_by', e.created_by, 'actor', e.actor, 'actor_type', e.actor_type, 'source', e.source,
            'causation_id', e.causation_id, 'correlation_id', e.correlation_id, 'event_data', e.event_data,
            'metadata', e.metadata)::text), count(*)
          FROM event_store.events e WHERE e.tags IS NULL"""
    assert admin.execute(before).fetchone() == (True, 3)
    lines = admin.execute(
        "SELECT event_store.event_line(e) FROM event_store.events e WHERE e.tags IS NOT NULL"
    ).fetchall()
    assert [json.loads(line)["tags"] for (line,) in lines] == [['quo"te', "€"]]
    for change in ("tags = NULL", "tags = '{a}'"):
        with tampering(admin):
            admin.execute(f"UPDATE event_store.events SET {change} WHERE tags IS NOT NULL")
            assert problems(admin) == [(1, "edited")]
    with tampering(admin):
        admin.execute("UPDATE event_store.events SET tags = '{a}' WHERE event_type = 'PositionUpdated'")
        assert [kind for _, kind in problems(admin)] == ["edited"]


def test_tags_leave_with_their_events(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    state(app, tagged("Moved", "old", "both"))
    triggers = "events_append_only", "events_append_only_rows"
    for trigger in triggers:
        admin.execute(f"ALTER TABLE event_store.events DISABLE TRIGGER {trigger}")
    admin.execute("UPDATE event_store.events SET created_at = now() - interval '8 years'")
    for trigger in triggers:
        admin.execute(f"ALTER TABLE event_store.events ENABLE ALWAYS TRIGGER {trigger}")
    seal_then(admin)
    state(app, tagged("Moved", "both"))
    seal_then(admin)
    assert retire(admin, 1, 1) == 1
    assert admin.execute("SELECT tag FROM event_store.event_tags").fetchall() == [("both",)]
    assert archive(admin, 1, 1)
    assert len(read(app, by_tags("both"))[1]) == 1
    for statement in ("DELETE FROM event_store.event_tags", "UPDATE event_store.event_tags SET tag = 'x'"):
        with refused("SE005"):
            admin.execute(statement)
    assert read(app, by_types("Moved"))[1][0]["tags"] == ["both"]
