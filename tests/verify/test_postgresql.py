"""The server: its version, its settings as they are in force, who may connect to it and how."""

import re
from collections.abc import Callable

import pytest
from testinfra.host import Host

from deploy.model.cluster import ClusterPaths
from deploy.model.durability import durability_warning, given_away
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, WORKER_ROLE, EventStore
from deploy.model.pooling import POOLER_ROLE
from deploy.model.settings import Settings
from deploy.postgres.config import pg_hba_conf, postgresql_conf

from .application import Application
from .server import Server
from .setting_values import same_value

#: All of it is about event stores.
KIND = EventStore

#: A value that has the server find its own: what is in force is another then, and only the file can be compared.
_AUTOMATIC = {
    "wal_buffers": "-1",
    "transaction_buffers": "0",
    "subtransaction_buffers": "0",
    "commit_timestamp_buffers": "0",
}


def _declared(store: EventStore) -> dict[str, str]:
    """Every setting that the configuration file has to make, what the inventory cannot override included."""
    assignment = re.compile(r"^(\w[\w.]*) = (?:'((?:[^']|'')*)'|(\S+))$", re.MULTILINE)
    found = assignment.findall(postgresql_conf(store))
    declared = {name.lower(): quoted.replace("''", "'") or bare for name, quoted, bare in found}
    assert store.server_settings.keys() <= declared.keys()
    return declared


def test_version_is_the_declared_one(server: Server, store: EventStore) -> None:
    assert int(server.value("current_setting('server_version_num')")) // 10_000 == store.version


def test_data_have_checksums(server: Server) -> None:
    assert server.value("current_setting('data_checksums')") == "on"


def test_data_are_on_the_data_volume(server: Server, inside: Host, store: EventStore) -> None:
    data = server.value("current_setting('data_directory')")
    assert data == ClusterPaths(store.version).data
    assert inside.check_output("stat -c %%d %s", data) != inside.check_output("stat -c %%d /")


@pytest.mark.parametrize("name", ["postgresql", "pg_hba"])
def test_configuration_file_is_the_declared_one(inside: Host, store: EventStore, settings: Settings, name: str) -> None:
    file = inside.file(f"{ClusterPaths(store.version).conf}/{name}.conf")
    text, mode = {
        "postgresql": (postgresql_conf(store), 0o640),
        "pg_hba": (pg_hba_conf(store, settings), 0o640),
    }[name]
    assert file.content_string == text
    assert (file.user, file.group, file.mode) == ("postgres", "postgres", mode)


def test_every_declared_setting_is_in_force(server: Server, store: EventStore) -> None:
    in_force = {row["name"].lower(): row for row in server.rows("SELECT name, setting, unit, vartype FROM pg_settings")}
    wrong = {}
    for name, declared in _declared(store).items():
        row = in_force.get(name)
        # A setting of an extension that is not loaded is in no view.
        if row is None and "." in name:
            continue
        if _AUTOMATIC.get(name) == declared:
            continue
        if row is None or not same_value(declared, row["setting"], row["vartype"], row["unit"]):
            wrong[name] = f"declared {declared}, in force {row}"
    assert not wrong


def test_settings_in_force_keep_what_is_committed_unless_the_container_says_otherwise(
    server: Server, store: EventStore, record_property: Callable[[str, object], None]
) -> None:
    in_force = {row["name"]: row["setting"] for row in server.rows("SELECT name, setting FROM pg_settings")}
    if store.durability == "none":
        record_property("durability", durability_warning(in_force))
        assert given_away(in_force) == given_away(store.server_settings)
    else:
        assert given_away(in_force) == {}


def test_server_reads_the_declared_values_from_its_file(server: Server, store: EventStore) -> None:
    """In the server's own reading of the file, where a later line wins over an earlier one."""
    path = f"{ClusterPaths(store.version).conf}/postgresql.conf"
    rows = server.rows("SELECT lower(name) AS name, setting, sourcefile FROM pg_file_settings ORDER BY seqno")
    assert {row["name"]: (row["setting"], row["sourcefile"]) for row in rows} == {
        name: (value, path) for name, value in _declared(store).items()
    }


def test_nothing_waits_for_a_restart(server: Server) -> None:
    assert server.rows("SELECT name FROM pg_settings WHERE pending_restart") == []


def test_nothing_waits_for_a_reload(server: Server, store: EventStore) -> None:
    paths = ClusterPaths(store.version)
    newer = "(pg_stat_file(name, true)).modification > pg_conf_load_time()"
    files = [*(f"{paths.conf}/{name}.conf" for name in ("postgresql", "pg_hba", "pg_ident")), *paths.tls.all]
    names = ", ".join(f"'{file}'" for file in files)
    assert server.rows(f"SELECT name FROM unnest(ARRAY[{names}]) AS name WHERE {newer}") == []


