"""Which key of the inventory the server's words are about. The trial itself needs a server: tests/deployed."""

import pytest

from deploy.postgres.trial import Trial, suspects

OVERRIDES = {
    "log_min_messages": "plenty",
    "wal_level": "minimal",
    "shared_preload_libraries": "auto_explain, nosuch",
    "huge_pages": "on",
    "work_mem": "64MB",
    "max_locks_per_transaction": "100",
}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (['LOG:  invalid value for parameter "log_min_messages": "plenty"'], ["log_min_messages"]),
        (['FATAL:  WAL streaming ("max_wal_senders" > 0) requires "wal_level" to be "replica"'], ["wal_level"]),
        (['FATAL:  WAL streaming (max_wal_senders > 0) requires wal_level "replica"'], ["wal_level"]),
        (['FATAL:  could not access file "nosuch": No such file or directory'], ["shared_preload_libraries"]),
        (["HINT:  … exceeded available memory, swap space, or huge pages."], ["huge_pages"]),
        (["the server needs 45923 MB of shared memory, and the container has 100 MB of memory"], []),
        (["FATAL:  cannot go on"], []),
    ],
)
def test_the_overrides_that_the_server_speaks_of_are_found(words: list[str], names: list[str]) -> None:
    assert suspects(words, OVERRIDES) == {name: OVERRIDES[name] for name in names}


def test_a_name_within_another_is_not_meant() -> None:
    overrides = {"log_min": "1ms", "auto_explain.log_min_duration": "abc"}
    words = ['WARNING:  invalid value for parameter "auto_explain.log_min_duration": "abc"']
    assert suspects(words, overrides) == {"auto_explain.log_min_duration": "abc"}


@pytest.mark.parametrize("output", [["refused"], ["refused", ""], ["accepted", "LOG:  something"], ["killed"]])
def test_an_answer_that_says_nothing_is_none(output: list[str]) -> None:
    with pytest.raises(ValueError, match="not an answer of the trial"):
        Trial().process(output)
