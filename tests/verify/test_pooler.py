"""PgBouncer, where it is declared: who it lets in, as whom it runs, and that it runs what its files say."""

import pytest
from testinfra.host import Host

from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, WORKER_ROLE, EventStore
from deploy.model.pooling import POOLED_PORT, POOLER_ROLE, POOLER_UNIT
from deploy.model.settings import Settings
from deploy.pooler.config import CONFIGURATION, LOOKUP_THERE, SCHEMA, parameters, texts
from deploy.pooler.facts import LookupFact, Pooler, PoolerFact

from .application import Application


@pytest.fixture
def pooler(inside: Host, store: EventStore) -> Pooler:
    """What its console says."""
    if store.pool is None:
        pytest.skip('not verifiable here: there is no pooler; key "pooling" declares one')
    output = inside.check_output(PoolerFact().command(store.tls_files.folder))
    return PoolerFact().process(output.splitlines())


def test_the_pooler_runs_now_and_after_a_boot_as_a_user_of_its_own(inside: Host, pooler: Pooler) -> None:
    service = inside.service(POOLER_UNIT)
    assert (service.is_running, service.is_enabled, pooler.up) == (True, True, True)
    pid = inside.check_output(f"systemctl show --property=MainPID --value {POOLER_UNIT}")
    assert inside.check_output(f"stat -c %U /proc/{pid}") == POOLER_ROLE


def test_the_pooler_runs_what_is_declared(inside: Host, store: EventStore, settings: Settings, pooler: Pooler) -> None:
    assert store.pool is not None
    contents = texts(store, store.pool, settings)
    for path, text in contents.items():
        assert inside.file(path).content_string == text, path
    live = {row["key"]: row["value"] for row in pooler.config}
    declared = parameters(contents[CONFIGURATION])
    assert {name: live.get(name) for name in declared} == declared
    [database] = [row for row in pooler.databases if row["name"] == DATABASE]
    assert (database["pool_size"], database["paused"], database["disabled"]) == (str(store.pool.size), "0", "0")
    assert pooler.stale == []


def test_the_pooler_has_no_file_of_passwords(pooler: Pooler) -> None:
    assert {row["value"] for row in pooler.config if row["key"] == "auth_file"} == {""}


def test_the_pooler_looks_clients_up_by_a_function_of_the_superusers(inside: Host, pooler: Pooler) -> None:
    found = LookupFact().process(inside.check_output(LookupFact().command(SCHEMA)).splitlines())
    assert (found.silence, found.owner, found.there) == (None, "postgres", LOOKUP_THERE)


def test_application_is_let_in_by_way_of_the_pooler(pooled: Application) -> None:
    with pooled.rolled_back() as connection:
        row = connection.execute("SELECT current_user, inet_client_addr() IS NULL").fetchone()
        assert connection.pgconn.ssl_in_use
    assert row == (APPLICATION_ROLE, True)


def test_others_are_refused_by_the_pooler(pooled: Application) -> None:
    pooled.connect().close()
    assert "SSL required" in pooled.refusal(sslmode="disable")
    assert "authentication failed" in pooled.refusal(password="not the password")
    for role in ("postgres", WORKER_ROLE, POOLER_ROLE):
        assert "FATAL" in pooled.refusal(user=role), role
    assert "FATAL" in pooled.refusal(dbname="postgres")


def test_the_pooler_listens(inside: Host, pooler: Pooler) -> None:
    assert inside.socket(f"tcp://0.0.0.0:{POOLED_PORT}").is_listening
