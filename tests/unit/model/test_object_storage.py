"""A repository in a bucket: what is refused before anything is touched, and what pgBackRest is told."""

from pathlib import Path
from typing import Any

import pytest

from deploy.backups.config import repository_configuration
from deploy.model.inventory import Entry, make_settings
from deploy.model.object_storage import storage_problems
from deploy.model.settings import Settings

BUCKET = {"s3_bucket": "kept-here", "s3_endpoint": "storage.example.net", "s3_region": "eu-1"}


def made(**declared: Any) -> Settings:
    """An inventory of one repository."""
    where = {"lxc_host": "@local", "lxc_name": "kept", "address": "10.0.3.20"}
    entries = [
        Entry("@local", ("lxc_hosts",), {}),
        Entry("@lxc/kept", ("backup_repositories",), {**where, **declared}),
    ]
    return make_settings(entries, "inventory/some.py")


class Given:
    """Stands for `Passwords`: some entries, in one place."""

    where = "passwords.json"

    def __init__(self, **entries: str) -> None:
        self.entries = entries

    def get(self, _container: str, entry: str) -> str | None:
        return self.entries.get(entry)


def problems(declared: dict[str, Any], **entries: str) -> list[str]:
    [repository] = made(**declared).repositories
    return storage_problems(repository, "some.py: @lxc/kept", Given(**entries))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"s3_endpoint": "storage.example.net"}, "\"s3_endpoint\": 'storage.example.net' without \"s3_bucket\"; name the bucket"),
        ({"s3_bucket": "kept-here", "s3_region": "eu-1"}, 'without "s3_endpoint"; give it'),
        ({"s3_bucket": "kept-here", "s3_endpoint": "storage.example.net"}, 'without "s3_region"; give it'),
        ({**BUCKET, "s3_authorities": "no/such.crt"}, "'no/such.crt' cannot be read"),
        ({**BUCKET, "s3_authorities": "README.md"}, "README.md has no certificate as PEM"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(declared: dict[str, Any], said: str) -> None:
    [problem] = problems(declared, s3_key="a", s3_secret="b")
    assert problem.startswith("some.py: @lxc/kept: ")
    assert said in problem


def test_a_key_that_is_missing_is_named_with_its_place() -> None:
    assert problems(BUCKET, s3_key="a") == [
        'some.py: @lxc/kept: "s3_bucket": passwords.json has no entry s3_secret of @lxc/kept; put it there'
    ]
    assert problems({}) == []


def configured(**declared: Any) -> str:
    settings = made(**declared)
    return repository_configuration(settings.repositories[0], settings)


def test_pgbackrest_is_told_of_the_bucket(tmp_path: Path) -> None:
    text = configured(**BUCKET, s3_addressing="path")
    for line in ("repo1-type=s3", "repo1-path=/kept", "repo1-s3-bucket=kept-here", "repo1-s3-endpoint=storage.example.net",
                 "repo1-storage-port=443", "repo1-s3-uri-style=path", "repo1-cipher-type=aes-256-cbc"):  # fmt: skip
        assert f"{line}\n" in text
    assert "repo1-storage-ca-file" not in text
    certificate = tmp_path / "own.crt"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    own = configured(**BUCKET | {"s3_endpoint": "storage:9000"}, s3_authorities=str(certificate))
    assert "repo1-s3-endpoint=storage\nrepo1-storage-port=9000\n" in own
    assert "repo1-storage-ca-file=/etc/pgbackrest/object-storage.crt\n" in own


def test_without_a_bucket_it_is_on_the_volume() -> None:
    assert "repo1-path=/srv/backups/repository\n" in configured()
    assert "s3" not in configured()
