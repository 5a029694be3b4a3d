#!/usr/bin/env bash
# A run of pyinfra that Ctrl-C ended half-way exits with 0, as a run that did everything does.
#
# A good guess: a program that SIGINT ends exits with 130, or with anything but 0. So `pyinfra -y … && notify "done"` in
#   a script or in CI says "done" only if everything was done, also if somebody cancels the job.
# What is true: pyinfra catches the interrupt, says "Exiting upon user request!", disconnects, and exits with 0. The
#   operations that were still to come are left out, so a half-made machine passes for a finished one. What to do: have a
#   program around pyinfra that notices the signal itself, and count the run as failed then.
# Tool: pyinfra 3.10.0, with its own connector @local.
# Needs: Python 3.10 or newer with venv and pip.
#
# Output seen:
#   a run to its end: first second, exit status 0
#   interrupted during the first operation: first, exit status 0
#   its last words: Exiting upon user request!
set -euo pipefail

python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    { echo "needs Python 3.10 or newer with venv and pip" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyinfra==3.10.0 click==8.5.1 gevent==26.9.0 paramiko==4.0.0 jinja2==3.1.6 >&2

cd "$work"
cat > deploy.py << 'PYTHON'
from pyinfra.operations import server

server.shell(name="First", commands=["echo first >> run; touch ready; sleep 3"])
server.shell(name="Second", commands=["echo second >> run"])
PYTHON
# Starts pyinfra in a process group of its own, and interrupts that group as a terminal does.
cat > run.py << 'PYTHON'
import os, signal, subprocess, sys, time

# A shell starts its background jobs, and so perhaps this, with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with open("log", "w") as log:
    command = ["venv/bin/pyinfra", "-y", "@local", "deploy.py"]
    run = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
while sys.argv[1:] == ["interrupt"] and run.poll() is None:
    if os.path.exists("ready"):
        os.killpg(run.pid, signal.SIGINT)
        break
    time.sleep(0.05)
status = run.wait()
print(*open("run").read().split(), end=f", exit status {status}\n")
PYTHON

{
    printf 'a run to its end: '
    PYINFRA_PROGRESS=off python3 run.py
    rm run ready
    printf 'interrupted during the first operation: '
    PYINFRA_PROGRESS=off python3 run.py interrupt
    printf 'its last words: '
    sed -n 's/.*\(Exiting upon user request!\).*/\1/p' log
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/output" ||
    { echo "pyinfra behaves differently from what is described here" >&2; exit 1; }
