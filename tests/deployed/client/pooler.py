"""A PgBouncer of the release in the container of a server of the tests, which they may break.

Not the deployed one: that leads to one database, and each of these tests has one of its own; its pool is too large for two
clients to share a connection for certain; and what stops, kills or starves it would be drift of a container that others use.
It lets everybody in, and is the application on the server: so it leads to every database of the tests. What is different with
the deployed one, who is let in and over what, `test_pooler.py` has the client do.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

from deploy.model.event_stores import APPLICATION_ROLE

from ..deployment import inside, run

PORT = 6433
#: Few, so that clients share them all the time.
SERVER_CONNECTIONS = 2
_FOLDER = "/run/pooler-of-the-tests"
_INSTALL = """
command -v pgbouncer > /dev/null && exit
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends pgbouncer
rm /usr/sbin/policy-rc.d
# No pooler is declared there, and an enabled one is drift.
systemctl disable --quiet pgbouncer
"""
_SETTINGS = f"""\
[databases]
* = host=/run/postgresql user=postgres connect_query='SET SESSION AUTHORIZATION {APPLICATION_ROLE}'
[pgbouncer]
listen_addr = *
listen_port = {PORT}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {SERVER_CONNECTIONS}
max_client_conn = 1000
query_wait_timeout = 5
server_login_retry = 1
logfile = {_FOLDER}/log
pidfile = {_FOLDER}/pid
"""


class Pooler:
    """PgBouncer in a container."""

    def __init__(self, container: str) -> None:
        self.container = container
        self._host = run("lxc-info", "-n", container, "-iH").stdout.split()[0]

    def conninfo(self, database: str) -> str:
        """The application's way to a database."""
        return make_conninfo(host=self._host, port=PORT, user="somebody", dbname=database, gssencmode="disable")

    @property
    def knows_prepared_statements(self) -> bool:
        """Whether its version does."""
        version = inside(self.container, "pgbouncer --version").split()[1]
        return tuple(map(int, version.split(".")[:2])) >= (1, 21)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        inside(self.container, f"cd /; exec runuser -u postgres -- pgbouncer -q -d {_FOLDER}/pgbouncer.ini")
        while True:
            try:
                psycopg.connect(self.conninfo("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return

    def kill(self, signal: str = "KILL") -> None:
        """End it with a signal, and wait until it is gone."""
        pid = f"{_FOLDER}/pid"
        gone = f"while kill -0 $pid 2> /dev/null; do sleep 0.05; done; rm -f {pid}"
        inside(self.container, f"test -e {pid} || exit 0; pid=$(cat {pid}); kill -{signal} $pid; {gone}", check=False)


@contextmanager
def pooler_in(container: str) -> Iterator[Pooler]:
    """A pooler for the length of the block."""
    inside(container, _INSTALL)
    write = f"mkdir -p {_FOLDER} && chown postgres {_FOLDER} && cat > {_FOLDER}/pgbouncer.ini"
    inside(container, write, stdin=_SETTINGS)
    pooler = Pooler(container)
    pooler.kill()
    pooler.start()
    try:
        yield pooler
    finally:
        pooler.kill()
        inside(container, f"rm -rf {_FOLDER}")
