import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.database.scram import verifier
from deploy.model.passwords import Passwords, problem, variable
from deploy.model.providers import LocalFile, PasswordError
from deploy.model.remembered import Remembered

ROLE = "stock_analysis_user"
VARIABLE = "EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER"
CHOSEN = "correct-horse-battery-staple"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".secrets" / "prod.json"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700)
    path.write_text(text)
    path.chmod(0o600)
    return path


def kept(path: Path, environment: dict[str, str]) -> Passwords:
    return Passwords(Remembered(LocalFile(path)), environment, path)


def test_nothing_is_known_and_nothing_is_made_by_asking(path: Path) -> None:
    assert kept(path, {}).get("one", ROLE) is None
    assert not path.parent.exists()


def test_a_generated_password_stays(path: Path) -> None:
    password = kept(path, {}).get_or_generate("one", ROLE)
    assert kept(path, {}).get("one", ROLE) == password
    assert kept(path, {}).get_or_generate("one", ROLE) == password
    assert json.loads(path.read_text()) == {"one": {ROLE: password}}


def test_a_generated_password_is_strong_and_fits_a_verifier(path: Path) -> None:
    password = kept(path, {}).get_or_generate("one", ROLE)
    assert len(password) == 32
    assert problem(password, ROLE) is None
    assert verifier(password, iterations=1).startswith("SCRAM-SHA-256$1:")


def test_every_container_and_role_has_its_own_password(path: Path) -> None:
    passwords = kept(path, {})
    made = {(c, r): passwords.get_or_generate(c, r) for c in ("one", "two") for r in (ROLE, "monitor")}
    assert len(set(made.values())) == 4
    assert {key: passwords.get(*key) for key in made} == made


def test_only_its_owner_can_read_it_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        kept(path, {}).get_or_generate("one", ROLE)
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()} == {
        "prod.json": 0o600,
        "prod.json.lock": 0o600,
    }


def test_the_environment_wins_for_all_containers_and_writes_nothing(path: Path) -> None:
    passwords = kept(path, {VARIABLE: CHOSEN})
    assert passwords.get("one", ROLE) == passwords.get_or_generate("two", ROLE) == CHOSEN
    assert not path.exists()


def test_the_environment_gives_one_role_only(path: Path) -> None:
    assert kept(path, {VARIABLE: CHOSEN}).get("one", "monitor") is None


def test_an_empty_variable_is_not_taken_for_an_absent_one(path: Path) -> None:
    with pytest.raises(PasswordError, match=f"{VARIABLE} is set, but empty"):
        kept(path, {VARIABLE: ""}).get_or_generate("one", ROLE)


def test_a_variable_has_no_other_characters_than_a_shell_takes() -> None:
    assert variable("read-only.user") == "EVENT_STORE_PASSWORD_READ_ONLY_USER"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(path: Path, mode: int) -> None:
    written(path, json.dumps({"one": {ROLE: CHOSEN}})).chmod(mode)
    with pytest.raises(PasswordError, match=f"has mode {mode:04o}.*chmod 0600") as error:
        kept(path, {}).get("one", ROLE)
    assert CHOSEN not in str(error.value)


def test_a_directory_that_others_can_read_is_refused(path: Path) -> None:
    written(path, "{}").parent.chmod(0o755)
    with pytest.raises(PasswordError, match=r"has mode 0755.*chmod 0700"):
        kept(path, {}).get_or_generate("one", ROLE)


@pytest.mark.parametrize("text", ["", f'{{"one": "{CHOSEN}', f'["{CHOSEN}"]', f'{{"one": "{CHOSEN}"}}', "\x80"])
def test_a_file_that_is_no_table_is_refused_and_left_as_it_is(path: Path, text: str) -> None:
    written(path, text)
    with pytest.raises(PasswordError, match="fix it") as error:
        kept(path, {}).get_or_generate("one", ROLE)
    assert CHOSEN not in str(error.value)
    assert path.read_text() == text


def test_what_a_killed_run_left_behind_does_no_harm(path: Path) -> None:
    written(path, json.dumps({"one": {ROLE: CHOSEN}}))
    (path.parent / ".prod.json.abc").write_text('{"one": {"sto')
    (path.parent / "prod.json.lock").touch(mode=0o600)
    passwords = kept(path, {})
    assert passwords.get_or_generate("two", ROLE)
    assert passwords.get("one", ROLE) == CHOSEN


def test_processes_at_the_same_time_lose_nothing(path: Path) -> None:
    program = (
        "import sys, pathlib; from deploy.model.passwords import Passwords; from deploy.model.providers import LocalFile; from deploy.model.remembered import Remembered\n"
        "made = lambda path: Passwords(Remembered(LocalFile(pathlib.Path(path))), {}, pathlib.Path(path))\n"
        "for n in range(20): made(sys.argv[1]).get_or_generate(f'{sys.argv[2]}{n}', 'r')\n"
        "print(made(sys.argv[1]).get_or_generate('shared', 'r'))"
    )
    root = Path(__file__).parents[3]
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(path), name], cwd=root, stdout=subprocess.PIPE)
        for name in "abcd"
    ]
    shared = {run.communicate(timeout=60)[0] for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0, 0]
    assert len(shared) == 1
    assert len(json.loads(path.read_text())) == 81


def test_nothing_secret_is_shown(path: Path) -> None:
    passwords = kept(path, {VARIABLE: CHOSEN})
    assert repr(passwords) == str(passwords) == f"Passwords({str(path)!r})"


@pytest.mark.parametrize(
    "password",
    [
        "CHANGE_THIS_PASSWORD",
        "changeme",
        "changeme-changeme-2024",
        "password",
        "Pa$$w0rd!2345",
        "secret1234567",
        "stock_analysis_user",
        "StockAnalysisUser123",
        "stock-analysis-password",
        "analysis_stock!!2025",
        "postgres123456",
    ],
)
def test_a_placeholder_is_a_problem(password: str) -> None:
    found = problem(password, ROLE)
    assert found is not None
    assert "is a placeholder or a variant of the role's name" in found
    assert found == problem("CHANGE_THIS_PASSWORD", ROLE)  # nothing of the password is in it


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "has 0 characters; 12 are the least"),
        ("xK4-mQ9_tz2", "has 11 characters; 12 are the least"),
        ("ababababababab", "has 2 different characters; 6 are the least"),
        ("grün-wie-der-Wald", "has other than printable ASCII characters"),
        ("tab\tstop\tand\tmore", "has other than printable ASCII characters"),
    ],
)
def test_a_weak_password_is_a_problem_with_its_reason(password: str, reason: str) -> None:
    found = problem(password, ROLE)
    assert found is not None
    assert f"the password of {ROLE} {reason}" in found
    assert "openssl rand" in found
    assert not password or password not in found


@pytest.mark.parametrize("password", [CHOSEN, "my secret garden 17", "834927-834927-16"])
def test_a_good_password_is_no_problem(password: str) -> None:
    assert problem(password, ROLE) is None


@given(st.binary(min_size=24, max_size=24).filter(lambda token: len(set(token)) > 12))
def test_a_random_password_is_no_problem(token: bytes) -> None:
    assert problem(base64.urlsafe_b64encode(token).decode(), ROLE) is None
