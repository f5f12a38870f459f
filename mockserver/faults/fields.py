"""The fields of a fault: declared once, and used for parsing, error messages and JSON Schema.

Works for any frozen, keyword-only dataclass whose fields come from `integer`, `number`, `choice`, `string`,
`nested`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, Literal, TypeVar

from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Text

Pointer = tuple[str | int, ...]
T = TypeVar("T")
_TYPE_TEXTS = {
    "integer": Text("a whole number", "整数"),
    "number": Text("a number", "数字"),
    "string": Text("text", "文本"),
    "object": Text("a mapping", "映射"),
}


class FaultError(ValueError):
    """An invalid fault: where in its description, and what is expected there."""

    def __init__(self, pointer: Pointer, text: Text) -> None:
        self.pointer, self.text = pointer, text
        super().__init__(f"{'.'.join(map(str, pointer))}: {text.en}" if pointer else text.en)


@dataclass(frozen=True, slots=True)
class Spec:
    """What one field accepts."""

    value_type: Literal["integer", "number", "string", "object"]
    text: Text
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    max_length: int = 0
    nested: type[Any] | None = None  # The dataclass of a nested mapping.

    def schema(self, default: Any = MISSING) -> dict[str, Any]:
        """Return the JSON Schema of the field, with its texts."""
        if self.nested is not None:
            schema = object_schema(self.nested)
        elif self.choices:
            schema = {"enum": list(self.choices)}
        else:
            schema = {"type": self.value_type}
        limits = {"minimum": self.minimum, "exclusiveMinimum": self.exclusive_minimum, "maximum": self.maximum}
        schema |= {name: limit for name, limit in limits.items() if limit is not None}
        if self.value_type == "string" and not self.choices:
            schema |= {"minLength": 1, "maxLength": self.max_length, "pattern": self.pattern}
        if default is not MISSING and default is not None:
            schema["default"] = default
        return {"description": self.text.en, "x-description-zh": self.text.zh, **schema}

    def read(self, value: Any, pointer: Pointer) -> Any:
        """Return `value` if the field accepts it; otherwise raise FaultError."""
        if self.nested is not None:
            return read_fields(self.nested, value, pointer)
        text = self._error(value)
        if text is not None:
            raise FaultError(pointer, text)
        return value

    def _error(self, value: Any) -> Text | None:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
        if self.choices:
            if value in self.choices and isinstance(value, str):
                return None
            hint, choices = nearest(value, self.choices), ", ".join(self.choices)
            return Text(f"{shown} is none of {choices}{hint.en}", f"{shown} 不在可选值中：{choices}{hint.zh}")
        if not _has_type(value, self.value_type):
            return Text(f"{shown} is not {self.type_text.en}", f"{shown} 不是{self.type_text.zh}")
        if self.value_type == "string":
            if len(value) > self.max_length or not re.fullmatch(self.pattern, value):
                return Text(
                    f"{shown} does not match {self.pattern} or is longer than {self.max_length} characters",
                    f"{shown} 不匹配 {self.pattern}，或超过 {self.max_length} 个字符",
                )
        elif (
            (self.minimum is not None and value < self.minimum)
            or (self.exclusive_minimum is not None and value <= self.exclusive_minimum)
            or (self.maximum is not None and value > self.maximum)
        ):
            span = self.range_text
            return Text(f"{shown} is out of range: {span.en}", f"{shown} 超出范围：{span.zh}")
        return None

    @property
    def type_text(self) -> Text:
        """The type in plain language."""
        return _TYPE_TEXTS[self.value_type]

    @property
    def range_text(self) -> Text:
        """The range of a number in plain language."""
        limits = []
        if self.minimum is not None:
            limits.append(Text(f"at least {self.minimum:.15g}", f"最小 {self.minimum:.15g}"))
        if self.exclusive_minimum is not None:
            limits.append(Text(f"more than {self.exclusive_minimum:.15g}", f"大于 {self.exclusive_minimum:.15g}"))
        if self.maximum is not None:
            limits.append(Text(f"at most {self.maximum:.15g}", f"最大 {self.maximum:.15g}"))
        return Text(", ".join(limit.en for limit in limits), "，".join(limit.zh for limit in limits))


def integer(en: str, zh: str, minimum: int, maximum: int, default: Any = MISSING) -> Any:
    """Declare a field for an integer between `minimum` and `maximum`, both included."""
    return _field(Spec("integer", Text(en, zh), minimum=minimum, maximum=maximum), default)


def number(
    en: str, zh: str, minimum: float | None, maximum: float, default: Any = MISSING, *, above: Any = None
) -> Any:
    """Declare a field for a number from `minimum` to `maximum`, or greater than `above`."""
    spec = Spec("number", Text(en, zh), minimum=minimum, exclusive_minimum=above, maximum=maximum)
    return _field(spec, default)


def choice(en: str, zh: str, *choices: str, default: Any = MISSING) -> Any:
    """Declare a field for one of a few strings."""
    return _field(Spec("string", Text(en, zh), choices=choices), default)


def string(en: str, zh: str, pattern: str, max_length: int, default: Any = MISSING) -> Any:
    """Declare a field for a string that matches `pattern` in full."""
    return _field(Spec("string", Text(en, zh), pattern=f"^{pattern}$", max_length=max_length), default)


def nested(en: str, zh: str, cls: type[Any]) -> Any:
    """Declare an optional field for a mapping with the fields of the dataclass `cls`."""
    return _field(Spec("object", Text(en, zh), nested=cls), None)


def _field(spec: Spec, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"spec": spec})


def specs(cls: type[Any]) -> dict[str, Spec]:
    """Return the specs of a dataclass's fields by name."""
    return {field.name: field.metadata["spec"] for field in dataclasses.fields(cls)}


