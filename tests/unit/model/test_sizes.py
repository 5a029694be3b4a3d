import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.sizes import GIB, KIB, MIB, TIB, format_postgres, parse_postgres, parse_postgres_count, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MiB", 512 * MIB),
        ("8GiB", 8 * GIB),
        ("2GB", 2 * GIB),
        ("2G", 2 * GIB),
        ("2gb", 2 * GIB),
        ("64kB", 64 * KIB),
        ("1 TiB", TIB),
        (" 50GB ", 50 * GIB),
    ],
)
def test_a_size_is_read_in_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "8", "8 gigs", "1.5GiB", "-1GB", "GiB", "8GiBs", "8  GiB", "8PiB", "٨GiB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="not a size") as error:
        parse_size(text)
    assert str(error.value) == f'"{text}": not a size; write a whole number and a unit, for example "8GiB"'


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match='"0GiB": a size of nothing'):
        parse_size("0GiB")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1, "1B"),
        (64 * KIB, "64kB"),
        (1536 * MIB, "1536MB"),
        (2 * GIB, "2GB"),
        (TIB, "1TB"),
        (KIB + 1, "1025B"),
    ],
)
def test_a_size_is_written_in_the_largest_unit_that_is_exact(size: int, text: str) -> None:
    assert format_postgres(size) == text


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        format_postgres(-1)


@given(st.integers(min_value=1, max_value=1 << 60))
def test_what_is_written_is_read_back_as_the_same_size(size: int) -> None:
    assert parse_postgres(format_postgres(size), bare_unit=KIB) == size


@given(st.integers(min_value=1, max_value=1 << 40))
def test_both_readers_agree_on_whole_kilobytes(kilobytes: int) -> None:
    text = format_postgres(kilobytes * KIB)
    assert parse_size(text) == parse_postgres(text, bare_unit=1) == kilobytes * KIB


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("262144", 2 * GIB),
        ("1.5GB", 1536 * MIB),
        (" 2 GB ", 2 * GIB),
        ("100B", 100),
        ("0", 0),
        ("1e3kB", 1000 * KIB),
        ("0x10", 128 * KIB),
    ],
)
def test_a_setting_is_read_as_the_server_reads_it(text: str, size: int) -> None:
    assert parse_postgres(text, bare_unit=8 * KIB) == size


@pytest.mark.parametrize("text", ["2gb", "2GiB", "two", "", "-1", "1e3k"])
def test_what_the_server_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size to PostgreSQL"):
        parse_postgres(text, bare_unit=KIB)


@pytest.mark.parametrize(
    ("text", "count"),
    [("100", 100), (" 0x7d0 ", 2000), ("010", 8), ("1e4", 10_000), ("5000.0", 5000), ("+7", 7), ("2.5", 2)],
)
def test_a_number_is_read_as_the_server_reads_it(text: str, count: int) -> None:
    assert parse_postgres_count(text) == count


@pytest.mark.parametrize("text", ["", "many", "5x", "0x", "1e", "-1", "1 000"])
def test_what_is_no_number_to_the_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number to PostgreSQL"):
        parse_postgres_count(text)
