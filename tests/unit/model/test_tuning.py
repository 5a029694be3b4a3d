import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.setting_names import OWNED_SETTINGS, check_setting_names
from deploy.model.sizes import GIB, KIB, MIB, format_postgres, parse_postgres
from deploy.model.tuning import MAX_MEMORY, MIN_MEMORY, Storage, derive_settings, memory_problems

memories = st.integers(MIN_MEMORY, MAX_MEMORY)
cpu_counts = st.integers(1, 256)
connection_counts = st.integers(1, 1000)
versions = st.sampled_from([15, 17])
storages: st.SearchStrategy[Storage] = st.sampled_from(["ssd", "hdd"])


def size(settings: dict[str, str], name: str) -> int:
    return parse_postgres(settings[name], bare_unit=KIB)


def test_the_documented_container_gets_the_documented_settings() -> None:
    documented = {
        "shared_buffers": "2GB",
        "effective_cache_size": "6GB",
        "maintenance_work_mem": "512MB",
        "wal_buffers": "16MB",
        "work_mem": "32MB",
        "min_wal_size": "1GB",
        "max_wal_size": "4GB",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "default_statistics_target": "100",
    }
    settings = derive_settings(8 * GIB, cpus=4, max_connections=100, storage="ssd", version=15)
    assert {name: settings[name] for name in documented} == documented


def test_a_small_container_gets_small_settings() -> None:
    settings = derive_settings(512 * MIB, cpus=1, max_connections=100, storage="hdd", version=15)
    assert settings["shared_buffers"] == "128MB"
    assert settings["work_mem"] == "2MB"
    assert settings["wal_buffers"] == "4MB"
    assert settings["random_page_cost"] == "4"
    assert settings["max_parallel_workers_per_gather"] == "0"


def test_a_vacuum_is_not_given_more_than_its_version_can_use() -> None:
    assert derive_settings(MAX_MEMORY, 64, 100, "ssd", version=15)["autovacuum_work_mem"] == "1GB"
    assert derive_settings(MAX_MEMORY, 64, 100, "ssd", version=17)["autovacuum_work_mem"] == "2GB"


@given(memories, cpu_counts, connection_counts, storages, versions)
def test_the_worst_case_stays_below_the_memory(
    memory: int, cpus: int, max_connections: int, storage: Storage, version: int
) -> None:
    settings = derive_settings(memory, cpus, max_connections, storage, version)
    worst = (
        size(settings, "shared_buffers")
        + size(settings, "wal_buffers")
        + size(settings, "maintenance_work_mem")
        + size(settings, "autovacuum_work_mem") * int(settings["autovacuum_max_workers"])
        + size(settings, "work_mem") * (max_connections + int(settings["max_parallel_workers"]))
    )
    assert worst < memory * 27 / 32
    assert memory_problems(settings, memory) == []


@given(memories, cpu_counts, connection_counts, storages, versions)
def test_every_derived_setting_is_known_to_its_server_and_not_owned(
    memory: int, cpus: int, max_connections: int, storage: Storage, version: int
) -> None:
    settings = derive_settings(memory, cpus, max_connections, storage, version)
    assert check_setting_names(settings, version) == []
    assert not settings.keys() & OWNED_SETTINGS.keys()


@given(memories, memories, cpu_counts, connection_counts, versions)
def test_more_memory_never_gives_less(first: int, second: int, cpus: int, max_connections: int, version: int) -> None:
    less, more = (derive_settings(m, cpus, max_connections, "ssd", version) for m in sorted([first, second]))
    for name in ("shared_buffers", "effective_cache_size", "maintenance_work_mem", "work_mem", "wal_buffers"):
        assert size(less, name) <= size(more, name)


@given(memories, cpu_counts, connection_counts)
def test_parallel_workers_fit_into_the_worker_processes(memory: int, cpus: int, max_connections: int) -> None:
    settings = derive_settings(memory, cpus, max_connections, "ssd", 17)
    assert int(settings["max_parallel_workers_per_gather"]) <= int(settings["max_parallel_workers"]) <= cpus
    assert int(settings["max_parallel_workers"]) < int(settings["max_worker_processes"])


@pytest.mark.parametrize("memory", [MIN_MEMORY - 1, MAX_MEMORY + 1])
def test_memory_out_of_range_is_refused(memory: int) -> None:
    with pytest.raises(ValueError, match="PostgreSQL is tuned for 512MB to 1TB"):
        derive_settings(memory, 4, 100, "ssd", 15)


@pytest.mark.parametrize(("cpus", "max_connections"), [(0, 100), (4, 0)])
def test_nothing_of_something_is_refused(cpus: int, max_connections: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        derive_settings(8 * GIB, cpus, max_connections, "ssd", 15)


@pytest.mark.parametrize("value", ["9GB", "1179648", "9216MB"])
def test_an_override_above_the_memory_is_named_with_its_limit(value: str) -> None:
    (problem,) = memory_problems({"shared_buffers": value}, 8 * GIB)
    assert problem.startswith(f'shared_buffers: "{value}" is more than the container\'s memory; at most "8GB"')


def test_overrides_that_fit_alone_but_not_together_are_added_up() -> None:
    settings = derive_settings(8 * GIB, 4, 100, "ssd", 15) | {"shared_buffers": "7GB"}
    (problem,) = memory_problems(settings, 8 * GIB)
    assert "the container's memory is 8GB: shared_buffers 7168MB" in problem


def test_a_value_that_the_server_could_not_read_is_a_problem() -> None:
    (problem,) = memory_problems({"work_mem": "32mb"}, 8 * GIB)
    assert problem.startswith('work_mem: "32mb": not a size to PostgreSQL')


def test_a_setting_that_follows_another_is_no_problem() -> None:
    assert memory_problems({"wal_buffers": "-1", "autovacuum_work_mem": "-1"}, 8 * GIB) == []


@given(memories)
def test_exactly_the_memory_is_not_above_it(memory: int) -> None:
    assert memory_problems({"effective_cache_size": format_postgres(memory)}, memory) == []


def test_the_wal_leaves_room_on_a_small_volume() -> None:
    small = derive_settings(8 * GIB, 4, 100, "ssd", 17, disk=2 * GIB)
    assert (small["max_wal_size"], small["min_wal_size"]) == ("384MB", "96MB")
    assert derive_settings(8 * GIB, 4, 100, "ssd", 17, disk=20 * GIB)["max_wal_size"] == "4GB"
