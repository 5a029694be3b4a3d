"""From nothing to a running event store, against the bare commands that end in the same state."""

from pathlib import Path
from statistics import median

from .figures import Figure, Figures
from .inventories import Inventory, create_by_hand, remove_by_hand, remove_images
from .timing import in_turn, say, seconds

ROUNDS = 3
COMMAND = "make bench PYTEST_ARGS='-k cold_deploy'"


def test_cold_deploy(cold: Inventory, figures: Figures, tmp_path: Path) -> None:
    second: list[float] = []

    def deploy() -> float:
        cold.destroy("bench-2")
        remove_images()
        spent = seconds(cold.deploy)
        cold.destroy("bench-2")
        second.append(seconds(cold.deploy))
        say(f"  pyinfra {spent:.1f} s, another one of the same image {second[-1]:.1f} s")
        return spent

    def by_hand() -> float:
        remove_by_hand()
        spent = create_by_hand(cold, "bench-2", tmp_path / "files")
        remove_by_hand()
        say(f"  by hand {spent:.1f} s")
        return spent

    say(f"\nCold deploy, with building the image: {ROUNDS} rounds")
    times = in_turn({"by hand": by_hand, "pyinfra": deploy}, ROUNDS) | {"second": second}
    _, changed = cold.deploy_again()
    assert not changed, f"the second apply changed something: {changed}"
    took = {name: median(series) for name, series in times.items()}
    for what, name, compared_with, base, goal in (
        ("cold deploy of one container, image included", "pyinfra", "the same by hand", "by hand", 1.15),
        ("deploy of a second container of the same image", "second", "the first", "pyinfra", 0.35),
    ):
        ratio = took[name] / took[base]
        figures.add(
            Figure(
                what,
                f"{took[name]:.1f} s",
                f"{compared_with}: {took[base]:.1f} s",
                ratio,
                f"≤ {goal} x",
                ratio <= goal,
                COMMAND,
                {one: times[one] for one in (base, name)},
            )
        )
