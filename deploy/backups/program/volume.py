"""Where this program may write: the data volume of the container that it runs in."""

from pathlib import Path

_REPOSITORY = Path("/srv/backups")
_COPY = Path("/srv/postgresql")
VOLUME = _REPOSITORY if _REPOSITORY.is_dir() else _COPY
