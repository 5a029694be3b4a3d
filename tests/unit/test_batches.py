from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.batches import batches
from examples.portfolio import generate


@given(st.integers(0, 2**64), st.integers(1, 50))
def test_batches_are_the_same_streams_with_their_versions(seed: int, size: int) -> None:
    events = list(generate(seed, positions=10))
    made = list(batches(events, size))
    for position in {event.aggregate_id for event in events}:
        appended = [event for batch in made if batch.aggregate_id == position for event in batch.events]
        assert appended == [event for event in events if event.aggregate_id == position]
    versions: Counter[UUID] = Counter()
    for batch in made:
        assert {event.aggregate_id for event in batch.events} == {batch.aggregate_id}
        assert batch.expected_version == versions[batch.aggregate_id]
        assert len(batch.events) <= size
        versions[batch.aggregate_id] += len(batch.events)


def test_an_empty_batch_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next(batches(generate(1, positions=1), size=0))
