"""Where a repository keeps what is backed up, if not on its own volume: a bucket of an object storage that speaks S3."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from deploy.model.containers import Container
from deploy.model.passwords import Passwords
from deploy.model.project import ROOT

#: The entries, among the passwords of a repository, that open the bucket.
KEY_ENTRY, SECRET_ENTRY = "s3_key", "s3_secret"
_LIVE: Final = "live: Event stores and repository go on with it at once. What is kept elsewhere is not moved."
_AUTHORITY: Final = "-----BEGIN CERTIFICATE-----"


class ObjectStorage(Container):
    """The keys of a repository that say in which bucket it keeps what is backed up."""

    s3_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = Field(
        default=None,
        json_schema_extra={
            "change": "live: The event stores are backed up there from now on, beginning with a full backup. What is kept elsewhere stays there."
        },
    )
    """The bucket in which backups and WAL are kept, instead of on the data volume, below the container's name. It has to be there. Access
    key and secret key are the entries ``s3_key`` and ``s3_secret`` of the repository's container, where its ``secrets`` are. See
    [a bucket instead of a volume](operations/backups.md#a-bucket-instead-of-a-volume). Default: none."""

    s3_endpoint: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d{1,5})?$")] | None = Field(
        default=None, json_schema_extra={"change": _LIVE}
    )
    """Name of the object storage, with a port if it is not 443. Default: none."""

    s3_region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] | None = Field(
        default=None, json_schema_extra={"change": _LIVE}
    )
    """Its region. Storage that knows no regions takes any. Default: none."""

    s3_addressing: Literal["host", "path"] = Field(default="host", json_schema_extra={"change": _LIVE})
    """Whether the bucket is named in the host name, as most expect it, or in the path."""

    s3_authorities: str | None = Field(default=None, json_schema_extra={"change": _LIVE})
    """A file on your machine with the certificates that the storage is checked by, as PEM. A relative path is below the checkout. Default:
    those that Debian knows."""

    @property
    def storage_host(self) -> tuple[str, int]:
        """Name and port of the object storage, if there is one."""
        name, _, port = (self.s3_endpoint or "").partition(":")
        return name, int(port or 443)

    def storage_authorities(self) -> str | None:
        """The certificates that the storage is checked by. Raises `OSError`."""
        return (ROOT / self.s3_authorities).read_text(encoding="utf-8") if self.s3_authorities else None


def storage_problems(repository: ObjectStorage, where: str, passwords: Passwords) -> list[str]:
    """What is wrong with the bucket of a repository, each with key, value and remedy; ``where``: what they begin with.

    Raises `PasswordError`.
    """
    if repository.s3_bucket is None:
        others = {"s3_endpoint": repository.s3_endpoint, "s3_region": repository.s3_region,
                  "s3_authorities": repository.s3_authorities}  # fmt: skip
        return [f'{where}: "{key}": {value!r} without "s3_bucket"; name the bucket, or take the key out'
                for key, value in others.items() if value]  # fmt: skip
    problems = [
        f'{where}: "s3_bucket": {repository.s3_bucket!r} without "{key}"; give it'
        for key, value in {"s3_endpoint": repository.s3_endpoint, "s3_region": repository.s3_region}.items()
        if value is None
    ]
    problems += [
        f'{where}: "s3_bucket": {passwords.where} has no entry {entry} of {repository.name}; put it there'
        for entry in (KEY_ENTRY, SECRET_ENTRY)
        if not passwords.get(repository.name, entry)
    ]
    return problems + _authority_problems(repository, where)


def _authority_problems(repository: ObjectStorage, where: str) -> list[str]:
    said = f'{where}: "s3_authorities": {repository.s3_authorities!r}'
    path = Path(repository.s3_authorities or "")
    try:
        text = repository.storage_authorities()
    except (OSError, UnicodeDecodeError) as error:
        return [f"{said} cannot be read ({error}); name a file with certificates as PEM"]
    return (
        [f"{said}: {path.name} has no certificate as PEM; name a file that has"]
        if text and _AUTHORITY not in text
        else []
    )
