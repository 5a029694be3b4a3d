"""What this project adds to pyinfra's command line, as a gevent plugin (see `pyproject.toml`).

* `pyinfra INVENTORY deploy/` may name a directory, which stands for the `__main__.py` in it. pyinfra 3.10 takes deploy
  *files* only.
* What it does depends neither on the caller's umask, of which the modes of files and folders on this machine are made,
  nor on its language, in which programs would answer.
* The inventory's file name is kept, for messages about its data and for the name of its passwords' file; and whether
  the run is a dry one.

pyinfra has no hook for this, but it patches the standard library through gevent first thing, and gevent tells its
plugins. At that moment the command line exists and has not run yet.
"""

import os
import sys
from pathlib import Path

import click

#: The INVENTORY argument of the running pyinfra, as it was written.
inventory: str = "inventory"
#: Whether it only makes a plan.
dry: bool = False


def _as_file(operation: str, base: Path) -> str:
    main = Path(operation) / "__main__.py"
    return str(main) if (base / main).is_file() else operation


def extend_pyinfra(_event: object) -> None:
    """gevent's `did_patch_all` plugin; does nothing in programs other than pyinfra's command line."""
    if "pyinfra_cli" not in sys.modules:
        return
    from pyinfra_cli.cli import cli

    run = cli.callback
    assert run is not None  # noqa: S101  click commands made by a decorator have one

    def extended(*, inventory: str, operations: tuple[str, ...], chdir: str | None, **options: object) -> object:
        # With --json and without -y pyinfra shows the plan and ends.
        only_plan = options.get("dry") or (options.get("json_output") and not options.get("yes"))
        globals().update(inventory=inventory, dry=bool(only_plan))
        base = Path(chdir or ".")
        # pyinfra itself takes a missing file for a host's name, warns, and succeeds with nothing to do.
        if inventory.endswith(".py") and not (base / inventory).is_file():
            raise click.BadParameter(f"{inventory}: no such inventory file")
        from deploy.machine.quick import quicken_pyinfra

        quicken_pyinfra()
        files = tuple(_as_file(operation, base) for operation in operations)
        # Only if all of them are deploys: `exec -- ls deploy` has a command behind it, not a deploy.
        if all(name.endswith(".py") for name in files):
            operations = files
            os.umask(0o022)
            os.environ["LC_ALL"] = "C.UTF-8"
        return run(inventory=inventory, operations=operations, chdir=chdir, **options)

    cli.callback = extended
