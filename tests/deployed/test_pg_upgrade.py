"""A cluster of the older release is upgraded in place by pg_upgrade, with the older programs out of the older root.

The identifier of the cluster changes, and the ids go on. There is no command for it yet: this shows that the store goes on.
"""

import psycopg
import pytest

from .containers import BOOKWORM, TRIXIE
from .deployment import Deployment, inside, run
from .sql.clusters import Cluster, Clusters
from .sql.consumers import Consumers
from .sql.feed import read
from .sql.stores import Server
from .sql.test_restore import rebase
from .sql.test_subscriptions import value

OLD, NEW = "/usr/lib/postgresql/15", "/usr/lib/postgresql/17"
#: What the older programs need.
NEEDED = """
    for file in {old}/bin/postgres {old}/bin/pg_dump {old}/lib/plpython3.so {old}/lib/pgcrypto.so; do ldd $file; done |
    awk '/=>/ {{print $3}}' | sort -u"""
#: Only what the newer root lacks, or the newer programs would load it as well.
LACKING = "cd {folder}/lib; for file in *; do if [ -e /usr/lib/x86_64-linux-gnu/$file ]; then rm $file; fi; done"


def bring_programs(older: str, newer: str, folder: str) -> None:
    """The older container's programs, in a folder of the newer one."""
    inside(newer, f"mkdir -p {folder}/lib")
    attach = "lxc-attach -n {} -- sh -c '{}'"
    pack = "tar -C / -cf - usr/lib/postgresql/15 usr/share/postgresql/15"
    run("sh", "-ec", f"{attach.format(older, pack)} | {attach.format(newer, f'tar -C {folder} -xf -')}")
    libraries = " ".join(inside(older, NEEDED.format(old=OLD)).split())
    pack = f'tar -chf - --transform "s,.*/,," {libraries} 2> /dev/null'
    run("sh", "-ec", f"{attach.format(older, pack)} | {attach.format(newer, f'tar -C {folder}/lib -xf -')}")
    inside(newer, LACKING.format(folder=folder))
    inside(newer, f"chmod -R a+rX {folder}")


def bring_data(older: Cluster, newer: Cluster) -> None:
    """The older cluster's data, beside those of the newer one."""
    pack, unpack = f"tar -C {older.folder} -cf - data", f"mkdir {newer.folder}/old; tar -C {newer.folder}/old -xpf -"
    run("sh", "-ec", f"lxc-attach -n {older.host.container} -- {pack} | "
                     f"lxc-attach -n {newer.host.container} -- sh -c '{unpack}; chown -R postgres {newer.folder}/old'")  # fmt: skip


def upgrade(cluster: Cluster, programs: str) -> None:
    """Make the newer cluster of the older one's data."""
    cluster.sh(
        f"cd {cluster.folder}; LD_LIBRARY_PATH={programs}/lib {NEW}/bin/pg_upgrade -U postgres -s {cluster.folder} "
        f"-b {programs}{OLD}/bin -B {NEW}/bin -d {cluster.folder}/old/data -D $data -p 50432 -P 50433 > upgrade.log 2>&1 "
        "|| { tail -50 upgrade.log; exit 1; }"
    )


@pytest.mark.soak
def test_the_store_goes_on_after_an_upgrade_of_its_cluster(deployed: Deployment) -> None:
    deployed.apply()
    goes_on_after_an_upgrade(Server.in_container(BOOKWORM), Server.in_container(TRIXIE))


def goes_on_after_an_upgrade(older: Server, newer: Server) -> None:
    """Write, upgrade, rebase, write and read."""
    before, after = Clusters(older), Clusters(newer)
    programs = f"{after.folder}-programs"
    try:
        before.build()
        with before.running("older") as old, after.cluster("newer", password=old.password) as new:
            consumers = Consumers()
            consumers.begin(old)
            consumers.write(old, 12)
            consumers.read(old)
            events = read(old.store.connect())
            old.stop()
            after.initialize(new)
            bring_programs(older.container, newer.container, programs)
            bring_data(old, new)
            upgrade(new, programs)
            new.start()
            app = new.store.connect()
            with pytest.raises(psycopg.Error) as refused:
                read(app)
            assert refused.value.sqlstate == "SE012"
            assert rebase(new.store)
            assert read(app) == events
            assert value(app, "SELECT reason FROM event_store.current_fork()") == "cluster"
            consumers.write(new, 12)
            consumers.check(new)
            assert not consumers.were_told
    finally:
        inside(newer.container, f"rm -rf {programs}")
        before.remove()
        after.remove()
