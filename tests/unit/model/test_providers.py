"""Each provider keeps what is written, with the real age and the real `pass`, and says what is wrong before that."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from declared import container, lxc_host

from deploy.model.containers import Container
from deploy.model.passwords import Passwords
from deploy.model.providers import (
    IDENTITY,
    AgeFile,
    Environment,
    LocalFile,
    PasswordError,
    PasswordStore,
    Provider,
    provider,
)
from deploy.model.remembered import Remembered
from deploy.model.settings import Settings

DOCUMENT = b'{"one": {"stock_analysis_user": "correct-horse-battery-staple"}}\n'
ENTRY = "event-store/prod"


def identity_file(path: Path, *identities: pyrage.x25519.Identity) -> Path:
    """As age-keygen writes it."""
    path.write_text("# created: today\n" + "".join(f"{identity}\n" for identity in identities))
    path.chmod(0o600)
    return path


@pytest.fixture
def mine() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def age(tmp_path: Path, mine: pyrage.x25519.Identity) -> AgeFile:
    return AgeFile(tmp_path / "secrets" / "prod.age", {IDENTITY: str(identity_file(tmp_path / "key.txt", mine))})


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with a key of its own and a password store that is not initialised."""
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    (home / "store").mkdir()
    environment = os.environ | {"GNUPGHOME": str(home), "PASSWORD_STORE_DIR": str(home / "store")}
    key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "operator", "future-default"]
    subprocess.run(key, env=environment, check=True)
    yield environment
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


@pytest.fixture(scope="module")
def initialised(gpg: dict[str, str]) -> dict[str, str]:
    environment = gpg | {"PASSWORD_STORE_DIR": gpg["PASSWORD_STORE_DIR"] + "-initialised"}
    subprocess.run(["pass", "init", "operator"], env=environment, check=True, capture_output=True)
    return environment


def keeps(kept: Provider) -> None:
    assert kept.stores
    assert kept.read() is None
    kept.write(DOCUMENT)
    assert kept.read() == DOCUMENT
    kept.write(b"{}\n")
    assert kept.read() == b"{}\n"


def test_a_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0o700)
    keeps(LocalFile(tmp_path / "s" / "prod.json"))


def test_an_age_file(age: AgeFile) -> None:
    keeps(age)
    age.write(DOCUMENT)
    assert b"correct-horse" not in age.path.read_bytes()


def test_pass(initialised: dict[str, str]) -> None:
    keeps(PasswordStore(ENTRY, initialised))


def test_a_rotation_is_stored_by_each_that_stores(age: AgeFile, initialised: dict[str, str], tmp_path: Path) -> None:
    for kept in (age, PasswordStore("rotated", initialised)):
        passwords = Passwords(Remembered(kept), {}, tmp_path / "x" / "lock")
        assert passwords.get_or_generate("one", "stock_analysis_user")
        for step in (passwords.prepare, passwords.switch, passwords.end, passwords.settle):
            step("one")
        assert passwords.logins("one").let_in == ("stock_analysis_user_a",)
        assert passwords.get("one", "stock_analysis_user") is None


