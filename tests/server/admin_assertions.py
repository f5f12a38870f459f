"""Assertions and helpers shared by the tests of the admin API."""

from __future__ import annotations

import re
from typing import Any


def assert_error(response: Any, status: int, *texts: str) -> dict[str, str]:
    """Assert that a response is a JSON error whose message contains the texts; return its body."""
    assert response.status == status, response
    assert response.headers["content-type"] == "application/json"
    assert set(response.json) == {"error", "message"}
    for text in texts:
        assert text in response.json["message"]
    return response.json


def fill_path(path: str, appkey: str = "123456789") -> str:
    """Return a path of the route table with its variables filled in."""
    path = path.replace("<appkey>", appkey).replace("<name>", "docs.css")
    return re.sub(r"<\w+>", "1", path)


def reading_value(readings: dict[str, Any], name: str) -> Any:
    """Return the current value of one reading."""
    return next(row["value"] for row in readings["readings"] if row["name"] == name)
