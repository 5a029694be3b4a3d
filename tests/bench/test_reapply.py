"""A second apply of what is deployed already: it changes nothing, and that takes little time."""

from statistics import median

from .figures import Figure, Figures
from .inventories import Inventory
from .timing import in_turn, say, seconds

ROUNDS = 7
COMMAND = "make bench PYTEST_ARGS='-k reapply'"


def test_reapply(deployed: Inventory, four: Inventory, figures: Figures) -> None:
    say("\nRe-apply without changes: deploying four containers")
    four.deploy()
    operations, changed = deployed.deploy_again()
    assert not changed, f"the second apply changed something: {changed}"
    _, changed = four.deploy_again()
    assert not changed, f"the second apply of four containers changed something: {changed}"

    say(f"  one and four containers in turn: {ROUNDS} rounds after a warm-up")
    contenders = {"one": lambda: seconds(deployed.deploy), "four": lambda: seconds(four.deploy)}
    times = in_turn(contenders, ROUNDS, warm_up=1)
    one_took, four_took = median(times["one"]), median(times["four"])
    figures.add(
        Figure(
            "re-apply without changes, one container",
            f"{one_took:.2f} s, 0 of {operations} operations changed",
            "",
            None,
            "≤ 1.5 s",
            one_took <= 1.5,
            COMMAND,
            {"one": times["one"]},
        )
    )
    figures.add(
        Figure(
            "re-apply without changes, four containers",
            f"{four_took:.2f} s",
            f"one container: {one_took:.2f} s",
            four_took / one_took,
            "≤ 1.5 x",
            four_took <= 1.5 * one_took,
            COMMAND,
            times,
        )
    )
