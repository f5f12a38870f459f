"""The fields of a fault: declared once, and used for the JSON Schema that checks them, for help and for documentation.

Works for any frozen, keyword-only dataclass whose fields come from `integer`, `number`, `choice`, `string`,
`nested`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

from mockserver.core.errors import InvalidPart, Mistakes

T = TypeVar("T")


class FaultError(InvalidPart):
    """An invalid fault: where in its description, and what is expected there."""


def integer(en: str, zh: str, minimum: int, maximum: int, default: Any = MISSING) -> Any:
    """Declare a field for an integer between `minimum` and `maximum`, both included."""
    return _field(en, zh, default, type="integer", minimum=minimum, maximum=maximum)


def number(
    en: str, zh: str, minimum: float | None, maximum: float, default: Any = MISSING, *, above: Any = None
) -> Any:
    """Declare a field for a number from `minimum` to `maximum`, or greater than `above`."""
    lower = {"exclusiveMinimum": above} if minimum is None else {"minimum": minimum}
    return _field(en, zh, default, type="number", **lower, maximum=maximum)


def choice(en: str, zh: str, *choices: str, default: Any = MISSING) -> Any:
    """Declare a field for one of a few strings."""
    return _field(en, zh, default, enum=list(choices))


def string(en: str, zh: str, pattern: str, max_length: int, default: Any = MISSING) -> Any:
    """Declare a field for a string that matches `pattern` in full."""
    return _field(en, zh, default, type="string", maxLength=max_length, pattern=f"^{pattern}$")


def nested(en: str, zh: str, cls: type[Any]) -> Any:
    """Declare an optional field for a mapping with the fields of the dataclass `cls`."""
    return _field(en, zh, None, cls, **object_schema(cls))


def _field(en: str, zh: str, default: Any, inner: type[Any] | None = None, **schema: Any) -> Any:
    schema = {"description": en, "x-description-zh": zh, **schema}
    if default is not MISSING and default is not None:
        schema["default"] = default
    return dataclasses.field(default=default, metadata={"schema": schema, "nested": inner})


def field_schemas(cls: type[Any]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each field of a dataclass."""
    return {field.name: field.metadata["schema"] for field in dataclasses.fields(cls)}


def object_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of the mapping that `make` reads as `cls`."""
    schema = {"type": "object", "properties": field_schemas(cls), "additionalProperties": False}
    if required := [field.name for field in dataclasses.fields(cls) if field.default is MISSING]:
        schema["required"] = required
    if exactly_one := getattr(cls, "exactly_one", ()):
        schema["oneOf"] = [{"required": [name]} for name in exactly_one]
    return schema


def make(cls: type[T], given: Mapping[str, Any]) -> T:
    """Return `cls` with those of its fields that are in `given`, which is valid by its JSON Schema."""
    values: dict[str, Any] = {}
    mistakes = Mistakes()
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name in given:
            value, inner = given[field.name], field.metadata["nested"]
            with mistakes.collect(field.name):
                values[field.name] = make(inner, value) if inner else value
    mistakes.check(FaultError)
    return cls(**values)


def to_mapping(fields: Any) -> dict[str, Any]:
    """Return the mapping that `make` reads as the dataclass `fields`, without None values."""
    return {
        name: to_mapping(value) if dataclasses.is_dataclass(value) else value
        for name in field_schemas(type(fields))
        if (value := getattr(fields, name)) is not None
    }
