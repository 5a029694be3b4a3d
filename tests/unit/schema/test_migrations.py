from pathlib import Path

import pytest

from deploy.machine.psql import LOCK_TIMEOUT
from deploy.schema import catalogue, migrations
from deploy.schema.migrations import Applied, Migration, MigrationError

#: The migrations that stores in the world have applied, from 0001 on; a new one is added when it is released.
RELEASED = (
    "5474435a7a3be76cb3e44fd2f146692c4a6734a2cc8f9b63f371377088c55fe9",
    "ac880e6426ba691e97bed36bcd06592614c64aead74c06e44b530093b658171d",
    "1339aa8ca7e4e20629c4dbd39be0c9e0b371350458557fc9fd84d3a23e72e643",
    "3d48e81ba1f18de869faf1c0eae9f7b0adde7dd418079009b5b8ff87b30dcca7",
    "e4d7440eae46fc7341574c6de2d6f5769ff46fb0b558aa02ba9c52f63f49992c",
    "d68aaf9ec195724c22560e57a21fcf43bacffac17b741525a230ed55479b553c",
    "265af1a3a8a1ae01bc07b2400c628c02ea93d190cbcb6e2fa4401e6e3bb1be61",
    "fd6c0f4e6874ac38236399fc1668d692867b03a6589e31124ec26bcef88f937a",
    "89beb3afbf3ab98bc4fef41b141fa9e32a403d25af24f3af949e65c1643a70cb",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("0001_first", "0002_second"), start=1):
        (tmp_path / name).mkdir()
        (tmp_path / name / "up.sql").write_text(f"CREATE TABLE t{number} ();\n")
        (tmp_path / name / "down.sql").write_text(f"DROP TABLE t{number};\n")
    return tmp_path


def _applied(*steps: Migration) -> list[Applied]:
    return [Applied(step.version, step.name, step.sha256) for step in steps]


def test_migrations_are_read_in_the_order_of_their_versions(folder: Path) -> None:
    first, second = migrations.load(folder)
    assert (str(first), str(second)) == ("0001_first", "0002_second")
    assert first.up == "CREATE TABLE t1 ();\n"
    assert second.down == "DROP TABLE t2;\n"


def test_a_gap_is_refused(folder: Path) -> None:
    (folder / "0002_second").rename(folder / "0003_second")
    with pytest.raises(MigrationError, match=r"0003_second stands where version 0002 should"):
        migrations.load(folder)


def test_a_version_given_twice_is_refused(folder: Path) -> None:
    (folder / "0002_second").rename(folder / "0001_second")
    with pytest.raises(MigrationError, match="each once"):
        migrations.load(folder)


def test_a_folder_without_a_number_is_refused(folder: Path) -> None:
    (folder / "notes").mkdir()
    with pytest.raises(MigrationError, match="not named like 0001_event_store"):
        migrations.load(folder)


@pytest.mark.parametrize("name", ["up.sql", "down.sql"])
def test_both_directions_are_needed(folder: Path, name: str) -> None:
    (folder / "0002_second" / name).unlink()
    with pytest.raises(MigrationError, match=f"{name} is missing"):
        migrations.load(folder)


@pytest.mark.parametrize("statement", ["COMMIT;", "  begin;", "ROLLBACK TO SAVEPOINT a;", "START TRANSACTION;"])
def test_a_migration_does_not_end_its_own_transaction(folder: Path, statement: str) -> None:
    (folder / "0001_first" / "up.sql").write_text(f"SELECT 1;\n{statement}\n")
    with pytest.raises(MigrationError, match="one transaction"):
        migrations.load(folder)


def test_the_begin_of_a_function_body_is_no_transaction(folder: Path) -> None:
    (folder / "0001_first" / "up.sql").write_text("DO $$\nBEGIN\n    PERFORM 1;\nEND\n$$;\n")
    assert len(migrations.load(folder)) == 2