def object_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of the mapping that `read_fields` reads as `cls`."""
    fields = dataclasses.fields(cls)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: field.metadata["spec"].schema(field.default) for field in fields},
        "additionalProperties": False,
    }
    if required := _required(cls):
        schema["required"] = required
    if exactly_one := getattr(cls, "exactly_one", ()):
        schema["oneOf"] = [{"required": [name]} for name in exactly_one]
    return schema


def read_fields(cls: type[T], given: Any, pointer: Pointer = ()) -> T:
    """Return `cls` with the values in `given`. Raise FaultError for the first invalid or missing field."""
    if not isinstance(given, Mapping):
        raise FaultError(pointer, Text(f"{given!r} is not a mapping", f"{given!r} 不是映射"))
    known = specs(cls)
    for name in given:
        if name not in known:
            raise unknown_field((*pointer, str(name)), known)
    for name in _required(cls):
        if name not in given:
            text = known[name].text
            raise FaultError((*pointer, name), Text(f"missing {name}: {text.en}", f"缺少 {name}：{text.zh}"))
    exactly_one = getattr(cls, "exactly_one", ())
    if exactly_one and sum(name in given for name in exactly_one) != 1:
        names = ", ".join(exactly_one)
        raise FaultError(pointer, Text(f"give exactly one of {names}", f"{names} 必须且只能填一项"))
    values = {name: known[name].read(value, (*pointer, name)) for name, value in given.items()}
    try:
        return cls(**values)
    except FaultError as error:
        raise FaultError((*pointer, *error.pointer), error.text) from None


def to_mapping(fields: Any) -> dict[str, Any]:
    """Return the mapping that `read_fields` reads as the dataclass `fields`, without None values."""
    return {
        name: to_mapping(value) if dataclasses.is_dataclass(value) else value
        for name in specs(type(fields))
        if (value := getattr(fields, name)) is not None
    }


def unknown_field(pointer: Pointer, known: Any) -> FaultError:
    """Return the error for a name that is not one of the `known` fields."""
    return FaultError(pointer, unknown("field", str(pointer[-1]), known))


def _required(cls: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if field.default is MISSING]


def _has_type(value: Any, value_type: str) -> bool:
    if isinstance(value, bool):
        return False
    if value_type == "integer":
        return isinstance(value, int)
    if value_type == "number":
        # An integer may be larger than any float.
        return (isinstance(value, int) and abs(value) < 2**1023) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, str)
