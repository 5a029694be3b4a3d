import os
import signal
import subprocess
import sys
import time

import pytest

from deploy.commands.child import INTERRUPTED, run_child
from deploy.model.project import ROOT

#: Starts a child that says what reaches it, and ends when it is told to terminate.
PARENT = """
import sys
from deploy.commands.child import run_child
child = '''
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
while True: time.sleep(0.05)
'''
sys.exit(run_child([sys.executable, "-c", child], goes_on=GOES_ON))
"""


@pytest.mark.parametrize("status", [0, 7])
def test_returns_the_exit_status(status: int) -> None:
    assert run_child([sys.executable, "-c", f"raise SystemExit({status})"]) == status


@pytest.mark.parametrize(("goes_on", "status"), [(True, 5), (False, INTERRUPTED)])
def test_ctrl_c_is_for_the_child_alone_and_a_request_to_terminate_for_both(goes_on: bool, status: int) -> None:
    parent = PARENT.replace("GOES_ON", str(goes_on))
    process = subprocess.Popen(
        [sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        assert process.stdout.readline() == "interrupted\n"
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()
        assert process.wait(10) == status
    finally:
        process.stdout.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
