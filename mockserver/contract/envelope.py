"""The envelope of every response (§1.4), and JSON as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

FIELDS = ("Status", "ErrorCode", "ErrorInfo")
_FLAT_TYPES = frozenset((str, int))


def success(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` after the envelope of a success."""
    return {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **fields}


def failure(code: int, info: str) -> dict[str, Any]:
    """Return the envelope of a failure, which has no other fields."""
    return {"Status": "FAIL", "ErrorCode": code, "ErrorInfo": info}


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Return compact UTF-8 JSON that keeps the key order; raise TypeError for values that JSON cannot express."""
    # orjson returns bytes in an oversized buffer; the copy keeps the journal within its memory limit.
    return bytes(memoryview(orjson.dumps(value)))


def parse_flat_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in `body` if all its values are strings or integers, otherwise None.

    None means that the body needs the thorough parser, as it does for duplicate keys, of which orjson keeps only the
    last: they are suspected if the text has more colons than the object has members.
    """
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    if type(value) is dict and len(value) == body.count(b":") and _FLAT_TYPES.issuperset(map(type, value.values())):
        return value
    return None