def test_what_the_ledger_lacks_is_pending(folder: Path) -> None:
    first, second = migrations.load(folder)
    assert migrations.pending((first, second), []) == (first, second)
    assert migrations.pending((first, second), _applied(first)) == (second,)
    assert migrations.pending((first, second), _applied(first, second)) == ()


def test_an_edited_migration_is_refused_with_its_version_its_file_and_what_to_do(folder: Path) -> None:
    ledger = _applied(*migrations.load(folder))
    (folder / "0001_first" / "up.sql").write_text("CREATE TABLE other ();\n")
    with pytest.raises(MigrationError) as refused:
        migrations.pending(migrations.load(folder), ledger)
    for part in ("version 0001_first", f"{folder}/0001_first/up.sql has been edited", "into a new migration"):
        assert part in str(refused.value)


def test_an_edited_down_file_is_no_reason_to_refuse(folder: Path) -> None:
    ledger = _applied(*migrations.load(folder))
    (folder / "0001_first" / "down.sql").write_text("DROP TABLE t1 CASCADE;\n")
    assert migrations.pending(migrations.load(folder), ledger) == ()


def test_a_version_of_a_newer_checkout_is_refused(folder: Path) -> None:
    first, second = migrations.load(folder)
    with pytest.raises(MigrationError, match="0002_second was applied, but this checkout does not know it: a newer"):
        migrations.pending((first,), _applied(first, second))


def test_the_lock_is_taken_before_the_ledger_is_looked_at(folder: Path) -> None:
    first, _ = migrations.load(folder)
    script = migrations.up_script(first, "-- ledger")
    order = ["lock_timeout = '1min'", "pg_advisory_xact_lock", "-- ledger", "AS pending"]
    order += [f"lock_timeout = '{LOCK_TIMEOUT}'", "SET LOCAL ROLE event_store_owner"]
    order += [first.up, "SET LOCAL ROLE NONE", first.sha256, "\\endif"]
    places = [script.index(part) for part in order]
    assert places == sorted(places)


def test_a_migration_is_taken_back_with_its_ledger_row(folder: Path) -> None:
    first, _ = migrations.load(folder)
    script = migrations.down_script(first, "-- ledger", "-- guard")
    order = ["lock_timeout = '1min'", "pg_advisory_xact_lock", "-- ledger", "is not the last migration"]
    order += [f"lock_timeout = '{LOCK_TIMEOUT}'", "-- guard"]
    order += ["SET LOCAL ROLE event_store_owner", first.down, "SET LOCAL ROLE NONE", "DELETE FROM deployment.reference"]
    order += ["DELETE FROM deployment.migrations WHERE version = 1"]
    places = [script.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "version"), [(0, 0), ("0", 0), ("0000", 0), (1, 1), ("0002", 2), ("0002_second", 2), ("2_second", 2)]
)
def test_a_target_is_a_number_or_a_name(folder: Path, text: object, version: int) -> None:
    assert migrations.target(text, migrations.load(folder)) == version


@pytest.mark.parametrize("text", [None, "", "second", -1, "1.5", True, "1;2", [1]])
def test_what_is_no_target_is_refused_with_those_that_there_are(folder: Path, text: object) -> None:
    with pytest.raises(MigrationError, match="--data to=NNNN, one of 0000, 0001_first, 0002_second"):
        migrations.target(text, migrations.load(folder))


@pytest.mark.parametrize("text", [3, "0003", "0002_first", "0002_", "12345"])
def test_a_target_that_is_not_there_is_refused(folder: Path, text: object) -> None:
    with pytest.raises(MigrationError, match="0000, 0001_first, 0002_second"):
        migrations.target(text, migrations.load(folder))


def test_the_migrations_of_this_repository_are_in_order() -> None:
    assert [step.version for step in catalogue.load().migrations][:1] == [1]


def test_released_migrations_are_as_they_were_released() -> None:
    there = [migration.sha256 for migration in catalogue.load().migrations]
    assert there[: len(RELEASED)] == list(RELEASED), "a store that has applied them refuses the deploy: write a new one"