def test_server_finds_no_error_in_its_files(server: Server) -> None:
    assert server.rows("SELECT * FROM pg_file_settings WHERE error IS NOT NULL") == []
    assert server.rows("SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL") == []
    assert server.rows("SELECT * FROM pg_ident_file_mappings WHERE error IS NOT NULL") == []


def test_alter_system_left_nothing_behind(server: Server) -> None:
    assert server.rows("SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf'") == []


_END_OF_LIST = "-----END X509 CRL-----"
#: Method and options of the application's rules.
METHODS = {
    "password": ("scram-sha-256", None),
    "password+certificate": ("scram-sha-256", ["clientcert=verify-full"]),
    "certificate": ("cert", ["map=application", "clientcert=verify-full"]),
}


def test_access_rules_are_exactly_the_declared_ones(server: Server, store: EventStore, settings: Settings) -> None:
    rows = server.rows(
        "SELECT type, database, user_name, address, netmask, auth_method, options FROM pg_hba_file_rules"
        " ORDER BY line_number"
    )
    pooled = [
        ("local", [DATABASE], [POOLER_ROLE], None, None, "peer", None),
        ("local", [DATABASE], [f"+{APPLICATION_ROLE}"], None, None, "scram-sha-256", None),
    ]
    assert [tuple(row.values()) for row in rows] == [
        ("local", ["all"], ["postgres"], None, None, "peer", None),
        ("local", [DATABASE], [WORKER_ROLE], None, None, "peer", None),
        *(pooled if store.pool else []),
        *(
            (
                "hostssl",
                [DATABASE],
                [f"+{APPLICATION_ROLE}"],
                str(network.network_address),
                str(network.netmask),
                *METHODS[store.authentication],
            )
            for network in settings.client_networks(store)
        ),
    ]


def test_tls_is_on_with_a_key_that_only_the_server_reads(server: Server, inside: Host, store: EventStore) -> None:
    assert server.value("current_setting('ssl')") == "on"
    assert server.value("current_setting('ssl_min_protocol_version')") in ("TLSv1.2", "TLSv1.3")
    tls = ClusterPaths(store.version).tls
    assert server.value("current_setting('ssl_key_file')") == tls.key
    key = inside.file(tls.key)
    assert (key.user, key.mode) == ("postgres", 0o600)


def test_certificate_is_good_for_another_month(inside: Host, store: EventStore) -> None:
    certificate = ClusterPaths(store.version).tls.certificate
    assert inside.run("openssl x509 -checkend 2592000 -noout -in %s", certificate).rc == 0


def test_clients_can_check_the_server_in_full(application: Application, store: EventStore) -> None:
    """By its address, and by the inventory's authority alone."""
    if store.tls == "self-signed":
        pytest.skip('not verifiable here: the certificate is self-signed; "tls": "authority" makes it so')
    application.connect(sslmode="verify-full").close()
    assert "does not match host name" in application.refusal(sslmode="verify-full", host="another.example.net")


def test_what_is_revoked_is_known_for_another_month(inside: Host, store: EventStore) -> None:
    """An expired list refuses every client that shows a certificate."""
    if store.tls == "self-signed":
        pytest.skip('not verifiable here: no client has a certificate without "tls": "authority"')
    lists = inside.file(ClusterPaths(store.version).tls.revocations).content_string.split(_END_OF_LIST)[:-1]
    assert lists
    for one in lists:
        text = f"{one}{_END_OF_LIST}"
        ends = inside.check_output("printf %%s %s | openssl crl -noout -nextupdate | cut -d= -f2", text)
        assert int(inside.check_output("echo $((($(date -d %s +%%s) - $(date +%%s)) / 86400))", ends)) >= 29


def test_the_server_shows_the_certificate_of_its_file(inside: Host, store: EventStore) -> None:
    """A reload that cannot read it keeps the one before, and says so in the log only."""
    serial = "openssl x509 -noout -serial"
    shown = f"openssl s_client -starttls postgres -connect 127.0.0.1:{PORT} < /dev/null 2> /dev/null | {serial}"
    assert inside.check_output(shown) == inside.check_output(
        f"{serial} -in %s", ClusterPaths(store.version).tls.certificate
    )


def test_server_listens_on_its_addresses(inside: Host) -> None:
    assert inside.socket(f"tcp://0.0.0.0:{PORT}").is_listening


def test_replication_role_of_new_sessions_is_origin(server: Server) -> None:
    """Any other value switches off foreign keys and ordinary triggers."""
    assert server.value("current_setting('session_replication_role')") == "origin"
