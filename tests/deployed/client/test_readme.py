"""The examples of docs/client.md do what they say, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

from deploy.model.project import ROOT

PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def test_the_examples_run_as_they_stand(empty_conninfo: str, tmp_path: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert examples
    program = tmp_path / "examples.py"
    program.write_text("\n".join(examples))
    # A process of its own: the examples are a program, and eventsourcing finds classes by their module.
    done = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=ROOT,
        env=os.environ | {"EVENT_STORE_CONNINFO": empty_conninfo},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
