"""What an admin request asks for, taken apart. The routes and the pages read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """What an admin request asks for: the app it is about, words of the path, of the query and of the body."""

    appkey: str | None
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
