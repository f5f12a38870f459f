"""The envelope of every answer (§1.4) and the one place that turns an answer into bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

FIELDS = ("Status", "ErrorCode", "ErrorInfo")


def success(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` behind the envelope of a success."""
    return {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **fields}


def failure(code: int, info: str) -> dict[str, Any]:
    """The envelope alone, as every failure is told."""
    return {"Status": "FAIL", "ErrorCode": code, "ErrorInfo": info}


def encode(answer: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON in the order of the keys; TypeError for what JSON cannot say."""
    # orjson gives bytes in a buffer that is larger than they are; what the journal keeps shall take no more than it is.
    return bytes(memoryview(orjson.dumps(answer)))
