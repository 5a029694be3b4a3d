"""A small model of how events get their numbers and how readers get their horizon (docs/feed.md), gone through as a whole.

Every step that PostgreSQL takes by itself is a step here: an id is handed out, then gets its lock; a transaction ends for
new snapshots, then releases its locks; a snapshot's xmax is the highest id that has ended plus one, and not the next id.
`explore` tries every order of the steps of some transactions and one reader, with a crash between any two of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

#: Steps of a transaction. `snapshot` is what the bound is taken from; `see` is that of a transaction which has one only.
FIRST: Final = ("snapshot", "publish", "assign", "lock", "insert", "commit", "release")
ELSEWHERE: Final = ("assign", "lock")
#: The lock of a subtransaction's id is released where the subtransaction ends, and not with the transaction.
NUMBER: Final = ("snapshot", "publish", "assign", "lock", "unlock")
LATER: Final = (*NUMBER, "insert", "commit", "release")
#: It has a savepoint open at the end, with an id.
NESTED: Final = (*ELSEWHERE, *NUMBER, "insert", "assign", "lock", "commit", "release")
FOREIGN: Final = (*ELSEWHERE, "commit", "release")
#: It leaves nothing on disk, so a crash hands its id out again.
GIVEN_UP: Final = (*ELSEWHERE, "abort", "release")
ROLLED_BACK: Final = ("snapshot", "publish", "assign", "lock", "insert", "rollback to", "release bounds")
#: Steps of a reader, again and again.
READ: Final = ("xmax", "look", "page")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One of them, ``step`` steps on its way."""

    script: tuple[str, ...]
    step: int = 0
    lower: int = 0
    ids: tuple[int, ...] = ()
    locked: tuple[int, ...] = ()
    bounds: tuple[int, ...] = ()
    #: Numbers of its events.
    events: tuple[int, ...] = ()
    ended: bool = False
    committed: bool = False

    @property
    def following(self) -> str:
        """Its next step; empty at the end."""
        return self.script[self.step] if self.step < len(self.script) else ""


@dataclass(frozen=True, slots=True)
class Reader:
    """What it has seen, as (number, transaction), and how far it is."""

    rounds: int
    step: int = 0
    upper: int = 0
    horizon: int = 0
    cursor: tuple[int, int] = (0, 0)
    seen: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The server, the transactions and the reader."""

    transactions: tuple[Transaction, ...]
    reader: Reader
    order: tuple[str, ...] = READ
    crashes: int = 0
    next_id: int = 3
    ended: int = 2
    #: The highest id that a commit on disk names.
    logged: int = 2

    def running(self) -> list[int]:
        """The ids that a snapshot would have to treat as running."""
        return [one for t in self.transactions if not t.ended for one in t.ids]

    def xmin(self) -> int:
        """A snapshot's xmin."""
        return min([self.ended + 1, *(one for one in self.running() if one <= self.ended)])


class SkippedError(Exception):
    """The reader has passed over an event, or has seen one twice or out of order."""


def explore(scripts: Sequence[tuple[str, ...]], *, rounds: int = 2, crashes: int = 0, fault: str = "") -> int:
    """Try every order of the steps; `SkippedError` with the first that goes wrong. The number of states that there are."""
    order = {"snapshot first": ("page", "xmax", "look"), "xmax last": ("look", "xmax", "page")}.get(fault, READ)
    start = State(tuple(Transaction(script) for script in scripts), Reader(rounds), order, crashes)
    known, waiting = {start}, [start]
    while waiting:
        for state in _successors(waiting.pop(), fault):
            _check(state)
            if state not in known:
                known.add(state)
                waiting.append(state)
    return len(known)


def _check(state: State) -> None:
    """Each committed event at or before the cursor was seen, once, and in order."""
    reader = state.reader
    passed = sorted(
        (number, place)
        for place, one in enumerate(state.transactions)
        if one.committed
        for number in one.events
        if (number, place) <= reader.cursor
    )
    if list(reader.seen) != passed:
        raise SkippedError(f"seen {reader.seen}, stored up to the cursor {passed}: {state}")


def _successors(state: State, fault: str) -> Iterator[State]:
    for place, transaction in enumerate(state.transactions):
        if transaction.following:
            yield _advance(state, place, transaction, fault)
    if state.reader.rounds:
        yield _read(state, fault)
    if state.crashes:
        yield _crash(state)


