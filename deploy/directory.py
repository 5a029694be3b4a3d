"""Lets `pyinfra INVENTORY deploy/` name a directory, which stands for the `__main__.py` in it.

pyinfra 3.10 takes deploy *files* only. It has no hook for this, but it patches the standard library through gevent first
thing, and gevent tells its plugins (see `pyproject.toml`). At that moment the command line exists and has not run yet.
"""

import sys
from pathlib import Path


def _as_file(operation: str, base: Path) -> str:
    main = Path(operation) / "__main__.py"
    return str(main) if (base / main).is_file() else operation


def accept_deploy_directories(_event: object) -> None:
    """gevent's `did_patch_all` plugin; does nothing in programs other than pyinfra's command line."""
    if "pyinfra_cli" not in sys.modules:
        return
    from pyinfra_cli.cli import cli

    run = cli.callback
    assert run is not None

    def run_with_directories(*, operations: tuple[str, ...], chdir: str | None, **options: object) -> object:
        base = Path(chdir or ".")
        files = tuple(_as_file(operation, base) for operation in operations)
        # Only where all of them are deploys: `exec -- ls deploy` has a command behind it, not a deploy.
        if all(name.endswith(".py") for name in files):
            operations = files
        return run(operations=operations, chdir=chdir, **options)

    cli.callback = run_with_directories
