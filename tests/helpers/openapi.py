"""The OpenAPI document of the shipped files, and sets of readings that together have every value of every reading."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from helpers.engine_client import shipped_config

from mockserver.contract.readings import DEFAULTS, READINGS, Reading
from mockserver.server.openapi import openapi_document


def _values(reading: Reading) -> tuple[Any, ...]:
    return reading.names or (reading.default, reading.minimum)


READING_SETS = [
    {name: _values(reading)[index % len(_values(reading))] for name, reading in READINGS.items()}
    for index in range(max(len(_values(reading)) for reading in READINGS.values()))
]
"""The first has the defaults; every value occurs in one of them. Of numbers the default and the lowest."""


@functools.cache
def _document(lang: Any, readings: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return openapi_document(shipped_config(), {**DEFAULTS, **dict(readings)}, lang=lang)


def document(lang: Any = "en", **readings: Any) -> dict[str, Any]:
    """The document of the shipped files. It is shared, so do not change it."""
    return _document(lang, tuple(sorted(readings.items())))


def answers(found: dict[str, Any], operation: str) -> jsonschema_rs.Draft202012Validator:
    """A validator for the answers of an operation that knows the components of the document."""
    responses = found["paths"][f"/v2/video/{operation}"]["post"]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": found["components"]})


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(item)


def parameters(**readings: Any) -> dict[str, Any]:
    """The query parameters by name."""
    found: dict[str, Any] = document(**readings)["components"]["parameters"]
    return found


def schema_of(pointer: str, **readings: Any) -> Any:
    """A component, or the part of it at `Component/Field`."""
    found = document(**readings)["components"]["schemas"]
    name, _, field = pointer.partition("/")
    part = found[name]["properties"].get(field) if field else found.get(name)
    return found[part["$ref"].rpartition("/")[2]] if part and "$ref" in part else part