def test_an_age_file_is_encrypted_to_all_its_recipients(
    age: AgeFile, mine: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    colleague = pyrage.x25519.Identity.generate()
    age.path.parent.mkdir()
    recipients = age.path.with_name("prod.age.recipients")
    recipients.write_text(f"# mine\n{mine.to_public()}\n\n{colleague.to_public()}\n")
    age.write(DOCUMENT)
    theirs = AgeFile(age.path, {IDENTITY: str(identity_file(tmp_path / "theirs.txt", colleague))})
    assert theirs.read() == age.read() == DOCUMENT
    stranger = AgeFile(
        age.path, {IDENTITY: str(identity_file(tmp_path / "other.txt", pyrage.x25519.Identity.generate()))}
    )
    with pytest.raises(PasswordError, match="cannot be decrypted; EVENT_STORE_AGE_IDENTITY has to name an identity"):
        stranger.read()
    recipients.write_text(f"{colleague.to_public()}\n")
    with pytest.raises(PasswordError, match=f"none of the recipients is yours; add {mine.to_public()}"):
        age.write(b"{}")
    recipients.write_text("age1nonsense\n")
    with pytest.raises(PasswordError, match="has to be a recipient of age"):
        age.write(b"{}")
    assert age.read() == DOCUMENT


def test_an_age_file_takes_an_identity(age: AgeFile, tmp_path: Path) -> None:
    with pytest.raises(PasswordError, match=f"{IDENTITY} is not set; export the path of your identity"):
        AgeFile(age.path, {}).read()
    for text in ("", "nonsense\n", "\x80"):
        (tmp_path / "bad.txt").write_text(text)
        (tmp_path / "bad.txt").chmod(0o600)
        with pytest.raises(PasswordError, match="is no identity of age"):
            AgeFile(age.path, {IDENTITY: str(tmp_path / "bad.txt")}).read()
    with pytest.raises(PasswordError, match="is no identity of age"):
        AgeFile(age.path, {IDENTITY: str(tmp_path / "absent.txt")}).read()
    (tmp_path / "key.txt").chmod(0o644)
    with pytest.raises(PasswordError, match="has mode 0644, others can read it"):
        age.read()


def test_pass_that_is_not_initialised_is_refused(gpg: dict[str, str]) -> None:
    kept = PasswordStore(ENTRY, gpg)
    with pytest.raises(PasswordError, match=r"the entry event-store/prod of pass cannot be used: .*see `pass init`"):
        kept.read()
    with pytest.raises(PasswordError, match="see `pass init`"):
        kept.write(DOCUMENT)


def test_pass_without_the_key_is_refused(initialised: dict[str, str], tmp_path: Path) -> None:
    PasswordStore(ENTRY, initialised).write(DOCUMENT)
    tmp_path.chmod(0o700)
    stranger = PasswordStore(ENTRY, initialised | {"GNUPGHOME": str(tmp_path)})
    with pytest.raises(PasswordError, match="cannot be used") as error:
        stranger.read()
    with pytest.raises(PasswordError, match="cannot be used"):
        stranger.write(b"{}")
    assert "correct-horse" not in str(error.value)
    assert PasswordStore(ENTRY, initialised).read() == DOCUMENT


def test_pass_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PasswordError, match="pass is not installed on this machine; install it"):
        PasswordStore(ENTRY, {"PATH": str(tmp_path)}).read()


def test_the_environment_stores_nothing_and_generates_nothing(tmp_path: Path) -> None:
    passwords = Passwords(Remembered(Environment()), {}, tmp_path / "x" / "lock")
    with pytest.raises(PasswordError, match='"environment" generates no password; export EVENT_STORE_PASSWORD_'):
        passwords.get_or_generate("one", "stock_analysis_user")
    assert passwords.problems("one") == [
        'one: "secrets": "environment", and EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER is not set; export it'
    ]
    with pytest.raises(PasswordError, match="cannot store"):
        Environment().write(b"")


def test_a_variable_beside_a_rotated_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s" / "prod.json"
    passwords = Passwords(Remembered(LocalFile(path)), {}, path)
    passwords.get_or_generate("one", "stock_analysis_user")
    passwords.prepare("one")
    passwords.switch("one")
    with pytest.raises(PasswordError, match="is set, and one logs in as stock_analysis_user_a since"):
        Passwords(
            Remembered(LocalFile(path)), {"EVENT_STORE_PASSWORD_STOCK_ANALYSIS_USER": "another-one-7"}, path
        ).logins("one")


def test_pass_is_asked_once_in_a_run_which_knows_what_it_wrote_and_keeps_what_others_did(
    initialised: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, program = tmp_path / "asked", tmp_path / "bin" / "pass"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$1" >> {asked}\nexec {shutil.which("pass")} "$@"\n')
    program.chmod(0o755)
    for name in ("GNUPGHOME", "PASSWORD_STORE_DIR"):
        monkeypatch.setenv(name, initialised[name])
    PasswordStore("once", initialised).write(DOCUMENT)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def run() -> list[Passwords]:
        stores: dict[str, Container] = {
            name: container(name=name, secrets="pass:once") for name in ("one", "two", "three")
        }
        settings = Settings(hosts={"@local": lxc_host()}, containers=stores, file="prod.py")
        # Anew each time, as parts and steps do.
        return [settings.passwords_of(store) for store in settings.event_stores]

    one, two, three = run()
    for passwords in (one, two, three):
        assert passwords.problems("one") == []
        assert passwords.get("one", "stock_analysis_user") == "correct-horse-battery-staple"
    assert asked.read_text().split() == ["show"]
    one.prepare("one")
    assert two.logins("one").next == "stock_analysis_user_a"
    another = run()[0].get_or_generate("two", "stock_analysis_user")
    assert three.get_or_generate("three", "stock_analysis_user")
    assert one.get("two", "stock_analysis_user") == another


@pytest.mark.parametrize(
    ("declared", "kind"),
    [("file", LocalFile), ("age:secrets/prod.age", AgeFile), ("pass:a/b", PasswordStore), ("environment", Environment)],
)
def test_the_key_chooses_one(declared: str, kind: type[object], tmp_path: Path) -> None:
    assert type(provider(declared, tmp_path / "prod.json", {})) is kind