def _advance(state: State, place: int, now: Transaction, fault: str) -> State:  # noqa: PLR0912  one for each step
    server: dict[str, Any] = {}
    after = replace(now, step=now.step + 1)
    match now.following:
        case "snapshot":
            after = replace(after, lower=max([state.ended + 1, *(one + 1 for one in now.ids)]))
        case "see":
            after = replace(after, lower=state.ended + 1)
        case "publish":
            # Whoever has one snapshot only, and has got an id since.
            lower = max([now.lower, *(one + 1 for one in now.ids[:1])]) if fault != "late" else now.lower
            after = replace(after, bounds=(*now.bounds, lower))
        case "assign":
            after = replace(after, ids=(*now.ids, state.next_id))
            server["next_id"] = state.next_id + 1
        case "lock":
            after = replace(after, locked=(*now.locked, now.ids[-1]))
        case "unlock":
            after = replace(after, locked=now.locked[:-1])
        case "insert" | "insert raised":
            number = now.ids[0] if fault in {"own id", "remember"} else now.ids[-1]
            if now.following == "insert raised":
                number = max([number, *(n for one in state.transactions if one.committed for n in one.events)])
            after = replace(after, events=(*now.events, number))
        case "rollback to":
            after = replace(after, events=())
        case "release bounds":
            after = replace(after, bounds=())
        case "commit":
            after = replace(after, ended=True, committed=True)
            named = now.ids[:1] if fault == "subtransaction not named" else now.ids
            server = {"ended": max([state.ended, *now.ids]), "logged": max([state.logged, *named])}
        case "abort":
            after = replace(after, ended=True)
            server = {"ended": max([state.ended, *now.ids])}
        case "release":
            after = replace(after, bounds=(), locked=())
    transactions = (*state.transactions[:place], after, *state.transactions[place + 1 :])
    return replace(state, transactions=transactions, **server)


def _read(state: State, fault: str) -> State:
    reader = state.reader
    match state.order[reader.step]:
        case "xmax":
            reader = replace(reader, upper=state.ended + 1)
        case "look":
            bounds = [_bound(one, bound, fault) for one in state.transactions for bound in one.bounds]
            reader = replace(reader, horizon=min(bounds, default=1_000_000))
        case "page":
            reader = _page(state, fault)
    step = reader.step + 1
    if step == len(state.order):
        step, reader = 0, replace(reader, rounds=reader.rounds - 1)
    return replace(state, reader=replace(reader, step=step))


def _bound(one: Transaction, published: int, fault: str) -> int:
    """What the look makes of a bound: the transaction's own id if it is above it."""
    if fault == "no lock yet" and not one.locked:
        return 1_000_000
    if fault == "any id":
        return min([number for number in one.locked if number >= published], default=published)
    return max([published, *one.locked[:1]])


def _page(state: State, fault: str) -> Reader:
    reader = state.reader
    horizon = max(state.xmin(), min(reader.upper, reader.horizon))
    if fault == "snapshot first":
        # Of now; the look comes later. The least that this must be is a page without a look, by xmax.
        horizon = state.ended + 1
    found = sorted(
        (number, place)
        for place, one in enumerate(state.transactions)
        if one.committed
        for number in one.events
        if reader.cursor < (number, place) and number < horizon
    )
    cursor = found[-1] if found else reader.cursor
    if fault == "cursor is the horizon":
        cursor = max(cursor, (horizon - 1, 1_000_000))
    return replace(reader, seen=(*reader.seen, *found), cursor=cursor, upper=0, horizon=0)


def _crash(state: State) -> State:
    """What was running is gone, and so are the locks. Ids that no commit names are handed out again."""
    return replace(
        state,
        transactions=tuple(_after_crash(one) for one in state.transactions),
        reader=replace(state.reader, step=0, upper=0, horizon=0),
        crashes=state.crashes - 1,
        next_id=state.logged + 1,
        ended=state.logged,
    )


def _after_crash(one: Transaction) -> Transaction:
    if not one.step:
        return one
    ids = one.ids if one.committed else ()
    return replace(one, ended=True, step=len(one.script), bounds=(), locked=(), ids=ids)
