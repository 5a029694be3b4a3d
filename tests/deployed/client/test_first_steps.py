"""The first steps of the client's README do what they say, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ..deployment import ROOT

README = (ROOT / "client" / "README.md").read_text(encoding="utf-8")


def test_the_first_steps_run_as_they_stand(conninfo: str, tmp_path: Path) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    program = tmp_path / "first_steps.py"
    program.write_text("\n".join(examples))
    done = subprocess.run(
        [sys.executable, "-W", "error", program],
        env=os.environ | {"EVENT_STORE_CONNINFO": conninfo},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 PositionOpened {'symbol': 'AAPL'}\n" * 2
