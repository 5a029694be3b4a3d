import json

import pytest

from deploy.machine.psql import DATABASE_ABSENT, REFUSED, SERVER_DOWN
from deploy.schema.facts import Answer, Deviation, SchemaState, State, parse
from deploy.schema.migrations import Applied
from deploy.schema.operations import loss_refusal

INDEX = Deviation("index", "event_store.idx_events_type", "missing", repairable=True)
COLUMN = Deviation("column", "event_store.events.note", "extra", repairable=False, present="text")
OWNER = Deviation(
    "owner", "table event_store.events", "changed", True, present="postgres", expected="event_store_owner"
)


def test_no_output_is_a_blank_machine() -> None:
    assert SchemaState.default() == State(Answer.NOBODY)
    assert SchemaState.default().drift is None


@pytest.mark.parametrize(
    ("line", "answer", "why"),
    [
        (SERVER_DOWN, Answer.SERVER_SILENT, "the server is not running, or is still starting"),
        (f"{REFUSED}FATAL:  no", Answer.SERVER_SILENT, "the server refuses connections: FATAL:  no"),
        (DATABASE_ABSENT, Answer.DATABASE_ABSENT, ""),
    ],
)
def test_why_nobody_answered_is_told_apart(line: str, answer: Answer, why: str) -> None:
    assert parse([line]) == State(answer, silence=why)


def test_a_new_database_has_no_ledger_and_nothing_to_compare_with() -> None:
    assert parse(['{"has_store": false}', ""]) == State(Answer.DATABASE)


def test_ledger_and_drift_are_read() -> None:
    row = {"kind": "index", "identity": "event_store.idx_events_type", "difference": "missing", "repairable": True}
    lines = [
        {"has_store": True},
        {"ledger": [{"version": 1, "name": "event_store", "sha256": "abc"}]},
        {"drift": [{**row, "present": None, "expected": None, "sql": ["CREATE INDEX"]}]},
    ]
    state = parse([json.dumps(line) for line in lines])
    assert state == State(Answer.DATABASE, has_store=True, ledger=(Applied(1, "event_store", "abc"),), drift=(INDEX,))


def test_settings_are_read_whatever_columns_there_are() -> None:
    lines = ['{"has_store": true}', '{"settings": {"retention": "7 years", "more": 1}}', '{"rebase_due": true}']
    state = parse(lines)
    assert state.settings == {"retention": "7 years", "more": 1}
    assert state.rebase_due


def test_versions_with_a_reference_are_read() -> None:
    assert parse(['{"has_store": true}', '{"references": [1, 8]}']).references == (1, 8)
    assert parse(['{"has_store": true}']).references == ()


@pytest.mark.parametrize("line", ["", '{"rebase_due": null}', '{"rebase_due": false}'])
def test_a_store_that_cannot_say_so_is_not_rebased(line: str) -> None:
    state = parse(['{"has_store": true}', line])
    assert state.settings is None
    assert not state.rebase_due


def test_no_drift_is_not_the_same_as_not_compared() -> None:
    assert parse(['{"has_store": true}', '{"drift": []}']).drift == ()
    assert parse(['{"has_store": true}']).drift is None


def test_a_short_difference_is_shown_with_both_sides() -> None:
    assert str(INDEX.difference) == "index event_store.idx_events_type: missing"
    assert str(OWNER.difference) == "owner table event_store.events: changed (postgres, should be event_store_owner)"


def test_a_long_definition_is_not_shown() -> None:
    function = Deviation("function", "f()", "changed", True, present="CREATE\nFUNCTION", expected="CREATE")
    assert str(function.difference) == "function f(): changed"


def test_what_can_be_repaired_is_not_refused() -> None:
    assert loss_refusal(State(Answer.DATABASE, drift=(INDEX, OWNER))) is None


def test_a_refusal_lists_every_difference_and_what_to_do() -> None:
    reason = loss_refusal(State(Answer.DATABASE, drift=(INDEX, COLUMN)))
    assert reason is not None
    assert "  ~ column event_store.events.note: extra\n" in reason
    assert "  ~ index event_store.idx_events_type: missing (can be repaired)\n" in reason
    assert "write a migration" in reason
