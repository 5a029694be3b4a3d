"""The texts of postgresql.conf and pg_hba.conf."""

import pytest
from declared import container, lxc_host

from deploy.model.cluster import ClusterPaths
from deploy.model.settings import Settings
from deploy.postgres.config import changed_settings, pg_hba_conf, postgresql_conf


def assignments(text: str) -> list[tuple[str, str]]:
    lines = (line.partition(" = ") for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, value) for name, _, value in lines]


def test_files_are_in_debians_places_and_data_and_key_on_the_volume() -> None:
    paths = ClusterPaths(15)
    assert paths.conf == "/etc/postgresql/15/main"
    assert paths.data == "/srv/postgresql/15/main"
    assert paths.tls.folder == "/srv/postgresql/tls"
    assert paths.unit == "postgresql@15-main.service"


def test_every_setting_stands_there_once() -> None:
    names = [name for name, _ in assignments(postgresql_conf(container()))]
    assert len(names) == len(set(names))
    assert {"data_directory", "shared_buffers", "ssl", "timezone", "cluster_name"} <= set(names)


@pytest.mark.parametrize("name", ["work_mem", "cluster_name", "log_timezone", "TimeZone", "DateStyle"])
def test_an_override_stands_in_place_of_what_it_overrides(name: str) -> None:
    """The server takes the last of several, and does not look at the case of the letters."""
    found = assignments(postgresql_conf(container(postgresql_settings={name: "8MB"})))
    assert [value for other, value in found if other.lower() == name.lower()] == ["'8MB'"]


def test_a_quote_in_a_value_does_not_end_it() -> None:
    text = postgresql_conf(container(postgresql_settings={"search_path": "it's"}))
    assert "\nsearch_path = 'it''s'\n" in text


def test_the_server_offers_tls_and_takes_scram_only() -> None:
    settings = dict(assignments(postgresql_conf(container())))
    assert settings["ssl"] == "on"
    assert settings["ssl_key_file"] == "'/srv/postgresql/tls/server.key'"
    assert settings["password_encryption"] == "'scram-sha-256'"


def test_clients_are_let_in_over_tls_to_the_one_database_and_nobody_else_from_nowhere() -> None:
    one = container(client_networks=["10.1.0.0/16", "10.2.3.4/32"])
    settings = Settings(file="inventory/some.py", hosts={"@local": lxc_host()}, containers={one.name: one})
    rules = [line.split() for line in pg_hba_conf(one, settings).splitlines() if not line.startswith("#")]
    assert rules == [
        ["local", "all", "postgres", "peer"],
        ["local", "stock_analysis_event_store", "event_store_worker", "peer"],
        ["hostssl", "stock_analysis_event_store", "+stock_analysis_user", "10.1.0.0/16", "scram-sha-256"],
        ["hostssl", "stock_analysis_event_store", "+stock_analysis_user", "10.2.3.4/32", "scram-sha-256"],
    ]


def test_changed_settings_are_found_by_name_in_both_directions() -> None:
    before = "# work_mem = 1\nwork_mem = '4MB'\nport = 5432\njit = off\n"
    assert changed_settings(before, before) == set()
    assert changed_settings(before, before.replace("'4MB'", "'8MB'").replace("jit = off\n", "")) == {"work_mem", "jit"}
    assert changed_settings(before, "Work_Mem='4MB'\nport = 5432\njit=off") == set()
    assert changed_settings("", "port = 1") == {"port"}
