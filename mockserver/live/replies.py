"""A request to a target with its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.core.text import Text
from mockserver.live.answers import is_envelope, is_success

Body = Mapping[str, Any] | bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A request and its answer, if there was one."""

    operation: str
    body: Body
    request: str  # As a shell command, without the signature.
    status: int = 0
    value: Any = None
    at: float = 0.0  # When the request was signed, in seconds by the target's clock.
    raw: bytes = b""
    problem: Text | None = None  # Why there is no answer.
    unrecorded: bool = False  # Whether the target is a mock whose recording does not contain the answer.

    @property
    def ok(self) -> bool:
        """Whether the target reports a success."""
        return is_success(self.value)

    @property
    def code(self) -> int | None:
        """The ErrorCode of a failure; None for other answers."""
        code = self.value.get("ErrorCode") if is_envelope(self.value) and not self.ok else None
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    @property
    def info(self) -> str:
        """The ErrorInfo, empty if there is none."""
        info = self.value.get("ErrorInfo") if isinstance(self.value, dict) else ""
        return info if isinstance(info, str) else ""

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a list in the answer; an empty list if there is no such list."""
        rows = self.value.get(name) if isinstance(self.value, dict) else None
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
