"""What the errors of the store have in common."""

import re
from typing import Any, ClassVar


class EventStoreError(Exception):
    """An error that the store's functions raise."""

    sqlstate: ClassVar[str]

    def __init__(self, message: str, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.detail, self.hint = message, detail, hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.detail, self.hint) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would be pickled with its first argument only.
        return type(self), (self.message, self.detail, self.hint)

    def _detail(self, pattern: str) -> re.Match[str]:
        match = re.search(pattern, self.detail)
        if match is None:
            raise ValueError(f"the detail of {self.sqlstate} is not understood: {self.detail!r}")
        return match
