import time

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from event_store.errors import HistoryPendingError
from event_store.retries import NO_RETRIES, Attempts, Retries, connection_is_lost, is_transient, session_is_ended

LOST = [psycopg.OperationalError("server closed the connection unexpectedly"), PoolTimeout("no connection")]
GONE = [errors.AdminShutdown(), errors.CrashShutdown(), errors.CannotConnectNow(), errors.ReadOnlySqlTransaction()]
ENDED = [
    errors.DatabaseDropped(),
    errors.IdleSessionTimeout(),
    errors.IdleInTransactionSessionTimeout(),
    errors.TransactionTimeout(),
]
IN_THE_WAY = [
    errors.SerializationFailure(),
    errors.DeadlockDetected(),
    errors.LockNotAvailable(),
    HistoryPendingError("not recorded yet"),
]
#: What PgBouncer says while the server is away, is stopped or has crashed; of 1.18 and of 1.24.
NOT_PASSED_ON = [
    errors.ProtocolViolation(message)
    for message in (
        "query_wait_timeout",
        "server login has been failing, try again later (server_login_retry)",
        "server login has been failing, cached error: connect failed (server_login_retry)",
    )
]
BROKEN_OFF = [errors.ProtocolViolation("server conn crashed?"), errors.ProtocolViolation("server shutting down")]
FOR_GOOD = [errors.UniqueViolation(), errors.QueryCanceled(), errors.InsufficientPrivilege(), PoolClosed("closed")]


@pytest.mark.parametrize(
    "error", [*LOST, *GONE, *ENDED, *NOT_PASSED_ON, *BROKEN_OFF, *IN_THE_WAY, errors.TooManyConnections()], ids=repr
)
def test_what_passes_is_tried_again(error: psycopg.Error) -> None:
    assert is_transient(error)
    assert Attempts(Retries()).pause_after(error, repeatable=True) <= Retries().first_pause


@pytest.mark.parametrize("error", FOR_GOOD, ids=repr)
def test_what_stays_is_raised(error: psycopg.Error) -> None:
    assert not is_transient(error)
    with pytest.raises(type(error)):
        Attempts(Retries()).pause_after(error, repeatable=True)


@pytest.mark.parametrize("error", [LOST[0], *GONE[:2], *ENDED, *BROKEN_OFF], ids=repr)
def test_what_may_have_happened_is_not_repeated_unless_it_can_be(error: psycopg.Error) -> None:
    assert connection_is_lost(error)
    with pytest.raises(type(error)):
        Attempts(Retries()).pause_after(error, repeatable=False)


NEVER_DONE = [LOST[1], *GONE[2:], *NOT_PASSED_ON, errors.TooManyConnections()]


@pytest.mark.parametrize("error", NEVER_DONE, ids=repr)
def test_what_was_never_begun_is_repeated_in_any_case(error: psycopg.Error) -> None:
    assert Attempts(Retries()).pause_after(error, repeatable=False) >= 0


@pytest.mark.parametrize("error", ENDED, ids=repr)
def test_only_the_servers_own_end_concerns_the_other_sessions(error: psycopg.Error) -> None:
    assert session_is_ended(error) == (error.sqlstate != "57P04")
    assert not any(session_is_ended(other) for other in [*LOST, *GONE])


def test_waiting_for_a_connection_takes_no_longer_than_the_attempts_may() -> None:
    attempts = Attempts(Retries(timeout=9))
    assert attempts.patience() == 3
    attempts.pause_after(LOST[1], repeatable=True)
    assert 8 < (attempts.patience() or 0) <= 9
    assert Attempts(NO_RETRIES).patience() is None


@pytest.mark.parametrize("error", IN_THE_WAY, ids=repr)
def test_what_was_rolled_back_is_repeated_in_any_case(error: psycopg.Error) -> None:
    assert not connection_is_lost(error)
    assert Attempts(Retries()).pause_after(error, repeatable=False) >= 0


def test_without_retries_the_first_failure_is_the_last() -> None:
    with pytest.raises(psycopg.OperationalError):
        Attempts(NO_RETRIES).pause_after(LOST[0], repeatable=True)


def test_without_retries_a_conflict_is_not_decided_again() -> None:
    with pytest.raises(RuntimeError):
        Attempts(NO_RETRIES).pause_after_conflict(RuntimeError("conflict"))


def test_the_time_for_further_attempts_begins_with_the_first_failure() -> None:
    attempts = Attempts(Retries(timeout=0.2))
    time.sleep(0.3)  # the first attempt takes longer than that, or has nothing to do for longer
    assert attempts.pause_after(LOST[0], repeatable=True) >= 0
    time.sleep(0.3)
    with pytest.raises(psycopg.OperationalError):
        attempts.pause_after(LOST[0], repeatable=True)


def test_noticing_that_the_network_is_silent_is_a_part_of_the_time() -> None:
    attempts = Attempts(Retries(timeout=0.9, first_pause=0.01))
    time.sleep(0.3)
    attempts.pause_after(LOST[0], repeatable=True)
    time.sleep(0.65)
    with pytest.raises(psycopg.OperationalError):
        attempts.pause_after(LOST[0], repeatable=True)


@given(st.integers(1, 10_000), st.floats(0.001, 10), st.floats(0.001, 100))
def test_pauses_grow_up_to_the_longest(failures: int, first: float, longest: float) -> None:
    retries = Retries(
        first_pause=first, longest_pause=longest, first_conflict_pause=first, longest_conflict_pause=longest
    )
    for pause in (retries.pause(failures), retries.conflict_pause(failures)):
        assert 0 <= pause <= longest
        assert pause <= first * 2.0 ** min(failures - 1, 1000)


def test_conflicts_have_a_number() -> None:
    attempts = Attempts(Retries(conflicts=3))
    conflict = RuntimeError("conflict")
    for _ in range(2):
        assert attempts.pause_after_conflict(conflict) >= 0
    with pytest.raises(RuntimeError):
        attempts.pause_after_conflict(conflict)


def test_a_pooler_that_is_full_is_explained() -> None:
    with pytest.raises(errors.ProtocolViolation) as raised:
        Attempts(NO_RETRIES).pause_after(NOT_PASSED_ON[0], repeatable=True)
    assert any("default_pool_size" in note for note in raised.value.__notes__)
