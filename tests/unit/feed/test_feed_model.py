"""In every order of the steps, crashes included, the reader sees each event once; and each known mistake is found."""

import pytest
from feed_model import ELSEWHERE, FIRST, FOREIGN, GIVEN_UP, LATER, NESTED, ROLLED_BACK, SkippedError, explore

#: A transaction that had its one snapshot before it wrote elsewhere, as under REPEATABLE READ.
REPEATABLE = ("see", *ELSEWHERE, *LATER[1:])
EARLY = ("see", *FIRST[1:])
RAISED = tuple("insert raised" if step == "insert" else step for step in (*ELSEWHERE, *LATER))
AGAIN = (*ROLLED_BACK, *LATER)

SCENARIOS = {
    "two first appends": (FIRST, FIRST),
    "one that wrote elsewhere": (FIRST, (*ELSEWHERE, *LATER)),
    "two that wrote elsewhere": ((*ELSEWHERE, *LATER), (*ELSEWHERE, *LATER)),
    "one snapshot from before the append": (FIRST, EARLY),
    "one snapshot from before the write": (FIRST, REPEATABLE),
    "a raised number": (FIRST, RAISED),
    "after a savepoint was rolled back": (FIRST, AGAIN),
    "another savepoint is open": (FIRST, NESTED),
}
#: Half a minute each.
OF_THREE = {
    "and a foreign transaction": (FIRST, FIRST, FOREIGN),
    "a raised number beside a foreign transaction": (FIRST, RAISED, FOREIGN),
    "three appends": (FIRST, (*ELSEWHERE, *LATER), FIRST),
}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("crashes", [0, 1])
def test_nothing_is_skipped_in_any_order(name: str, crashes: int) -> None:
    assert explore(SCENARIOS[name], crashes=crashes) > 1000


@pytest.mark.soak
@pytest.mark.parametrize("name", OF_THREE)
def test_nothing_is_skipped_in_any_order_of_three(name: str) -> None:
    assert explore(OF_THREE[name]) > 10_000


@pytest.mark.soak
def test_nothing_is_skipped_after_a_crash_either() -> None:
    assert explore((FIRST, GIVEN_UP, FIRST), crashes=1) > 10_000


LATE = ("snapshot", "assign", "lock", "publish", "insert", "commit", "release")
REMEMBERED = (*ROLLED_BACK, "insert", "commit", "release")


@pytest.mark.parametrize(
    ("fault", "scripts", "crashes"),
    [
        ("late", (FIRST, LATE), 0),
        ("own id", (FIRST, (*ELSEWHERE, *LATER)), 0),
        ("remember", (FIRST, REMEMBERED), 0),
        ("snapshot first", (FIRST, FIRST), 0),
        ("xmax last", (FIRST, FIRST), 0),
        ("no lock yet", (FIRST, FIRST), 0),
        ("any id", (FIRST, NESTED), 0),
        ("cursor is the horizon", (GIVEN_UP, FIRST), 1),
        ("subtransaction not named", (FIRST, (*ELSEWHERE, *LATER)), 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_found(fault: str, scripts: tuple[tuple[str, ...], ...], crashes: int) -> None:
    with pytest.raises(SkippedError):
        explore(scripts, crashes=crashes, fault=fault)
