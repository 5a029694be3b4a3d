import pytest

from deploy.model.setting_names import (
    OWNED_SETTINGS,
    check_owned_settings,
    check_setting_names,
    known_settings,
    known_versions,
)


def test_the_names_of_both_debian_releases_are_known() -> None:
    assert known_versions() == [15, 17]


@pytest.mark.parametrize("version", [15, 17])
def test_the_lists_hold_what_every_server_has(version: int) -> None:
    names = known_settings(version)
    assert {"shared_buffers", "TimeZone", "log_statement", "listen_addresses"} <= names
    assert len(names) > 300
    assert OWNED_SETTINGS.keys() <= names


def test_a_version_without_a_list_is_refused_by_the_name_of_the_missing_file() -> None:
    with pytest.raises(ValueError, match=r"take one of 15, 17, or add deploy/model/data/postgresql-16-settings\.txt"):
        known_settings(16)


def test_a_misspelt_name_comes_with_what_was_probably_meant() -> None:
    assert check_setting_names(["shared_bufers"], 15) == [
        '"shared_bufers": not a setting of PostgreSQL 15; did you mean "shared_buffers"?'
    ]


def test_a_name_like_no_other_comes_without_a_guess() -> None:
    assert check_setting_names(["xyzzy"], 17) == ['"xyzzy": not a setting of PostgreSQL 17']


def test_a_setting_of_a_newer_version_is_unknown_to_the_older() -> None:
    assert check_setting_names(["transaction_timeout"], 17) == []
    assert check_setting_names(["transaction_timeout"], 15)


def test_the_names_of_extensions_are_taken_as_they_are() -> None:
    assert check_setting_names(["auto_explain.log_min_duration"], 15) == []


@pytest.mark.parametrize(("written", "meant"), [("Shared_Buffers", "shared_buffers"), ("timezone", "TimeZone")])
def test_a_name_in_other_letters_would_stand_beside_the_derived_one(written: str, meant: str) -> None:
    (problem,) = check_setting_names([written], 15)
    assert f'did you mean "{meant}"' in problem


def test_internal_settings_cannot_be_given() -> None:
    assert check_setting_names(["block_size", "server_version"], 17)


def test_an_owned_setting_is_refused_with_the_reason() -> None:
    assert check_owned_settings(["work_mem", "PORT"]) == [f'"PORT": not to be overridden: {OWNED_SETTINGS["port"]}']
