"""Decisions across aggregates with the client: read what matters, append if nothing has come since, decide again."""

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from event_store import ANY, NO_RETRIES, NOT_THERE, QueryItem, Selection, errors
from event_store.async_client import AsyncEventStore
from event_store.client import EventStore
from event_store.events import Append, Appended, Command, NewEvent

from .relay import Relay

SEATS = 3


def seat(course: str) -> Append:
    return Append("Seat", uuid4(), [NewEvent("SeatTaken", {}, tags=[course])], NOT_THERE)


def take(course: str) -> list[QueryItem]:
    return [QueryItem(["SeatTaken"], [course])]


def if_free(course: str, selection: Selection) -> list[Append]:
    return [seat(course)] if len(selection.events) < SEATS else []


def test_tags_come_back(client: EventStore) -> None:
    tag, aggregate = f"tag {uuid4()}", uuid4()
    client.append_event("Seat", aggregate, NewEvent("One", {"n": 1}, tags=[tag, "b"]), expected=ANY)
    client.append_events("Seat", aggregate, [NewEvent("Two", {}), NewEvent("Three", {}, tags=(tag,))], expected=ANY)
    client.append_to_aggregates([Append("Seat", uuid4(), [NewEvent("Four", {}, tags=[tag])], ANY)])
    assert [event.tags for event in client.get_events("Seat", aggregate)] == [[tag, "b"], None, [tag]]
    selection = client.read_events([QueryItem(tags=[tag])])
    assert [event.event_type for event in selection.events] == ["One", "Three", "Four"]
    assert selection.events[0].data == {"n": 1}
    assert client.read_events([QueryItem(tags=[tag])], max_count=1).events == selection.events[:1]
    after = selection.events[1].cursor
    assert client.read_events([QueryItem(["Four"], [tag])], after=after).events == selection.events[2:]


def test_a_conflict_names_the_event_that_stands_against_it(client: EventStore) -> None:
    course = f"course {uuid4()}"
    client.append_if([seat(course)], take(course), None)
    stored = client.read_events(take(course)).events[0]
    with pytest.raises(errors.DecisionConflictError) as caught:
        client.append_if([seat(course)], take(course), None)
    assert caught.value.event_id == stored.event_id
    marker = client.read_events(take(course)).marker
    client.append_if([seat(course)], take(course), marker)
    with pytest.raises(errors.OtherHistoryError):
        client.append_if([seat(course)], take(course), f"m{uuid4().hex}{marker[33:]}")
    with pytest.raises(errors.MalformedArgumentError):
        client.append_if([seat(course)], take(course), "marker")


def test_no_more_seats_are_taken_than_there_are(conninfo: str) -> None:
    course = f"course {uuid4()}"
    with EventStore(conninfo, max_size=8) as store, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store.decide_across(take(course), lambda s: if_free(course, s)), range(12)))
        assert sum(map(len, results)) == SEATS
        assert len(store.read_events(take(course)).events) == SEATS


def test_the_same_command_decides_once(client: EventStore) -> None:
    course, command, decided = f"course {uuid4()}", Command("TakeSeat"), list[int]()

    def decide(selection: Selection) -> list[Append]:
        decided.append(len(selection.events))
        return [seat(course), seat(course)]

    first = client.decide_across(take(course), decide, command=command)
    assert len(first) == 2
    assert client.decide_across(take(course), decide, command=command) == first
    assert decided == [0]


def test_a_command_that_is_sent_twice_at_once_has_one_result_whatever_the_aggregates(client: EventStore) -> None:
    course, command, both = f"course {uuid4()}", Command("TakeSeat"), list[list[Appended]]()

    def overtaken(_: Selection) -> list[Append]:
        both.append(client.decide_across(take(course), lambda _: [seat(course)], command=command))
        return [seat(course)]

    assert client.decide_across(take(course), overtaken, command=command) == both[0]
    assert len(client.read_events(take(course)).events) == 1


def test_a_command_id_of_another_command_is_refused(client: EventStore) -> None:
    course, command = f"course {uuid4()}", Command("TakeSeat")
    client.decide_across(take(course), lambda _: [seat(course)], command=command)
    other = dataclasses.replace(command, data={"row": 7})
    with pytest.raises(errors.CommandIdReusedError):
        client.decide_across(take(course), lambda _: [seat(course)], command=other)


def test_a_decision_whose_answer_was_lost_is_not_taken_for_a_conflict(client: EventStore, relay: Relay) -> None:
    course = f"course {uuid4()}"
    relay.lose_answer(course.encode())
    appended = client.append_if([seat(course)], take(course), None)
    assert relay.losses_left == 0
    assert [event.global_position for event in client.read_events(take(course)).events] == [
        one.global_position for one in appended
    ]


def test_after_so_many_conflicts_the_last_one_is_raised(conninfo: str) -> None:
    course = f"course {uuid4()}"
    with EventStore(conninfo, retries=NO_RETRIES) as store:

        def overtaken(_: Selection) -> list[Append]:
            store.append_if([seat(course)], [QueryItem(tags=[str(uuid4())])], None)
            return [seat(course)]

        with pytest.raises(errors.DecisionConflictError):
            store.decide_across(take(course), overtaken)


def test_the_asynchronous_client_decides_as_well(conninfo: str) -> None:
    course = f"course {uuid4()}"

    async def seats() -> list[int]:
        async with AsyncEventStore(conninfo) as store:
            work = [store.decide_across(take(course), lambda s: if_free(course, s)) for _ in range(6)]
            return [len(one) for one in await asyncio.gather(*work)]

    assert sorted(asyncio.run(seats())) == [0] * (6 - SEATS) + [1] * SEATS
