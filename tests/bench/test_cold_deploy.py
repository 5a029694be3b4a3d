"""From nothing to a running event store, against the bare commands that give no more than a server."""

from statistics import median

from .figures import Figure, Figures
from .inventories import Inventory, create_by_hand, remove_by_hand, remove_images
from .timing import in_turn, say, seconds

ROUNDS = 3


def test_cold_deploy(cold: Inventory, figures: Figures) -> None:
    container = cold.container("bench-2")

    def deploy() -> float:
        cold.destroy("bench-2")
        remove_images()
        spent = seconds(cold.deploy)
        say(f"  pyinfra {spent:.1f} s")
        return spent

    def by_hand() -> float:
        remove_by_hand()
        spent = seconds(lambda: create_by_hand(container))
        remove_by_hand()
        say(f"  by hand {spent:.1f} s")
        return spent

    say(f"\nCold deploy, with building the image: {ROUNDS} rounds")
    times = in_turn({"by hand": by_hand, "pyinfra": deploy}, ROUNDS)
    ratio = median(times["pyinfra"]) / median(times["by hand"])
    _, changed = cold.deploy_again()
    assert not changed, f"the second apply changed something: {changed}"
    figures.add(
        Figure(
            "cold deploy of one container, image included",
            f"{median(times['pyinfra']):.1f} s",
            f"mmdebstrap, lxc-start, pg_createcluster by hand: {median(times['by hand']):.1f} s",
            ratio,
            "≤ 1.3 x",
            ratio <= 1.3,
            "make bench PYTEST_ARGS='-k cold_deploy'",
            times,
        )
    )
