"""Settings that can lose committed data are refused in every spelling that the server takes, and only those."""

import pytest
from declared import container
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model.durability import given_away, truth
from deploy.model.setting_names import known_settings

UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "zero_damaged_pages": "on",
    "ignore_checksum_failure": "on",
    "ignore_invalid_pages": "on",
    "data_sync_retry": "on",
}
SPELLINGS = {
    "off": ["off", "OFF", "of", "false", "False", "f", "no", "N", "0", " off "],
    "on": ["on", "true", "YES", "1"],
}


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize(("name", "value"), UNSAFE.items())
def test_what_gives_durability_away_is_refused_with_reason_and_remedy(release: str, name: str, value: str) -> None:
    for spelling in SPELLINGS[value]:
        with pytest.raises(ValidationError) as refused:
            container(release=release, postgresql_settings={name: spelling})
        message = str(refused.value)
        assert f"postgresql_settings: {name} = {spelling!r}: " in message
        assert '"durability": "none"' in message


@pytest.mark.parametrize("value", [False, 0])
def test_switches_and_numbers_are_refused_as_well(value: bool | int) -> None:
    with pytest.raises(ValidationError, match=r"fsync = '(off|0)'"):
        container(postgresql_settings={"fsync": value})


def test_every_setting_that_gives_something_away_is_one_of_the_servers() -> None:
    assert UNSAFE.keys() <= known_settings(15) & known_settings(17)


@pytest.mark.parametrize(("name", "value"), UNSAFE.items())
def test_the_other_value_is_allowed(name: str, value: str) -> None:
    other = {"on": "off", "off": "on"}[value]
    assert container(postgresql_settings={name: other}).server_settings[name] == other


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("synchronous_commit", "local"),
        ("synchronous_commit", "remote_write"),
        ("synchronous_commit", "remote_apply"),
        ("wal_sync_method", "open_datasync"),
        ("restart_after_crash", False),
        ("ignore_system_indexes", True),
        ("wal_init_zero", "off"),
    ],
)
def test_what_only_looks_dangerous_is_allowed(name: str, value: str | bool) -> None:
    assert container(postgresql_settings={name: value}).warning is None


def test_a_throw_away_copy_may_have_all_of_them_and_says_so() -> None:
    copy = container(durability="none", postgresql_settings=UNSAFE)
    assert given_away(copy.server_settings).keys() == UNSAFE.keys()
    assert copy.warning is not None
    assert copy.warning.startswith("DATA CAN BE LOST")
    assert [name for name in UNSAFE if name not in copy.warning] == []


def test_durability_none_changes_nothing_by_itself_and_says_so() -> None:
    copy = container(durability="none")
    assert copy.server_settings == container().server_settings
    assert (
        copy.warning
        == "durability is none: settings that can lose committed data are allowed, and there is no such setting"
    )


def test_the_derived_settings_are_durable() -> None:
    assert given_away(container().server_settings) == {}


@given(st.text())
def test_any_text_is_true_or_false_or_neither(text: str) -> None:
    assert truth(text) in (True, False, None)


@pytest.mark.parametrize("text", ["", "o", "2", "offf", "local", "null"])
def test_what_is_no_truth_value_to_the_server_is_none_here(text: str) -> None:
    assert truth(text) is None
