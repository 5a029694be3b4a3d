"""The pooler's files, and what of a running one is not as they say."""

from declared import container, lxc_host

from deploy.machine.services import Service
from deploy.machine.status import State
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, EventStore
from deploy.model.logins import LOGIN_ROLES
from deploy.model.pooling import POOLER_UNIT
from deploy.model.settings import Settings
from deploy.pooler import status
from deploy.pooler.config import ACCESS, CONFIGURATION, UNIT_FILE, parameters, texts
from deploy.pooler.facts import Pooler, PoolerFact
from deploy.pooler.operations import _unlike


def files(**data: object) -> tuple[EventStore, dict[str, str]]:
    store = container(pooling="on", **data)
    assert store.pool is not None
    settings = Settings(hosts={"@local": lxc_host()}, containers={store.name: store}, file="inventory.py")
    return store, texts(store, store.pool, settings)


def test_it_lets_in_by_tls_and_scram_from_the_clients_networks_alone() -> None:
    _, text = files(client_networks=["10.1.0.0/16", "10.2.3.4/32"])
    roles = ",".join((APPLICATION_ROLE, *LOGIN_ROLES))
    rules = [line.split() for line in text[ACCESS].splitlines() if not line.startswith("#")]
    assert rules == [
        ["hostssl", DATABASE, roles, network, "scram-sha-256"] for network in ("10.1.0.0/16", "10.2.3.4/32")
    ]
    said = parameters(text[CONFIGURATION])
    assert (said["client_tls_sslmode"], said["auth_type"]) == ("require", "hba")
    assert "auth_file" not in said


def test_only_the_one_of_trixie_is_told_of_prepared_statements() -> None:
    assert parameters(files()[1][CONFIGURATION])["max_prepared_statements"] == "200"
    old = container(release="bookworm", pooling="without-prepared-statements")
    assert old.pool is not None
    settings = Settings(hosts={"@local": lxc_host()}, containers={old.name: old}, file="inventory.py")
    assert "max_prepared_statements" not in parameters(texts(old, old.pool, settings)[CONFIGURATION])


def test_a_client_that_waits_is_answered_before_it_gives_up() -> None:
    said = parameters(files()[1][CONFIGURATION])
    assert int(said["query_wait_timeout"]) < 30
    assert f"LimitNOFILE={1000 + int(said['max_db_connections']) + 100}" in files()[1][UNIT_FILE]


def running(text: str, **changes: str) -> Pooler:
    """One that has read its file, but for what was changed on its console."""
    config = [
        {"key": name, "value": value, "default": "", "changeable": "no" if name == "listen_port" else "yes"}
        for name, value in (parameters(text) | changes).items()
    ]
    database = {"name": DATABASE, "host": "/var/run/postgresql", "port": "5432", "database": DATABASE, "force_user": ""}
    database |= {"pool_size": "10", "paused": "0", "disabled": "0"}
    return Pooler(config, [database], [])


def test_what_a_running_one_has_otherwise_is_found() -> None:
    store, text = files()
    assert store.pool is not None
    one = running(text[CONFIGURATION])
    assert _unlike(one, store.pool, text) == ([], [])
    one = running(text[CONFIGURATION], query_wait_timeout="7", listen_port="6000")
    one.databases[0]["paused"] = "1"
    assert _unlike(one, store.pool, text) == (
        ["listen_port = 6000, not 6432"],
        ["query_wait_timeout = 7, not 25", f"database {DATABASE}: paused = 1, not 0"],
    )


def test_what_the_file_does_not_say_has_its_default() -> None:
    store, text = files()
    assert store.pool is not None
    one = running(text[CONFIGURATION], conffile="/etc/somewhere.ini")
    one.config.extend(
        [
            {"key": "server_lifetime", "value": "77", "default": "3600", "changeable": "yes"},
            {"key": "verbose", "value": "2", "default": "", "changeable": "yes"},
            {"key": "user", "value": "event_store_pooler", "default": "", "changeable": "no"},
        ]
    )
    one.databases[0]["port"] = "5433"
    one.databases.extend([{"name": "pgbouncer"}, {"name": "other"}])
    assert _unlike(one, store.pool, text) == (
        ["verbose = 2, not 0"],
        [
            "server_lifetime = 77, not 3600",
            f"database {DATABASE}: port = 5433, not 5432",
            "database other: is there, and not declared",
        ],
    )


def test_the_fact_reads_what_the_console_prints() -> None:
    output = [
        "! CONFIG",
        "key|value|default|changeable",
        "pool_mode|transaction|session|yes",
        "! DATABASES",
        "name|paused",
    ]
    output += ["event|0", "! POOLS", "database|cl_waiting", "? /srv/postgresql/tls/server.crt"]
    found = PoolerFact().process(output)
    assert found.config == [{"key": "pool_mode", "value": "transaction", "default": "session", "changeable": "yes"}]
    assert (found.databases, found.pools) == ([{"name": "event", "paused": "0"}], [])
    assert found.stale == ["/srv/postgresql/tls/server.crt"]
    assert not PoolerFact().process(["! CONFIG", "! DATABASES", "! POOLS"]).up


def test_status_says_who_waits() -> None:
    store, text = files()
    up = running(text[CONFIGURATION])
    active = {POOLER_UNIT: Service("active", enabled=True)}

    def state(pooler: Pooler, services: dict[str, Service] = active) -> tuple[State, str]:
        [row] = status.rows(store, [services, pooler])
        return row.state, row.detail

    assert state(up) == (State.WELL, "0 of 1000 clients, 0 waiting")
    pool = {"database": DATABASE, "cl_active": "10", "cl_waiting": "5", "maxwait": "3"}
    waiting = Pooler(up.config, up.databases, [pool])
    assert state(waiting) == (
        State.DEGRADED,
        "15 of 1000 clients, 5 waiting, for up to 3 s: all connections of the pool are in transactions",
    )
    assert state(Pooler())[0] is State.DOWN
    assert state(up, {}) == (State.DOWN, "inactive; `make deploy` starts it")
    assert status.rows(container(), []) == []
