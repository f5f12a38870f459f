"""What an admin request asks for, taken apart. The routes and the pages read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.core.errors import ControlError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text


@dataclass(frozen=True)
class Asked:
    """What an admin request asks for: the app it is about, words of the path, of the query and of the body."""

    appkey: str | None
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]


def arguments(body: Mapping[str, Any], **kinds: tuple[type, ...]) -> dict[str, Any]:
    """The fields of a JSON body, each of one of its kinds; ControlError for any other."""
    for name, value in body.items():
        if name not in kinds:
            raise ControlError(422, "unknown_field", unknown("field", name, kinds))
        if (isinstance(value, bool) and bool not in kinds[name]) or not isinstance(value, kinds[name]):
            words = " or ".join(kind.__name__ for kind in kinds[name])
            raise ControlError(
                422, "invalid_field", Text(f"{name} must be {words}", f"{name} 的类型应为 {words}")
            )
    return dict(body)
