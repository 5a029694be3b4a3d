#!/usr/bin/env bash
# An operation of pyinfra whose fact cannot be read runs its commands all the same, and is reported as a success.
#
# A good guess: a fact whose command fails marks the host as failed, as the documentation says, and the operation that
#   asked for it stops there. A try-out on one machine confirms that: "No hosts remaining!", and no command is run.
# What is true: it stops by accident, because no host is left. If the run has another host, get_fact() returns the
#   default of the fact (usually "nothing there"). The operation goes on with that, yields the commands for a blank
#   machine, they are run, and the operation counts as a success; only the host's next operation is left out. A store
#   that cannot be read for a moment is thus set up again over the old one. What to do: after get_fact() in an
#   operation, raise an error if the current host is in state.failed_hosts.
# Tool: pyinfra 3.10.0, with its own connectors @local and @fake (the second host, which runs nothing).
# Needs: Python 3.10 or newer with venv and pip.
#
# Output seen:
#   one host:
#     Error: could not load fact: store.Rows
#     pyinfra's exit status: 1
#   the same host, beside another one:
#     Error: could not load fact: store.Rows
#     "Set up the store": 1 host, 1 success, - errors
#     run: set up over what cannot be read
#     pyinfra's exit status: 1
set -euo pipefail

python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    { echo "needs Python 3.10 or newer with venv and pip" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyinfra==3.10.0 click==8.5.1 gevent==26.9.0 paramiko==4.0.0 jinja2==3.1.6 >&2

cd "$work"
echo 'machines = ["@local", "@fake/other"]' > inventory.py
cat > store.py << 'PYTHON'
from pyinfra.api import FactBase, operation
from pyinfra.context import host


class Rows(FactBase):
    default = list

    def command(self):
        return "cat rows"

    def process(self, output):
        return output


@operation()
def set_up():
    if host.get_fact(Rows):
        host.noop("the store has rows")
    else:
        yield "echo set up over what cannot be read >> run"
PYTHON
cat > deploy.py << 'PYTHON'
from pyinfra.context import host
from pyinfra.operations import server
from store import set_up

if host.name == "@local":
    server.shell(name="Stop the store", commands=["mv rows stopped"])
    set_up(name="Set up the store")
    server.shell(name="Use the store", commands=["echo used >> run"])
else:
    server.shell(name="Do something else", commands=["true"])
PYTHON

run() {
    local status=0
    rm -f stopped run
    echo "a row" > rows
    PYINFRA_FAKE_DELAY=0 PYINFRA_FAKE_DELAY_JITTER=0 PYINFRA_PROGRESS=off \
        venv/bin/pyinfra -y --limit "$1" inventory.py deploy.py > log 2>&1 || status=$?
    sed -n 's/.*\(Error: could not load fact: .*[^ ]\) *$/  \1/p' log
    awk '/^ +Set up the store/ {print "  \"Set up the store\": " $5 " host, " $6 " success, " $7 " errors"}' log
    if [ -e run ]; then sed 's/^/  run: /' run; fi
    echo "  pyinfra's exit status: $status"
}
{
    echo "one host:"
    run @local
    echo "the same host, beside another one:"
    run machines
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/output" ||
    { echo "pyinfra behaves differently from what is described here" >&2; exit 1; }
