"""What could never fit is refused, with what would; what can work stays allowed."""

import re

import pytest
from declared import container
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model.sizes import GIB, MIB

mebibytes = st.integers(2048, 4 * 1024**2)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_wal_size": "2GB"},
        {"max_wal_size": 2048},
        {"min_wal_size": "2GB"},
        {"wal_keep_size": "1800MB"},
        {"max_slot_wal_keep_size": "30GB"},
        {"max_wal_size": "1GB", "wal_keep_size": "1GB"},
    ],
)
def test_wal_that_the_volume_cannot_hold_is_refused(settings: dict[str, str | int]) -> None:
    with pytest.raises(ValidationError) as refused:
        container(disk="2GiB", postgresql_settings=settings)
    message = str(refused.value)
    assert "postgresql_settings: " in message
    assert [name for name, value in settings.items() if f"{name} = {value}" not in message] == []
    assert "(disk) has 2GB; lower them to 1843MB together" in message


def test_what_the_message_says_would_fit_fits() -> None:
    container(disk="2GiB", postgresql_settings={"max_wal_size": "1843MB"})
    with pytest.raises(ValidationError):
        container(disk="2GiB", postgresql_settings={"max_wal_size": "1844MB"})


def test_no_limit_for_slots_and_what_is_no_size_are_left_to_the_server() -> None:
    container(disk="2GiB", postgresql_settings={"max_slot_wal_keep_size": -1, "wal_keep_size": "a lot"})


@given(mebibytes)
def test_the_derived_wal_fits_into_any_volume(disk: int) -> None:
    container(disk=f"{disk}MiB")


@pytest.mark.parametrize(
    "data",
    [
        {"max_connections": 1000},
        {"max_connections": 10_000},
        {"postgresql_settings": {"max_connections": 1000, "work_mem": "1MB"}},
        {"processes": 200, "max_connections": 190},
        {"processes": 200, "postgresql_settings": {"autovacuum_max_workers": 100, "autovacuum_work_mem": "1MB"}},
    ],
)
def test_connections_that_could_never_be_reached_are_refused_and_the_remedy_works(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        container(**data)
    message = str(refused.value)
    assert f"processes = {data.get('processes', 1000)}: max_connections = " in message
    enough = re.search(r'give "processes": (\d+)', message)
    fewer = re.search(r"lower max_connections to (\d+)", message)
    assert enough is not None
    assert fewer is not None
    container(**data | {"processes": int(enough[1])})
    settings = {**data.get("postgresql_settings", {}), "max_connections": int(fewer[1])}  # type: ignore[dict-item]
    container(**data | {"max_connections": int(fewer[1]), "postgresql_settings": settings})


@given(
    memory=st.integers(512, 1024**2),
    cpus=st.integers(1, 1024),
    disk=mebibytes,
    processes=st.integers(200, 4_000_000),
    max_connections=st.integers(10, 160),
)
def test_containers_with_the_usual_connections_are_taken_in_every_size(
    memory: int, cpus: int, disk: int, processes: int, max_connections: int
) -> None:
    store = container(
        memory=f"{memory}MiB", cpus=cpus, disk=f"{disk}MiB", processes=processes, max_connections=max_connections
    )
    assert (store.memory, store.disk) == (memory * MIB, disk * MIB)


def test_the_smallest_container_and_the_largest_are_taken() -> None:
    assert container(memory="512MiB", processes=200, disk="2GiB", root_disk="2GiB").disk == 2 * GIB
    assert container(memory="1TiB", cpus=1024, max_connections=10_000, processes=11_200).cpus == 1024


@pytest.mark.parametrize(("release", "connections"), [("trixie", 100), ("bookworm", 100), ("bookworm", 30)])
def test_the_application_gets_all_but_nine_whatever_the_release(release: str, connections: int) -> None:
    assert container(release=release, max_connections=connections).application_connections == connections - 9


def test_a_server_that_reserves_nothing_has_room_for_both_login_roles() -> None:
    old = container(release="bookworm", max_connections=100)
    assert int(old.server_settings["max_connections"]) == 2 * old.application_connections + 9
    assert "reserved_connections" not in old.server_settings
    new = container(release="trixie", max_connections=100).server_settings
    assert (new["max_connections"], new["reserved_connections"]) == ("105", "5")


def test_an_override_counts_as_it_is_written() -> None:
    for release, application in (("trixie", 60 - 9 - 5), ("bookworm", 60 - 9)):
        store = container(release=release, postgresql_settings={"max_connections": 60})
        assert (store.application_connections, store.server_settings["max_connections"]) == (application, "60")
    more = container(postgresql_settings={"reserved_connections": 20})
    assert more.application_connections == 105 - 3 - 20 - 6
