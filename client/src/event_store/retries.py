"""When to try again, and after which pause.

Only what may be repeated is: a read, an append under a command or of events that have ids, an acknowledgement of the same cursor.
Whether a lost connection took the answer to a commit along nobody can tell. The second attempt finds out: the store returns
the first result of a command instead of appending again, and refuses events whose ids it has.
"""

import random
import time
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

#: The server or the database is going down, has gone, or is not up yet; or the server is a standby since a failover.
SERVER_GONE: Final = frozenset({"57P01", "57P02", "57P03", "57P04", "25006"})
#: One of the session's time limits was over, and the server has ended it.
SESSION_ENDED: Final = frozenset({"57P05", "25P03", "25P04"})
#: One of several transactions that were in each other's way was given up, or has waited too long for the others; or the store is
#: not ready to append yet.
IN_THE_WAY: Final = frozenset({"40001", "40P01", "55P03", "SE019"})
#: No more connections just now.
FULL: Final = frozenset({"53300"})
#: What was asked for has certainly not happened: the server gave it up, let nobody in, or may not write.
NOT_DONE: Final = IN_THE_WAY | FULL | {"57P03", "25006"}
#: How PgBouncer's errors (08P01) begin that say that it had no server to pass a statement on to, in 1.18 and in 1.24.
NOT_PASSED_ON: Final = ("query_wait_timeout", "server login has been failing")
_POOLER_IS_FULL: Final = (
    "PgBouncer had no connection to the server to give for so long: the server is away, or PgBouncer's pool of this database and user "
    "is exhausted (default_pool_size, max_db_connections)"
)


@dataclass(frozen=True, slots=True)
class Retries:
    """How long to go on trying. All times in seconds.

    ``timeout``: after this time no new attempt is begun and the last error is raised; 0 = one attempt, no retries. It begins
    with the first failure. What the attempt that failed has taken counts as well, up to a third of the time.
    ``first_pause``, ``longest_pause``: the pause before the second attempt, which doubles with each one, up to the
    longest. The actual pause is a random part of it ("full jitter"), so that clients that lost the same server do not
    all come back at the same moment.
    ``conflicts``: with so many version conflicts in a row `decide` gives up; 1 = with the first one.
    ``first_conflict_pause``, ``longest_conflict_pause``: the same for decisions. Shorter, because who was faster is done in a
    millisecond or so, and not 0, so that not all who have lost come back at once.
    """

    timeout: float = 30.0
    first_pause: float = 0.05
    longest_pause: float = 2.0
    conflicts: int = 20
    first_conflict_pause: float = 0.002
    longest_conflict_pause: float = 0.1

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return _part_of(self.first_pause, self.longest_pause, failures)

    def conflict_pause(self, conflicts: int) -> float:
        """Seconds to wait after so many conflicts in a row."""
        return _part_of(self.first_conflict_pause, self.longest_conflict_pause, conflicts)


DEFAULT: Final = Retries()
#: One attempt, and of `decide` one decision.
NO_RETRIES: Final = Retries(timeout=0, conflicts=1)


class Attempts:
    """The attempts at one thing: what comes after a failure, and when it is enough."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._begun = time.monotonic()
        # From the first failure on: until then a consumer may have waited, or have worked, for as long as it likes.
        self._deadline: float | None = None
        #: So many attempts have failed, and may have been carried out nevertheless.
        self.failures = 0
        self._conflicts = 0

    def patience(self) -> float | None:
        """Seconds to wait for a connection of the pool; None = as the pool sees fit.

        At first a third of the time, because `pause_after` counts as much; then all that is left. Who asks again and again goes to
        the end of the queue each time.
        """
        if self._retries.timeout <= 0:
            return None
        left = self._retries.timeout / 3 if self._deadline is None else self._deadline - time.monotonic()
        return max(left, 1.0)

    def pause_after(self, error: psycopg.Error, *, repeatable: bool) -> float:
        """Seconds to wait before the next attempt. Raises ``error`` if another attempt could not help or do harm."""
        now = time.monotonic()
        if self._deadline is None:
            # It may have taken as long as that only to notice that the network is silent (10 s, see `connections`).
            self._deadline = max(self._begun, now - self._retries.timeout / 3) + self._retries.timeout
        self.failures += 1
        pause = self._retries.pause(self.failures)
        if not is_transient(error) or not (repeatable or has_not_happened(error)) or now + pause >= self._deadline:
            if more := more_about(error):
                error.add_note(more)
            raise error
        return pause

    def pause_after_conflict(self, error: Exception) -> float:
        """Seconds to wait before the next decision. Raises ``error`` after too many conflicts."""
        self._conflicts += 1
        if self._conflicts >= self._retries.conflicts:
            raise error
        return self._retries.conflict_pause(self._conflicts)


def _part_of(first: float, longest: float, times: int) -> float:
    return random.uniform(0, min(longest, first * 2.0 ** min(times - 1, 32)))  # noqa: S311


def more_about(error: Exception) -> str:
    """What a message does not say; nothing for most."""
    return _POOLER_IS_FULL if str(error).startswith("query_wait_timeout") else ""


def is_transient(error: psycopg.Error) -> bool:
    """Whether the same may work in a moment, on this server or on the one that takes over."""
    if isinstance(error, PoolClosed | TooManyRequests):
        return False
    return connection_is_lost(error) or error.sqlstate in IN_THE_WAY | FULL


def has_not_happened(error: psycopg.Error) -> bool:
    """Whether what was asked for has certainly not happened; of a single statement outside of a transaction."""
    if error.sqlstate == "08P01":
        return str(error).startswith(NOT_PASSED_ON)
    return isinstance(error, PoolTimeout) or error.sqlstate in NOT_DONE


def session_is_ended(error: psycopg.Error) -> bool:
    """Whether the server has ended this session, and no other one with it."""
    return error.sqlstate in SESSION_ENDED


def connection_is_lost(error: psycopg.Error) -> bool:
    """Whether the error says that this connection leads nowhere any more; nor do others as old, unless `session_is_ended`."""
    if error.sqlstate is not None:
        return error.sqlstate in SERVER_GONE | SESSION_ENDED or error.sqlstate.startswith("08")
    # Without an SQLSTATE it does not come from the server: no connection, or one that broke.
    return isinstance(error, psycopg.OperationalError)
