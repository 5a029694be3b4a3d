"""A second apply of what is deployed already: it changes nothing, and that takes little time."""

from statistics import median

from .figures import Figure, Figures
from .inventories import Inventory, start_of_pyinfra
from .timing import in_turn, say, seconds

ROUNDS = 7
COMMAND = "make bench PYTEST_ARGS='-k reapply'"


def test_reapply(deployed: Inventory, four: Inventory, ten: Inventory, figures: Figures) -> None:
    say("\nRe-apply without changes: deploying ten containers")
    ten.deploy()
    operations, _ = deployed.deploy_again()
    for inventory in (deployed, four, ten):
        _, changed = inventory.deploy_again()
        assert not changed, f"the second apply changed something: {changed}"

    say(f"  pyinfra --version, one, four and ten containers in turn: {ROUNDS} rounds after a warm-up")
    contenders = {
        "pyinfra --version": lambda: seconds(start_of_pyinfra),
        "one": lambda: seconds(deployed.deploy),
        "four": lambda: seconds(four.deploy),
        "ten": lambda: seconds(ten.deploy),
    }
    times = in_turn(contenders, ROUNDS, warm_up=1)
    took = {name: median(times[name]) for name in contenders}
    for name, measured, base, goal in (
        ("one container", f"{took['one']:.2f} s, 0 of {operations} operations changed", "pyinfra --version", 2.2),
        ("four containers", f"{took['four']:.2f} s", "one", 1.3),
        ("ten containers", f"{took['ten']:.2f} s", "one", 2.0),
    ):
        contender = name.split()[0]
        ratio = took[contender] / took[base]
        what = "one container" if base == "one" else base
        figures.add(
            Figure(
                f"re-apply without changes, {name}",
                measured,
                f"{what}: {took[base]:.2f} s",
                ratio,
                f"≤ {goal} x",
                ratio <= goal,
                COMMAND,
                {one: times[one] for one in (base, contender)},
            )
        )
