"""The envelope of every answer (§1.4), and the bytes of JSON: an answer's, and those of a request that is plain."""

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


def encode_json(answer: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON in the order of the keys; TypeError for what JSON cannot say."""
    # orjson gives bytes in a buffer that is larger than they are; what the journal keeps shall take no more than it is.
    return bytes(memoryview(orjson.dumps(answer)))


_PLAIN = frozenset((str, int))


def parse_flat_object(body: bytes) -> dict[str, Any] | None:
    """The object of texts and whole numbers that `body` says; None for all that wants a closer look, mistakes included.

    orjson takes the last of two equal keys. An object that has as many members as its text has colons has no such two.
    """
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    if (
        type(value) is dict
        and len(value) == body.count(b":")
        and _PLAIN.issuperset(map(type, value.values()))
    ):
        return value
    return None
