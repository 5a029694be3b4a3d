#!/usr/bin/env bash
# pyinfra runs operations of different hosts alternately, although the deploy file lists one host's operations first.
#
# A good guess: operations run in the order of the deploy file, as pyinfra shows for hosts that share them. So a file
#   that first sets up a machine and then the container on it does all of the first before it begins the second.
# What is true: the order of the file holds within each host only. pyinfra sorts operations into levels: the first of
#   every host, then the second of every host, and so on. The line number decides within a level only. A container's
#   packages are installed before the machine has started the container, unless both hosts share an operation in
#   between: that one is a barrier, because it comes after everything that either host has to do before it. It must be
#   one call, on one line, that both hosts reach. Two deploy files instead of one do not help.
# Tool: pyinfra 3.10.0, with its own connector @fake, which runs nothing.
# Needs: Python 3.10 or newer with venv and pip.
#
# Output seen:
#   without a shared operation:
#   1 machine: install LXC
#   4 container: install PostgreSQL
#   2 machine: build the image
#   5 container: create the cluster
#   3 machine: start the container
#   with a shared operation after the machine's:
#   1 machine: install LXC
#   2 machine: build the image
#   3 machine: start the container
#   barrier
#   4 container: install PostgreSQL
#   5 container: create the cluster
set -euo pipefail

python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    { echo "needs Python 3.10 or newer with venv and pip" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pyinfra==3.10.0 click==8.5.1 gevent==26.9.0 paramiko==4.0.0 jinja2==3.1.6 >&2

cd "$work"
echo 'machines = ["@fake/machine", "@fake/container"]' > inventory.py
cat > deploy.py << 'PYTHON'
from pyinfra.context import host
from pyinfra.operations import server

if host.name == "@fake/machine":
    server.shell(name="1 machine: install LXC", commands=["true"])
    server.shell(name="2 machine: build the image", commands=["true"])
    server.shell(name="3 machine: start the container", commands=["true"])
if host.data.barrier == "yes":
    server.shell(name="barrier", commands=["true"])
if host.name == "@fake/container":
    server.shell(name="4 container: install PostgreSQL", commands=["true"])
    server.shell(name="5 container: create the cluster", commands=["true"])
PYTHON

order() {
    PYINFRA_FAKE_DELAY=0 PYINFRA_FAKE_DELAY_JITTER=0 PYINFRA_PROGRESS=off \
        venv/bin/pyinfra -y --data "barrier=$1" inventory.py deploy.py 2>&1 |
        sed -n 's/^--> Starting operation: \(.*[^ ]\) *$/\1/p'
}
{
    echo "without a shared operation:"
    order no
    echo "with a shared operation after the machine's:"
    order yes
} > output

cat output
cd "$OLDPWD"
sed -n '/^# Output seen:/,/^set/s/^#   //p' "$0" | diff -u - "$work/output" ||
    { echo "pyinfra behaves differently from what is described here" >&2; exit 1; }
