import json
from collections import Counter
from decimal import Decimal
from itertools import islice, pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.portfolio import CLOSED, OPENED, SYMBOLS, UPDATED, Event, expected_positions, generate

seeds = st.integers(0, 2**64)


def by_position(events: list[Event]) -> dict[UUID, list[Event]]:
    streams: dict[UUID, list[Event]] = {}
    for event in events:
        streams.setdefault(event.aggregate_id, []).append(event)
    return streams


@given(seeds)
def test_the_same_seed_gives_the_same_events(seed: int) -> None:
    assert list(generate(seed, positions=5)) == list(generate(seed, positions=5))


def test_the_events_of_a_seed_stay_the_same_from_release_to_release() -> None:
    first, *_ = generate(2025, positions=3)
    assert first.event_type == OPENED
    assert str(first.aggregate_id) == "354b1e02-32b6-4075-8bcf-5ec21c5c57cb"


@given(seeds, seeds)
def test_another_seed_gives_other_positions(one: int, other: int) -> None:
    ids = [{event.aggregate_id for event in generate(seed, positions=3)} for seed in (one, other)]
    assert (one == other) or not ids[0] & ids[1]


@given(seeds, st.integers(0, 30), st.integers(1, 5), st.integers(0, 10))
def test_each_position_is_opened_first_and_closed_last(seed: int, positions: int, accounts: int, updates: int) -> None:
    streams = by_position(list(generate(seed, positions, accounts, updates)))
    assert len(streams) == positions
    for stream in streams.values():
        first, *others = [event.event_type for event in stream]
        assert first == OPENED
        assert set(others[:-1]) <= {UPDATED}
        assert not others or others[-1] in {UPDATED, CLOSED}
        assert len(others) <= 2 * updates + 1


@given(seeds)
def test_events_are_in_the_order_of_time(seed: int) -> None:
    times = [event.metadata["occurred_at"] for event in generate(seed, positions=20)]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_positions_are_interleaved() -> None:
    events = list(generate(1, positions=50))
    neighbours = sum(a.aggregate_id == b.aggregate_id for a, b in pairwise(events))
    assert neighbours < len(events) / 4


@given(seeds)
def test_the_numbers_of_a_position_follow_from_its_trades(seed: int) -> None:
    for stream in by_position(list(generate(seed, positions=20))).values():
        held, average = 0, 0.0
        for event in stream:
            data = event.data
            traded = data["trade_quantity"]
            if traded > 0:
                cost = Decimal(str(average)) * held + Decimal(str(data["current_price"])) * traded
                assert abs(Decimal(str(data["average_price"])) - cost / (held + traded)) < Decimal("0.0001")
            else:
                assert data["average_price"] == average
            held, average = held + traded, data["average_price"]
            assert data["quantity"] == held
            assert (held == 0) is (event.event_type == CLOSED)
            assert Decimal(str(data["current_value"])) == held * Decimal(str(data["current_price"]))


@given(seeds)
def test_json_carries_the_numbers_exactly(seed: int) -> None:
    decimals = {"average_price": 4, "current_price": 2, "current_value": 2}
    for event in generate(seed, positions=20):
        read = json.loads(json.dumps(event.data), parse_float=Decimal)
        for name, places in decimals.items():
            assert read[name] == Decimal(read[name]).quantize(Decimal(1).scaleb(-places))
            assert read[name] == Decimal(str(event.data[name]))


@given(seeds)
def test_whose_and_what_a_position_is_never_changes(seed: int) -> None:
    for stream in by_position(list(generate(seed, positions=10))).values():
        same = {
            (e.data["symbol"], e.data["account_id"], e.actor, e.actor_type, e.source, e.correlation_id) for e in stream
        }
        assert len(same) == 1


def test_a_large_portfolio_has_many_symbols_and_accounts_and_the_share_of_closed_positions() -> None:
    events = list(generate(7, positions=2000, accounts=100, updates_per_position=8))
    kinds = Counter(event.event_type for event in events)
    assert kinds[OPENED] == 2000
    assert 700 < kinds[CLOSED] < 900
    assert 7.5 < kinds[UPDATED] / 2000 < 8.5
    assert {event.data["symbol"] for event in events} == set(SYMBOLS)
    assert len({event.data["account_id"] for event in events}) == 100
    assert len({event.causation_id for event in events}) == len(events)
    assert {(event.source, event.actor_type) for event in events} == {
        ("ui", "user"),
        ("api", "service"),
        ("import", "service"),
    }


def test_events_are_made_one_by_one() -> None:
    assert len(list(islice(generate(1, positions=10**9), 5000))) == 5000


@given(seeds)
def test_the_expected_position_is_its_last_event(seed: int) -> None:
    events = list(generate(seed, positions=10))
    streams = by_position(events)
    expected = expected_positions(events)
    assert expected.keys() == streams.keys()
    for position_id, position in expected.items():
        last = streams[position_id][-1]
        assert position.symbol == last.data["symbol"]
        assert position.quantity == last.data["quantity"]
        assert str(position.average_price) == str(last.data["average_price"])
        assert position.event_version == len(streams[position_id])
        assert position.closed is (last.event_type == CLOSED)
        assert not position.closed or position.quantity == position.current_value == 0


def test_a_document_is_what_append_events_takes() -> None:
    (event,) = generate(1, positions=1, updates_per_position=0, closed_share=0)
    document = json.loads(json.dumps(event.document()))
    assert document.keys() == {"event_type", "event_data", "metadata", "correlation_id", "causation_id"}
    assert UUID(document["causation_id"]) == event.causation_id


@pytest.mark.parametrize(("positions", "accounts", "updates"), [(-1, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_impossible_portfolios_are_refused(positions: int, accounts: int, updates: int) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        next(generate(1, positions, accounts, updates))
