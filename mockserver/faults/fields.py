"""The fields of a fault: declared once, and from that read, refused with advice, and told as JSON Schema.

Knows nothing of faults: it takes any frozen keyword-only dataclass whose fields come from the makers here.
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
_WORDS = {
    "integer": Text("a whole number", "整数"),
    "number": Text("a number", "数字"),
    "string": Text("text", "文本"),
    "object": Text("a mapping", "映射"),
}


class FaultError(ValueError):
    """A fault that cannot be: the place in its description, and what would be right."""

    def __init__(self, pointer: Pointer, text: Text) -> None:
        self.pointer, self.text = pointer, text
        super().__init__(f"{'.'.join(map(str, pointer))}: {text.en}" if pointer else text.en)


@dataclass(frozen=True, slots=True)
class Spec:
    """What one field may hold."""

    shape: Literal["integer", "number", "string", "object"]
    text: Text
    least: float | None = None
    above: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    longest: int = 0
    part: type[Any] | None = None
    """The dataclass of a nested mapping."""

    def schema(self, default: Any = MISSING) -> dict[str, Any]:
        """JSON Schema of the field, with its texts."""
        if self.part is not None:
            found = object_schema(self.part)
        elif self.choices:
            found = {"enum": list(self.choices)}
        else:
            found = {"type": self.shape}
        limits = {"minimum": self.least, "exclusiveMinimum": self.above, "maximum": self.most}
        found |= {name: limit for name, limit in limits.items() if limit is not None}
        if self.shape == "string" and not self.choices:
            found |= {"minLength": 1, "maxLength": self.longest, "pattern": self.pattern}
        if default is not MISSING and default is not None:
            found["default"] = default
        return {"description": self.text.en, "x-description-zh": self.text.zh, **found}

    def read(self, value: Any, pointer: Pointer) -> Any:
        """`value` if the field may hold it; FaultError says what would be right."""
        if self.part is not None:
            return read_fields(self.part, value, pointer)
        text = self._wrong(value)
        if text is not None:
            raise FaultError(pointer, text)
        return value

    def _wrong(self, value: Any) -> Text | None:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
        if self.choices:
            if value in self.choices and isinstance(value, str):
                return None
            hint, words = nearest(value, self.choices), ", ".join(self.choices)
            return Text(f"{shown} is none of {words}{hint.en}", f"{shown} 不在可选值中：{words}{hint.zh}")
        if not _is(self.shape, value):
            wanted = self.word
            return Text(f"{shown} is not {wanted.en}", f"{shown} 不是{wanted.zh}")
        if self.shape == "string":
            if len(value) > self.longest or not re.fullmatch(self.pattern, value):
                return Text(
                    f"{shown} does not match {self.pattern} or has over {self.longest} characters",
                    f"{shown} 不符合 {self.pattern}，或超过 {self.longest} 个字符",
                )
        elif (
            (self.least is not None and value < self.least)
            or (self.above is not None and value <= self.above)
            or (self.most is not None and value > self.most)
        ):
            span = self.span
            return Text(f"{shown} is out of range: {span.en}", f"{shown} 超出范围：{span.zh}")
        return None

    @property
    def word(self) -> Text:
        """What kind of value it is, in words."""
        return _WORDS[self.shape]

    @property
    def span(self) -> Text:
        """The range of a number in words."""
        parts = []
        if self.least is not None:
            parts.append(Text(f"at least {self.least:.15g}", f"最小 {self.least:.15g}"))
        if self.above is not None:
            parts.append(Text(f"more than {self.above:.15g}", f"大于 {self.above:.15g}"))
        if self.most is not None:
            parts.append(Text(f"at most {self.most:.15g}", f"最大 {self.most:.15g}"))
        return Text(", ".join(one.en for one in parts), "，".join(one.zh for one in parts))


def integer(en: str, zh: str, least: int, most: int, default: Any = MISSING, **more: Any) -> Any:
    """A field for a whole number between `least` and `most`, both included."""
    return _field(Spec("integer", Text(en, zh), least=least, most=most, **more), default)


def number(en: str, zh: str, least: float | None, most: float, default: Any = MISSING, **more: Any) -> Any:
    """A field for a number between `least` and `most`, both included."""
    return _field(Spec("number", Text(en, zh), least=least, most=most, **more), default)


def choice(en: str, zh: str, *choices: str, default: Any = MISSING) -> Any:
    """A field for one of a few words."""
    return _field(Spec("string", Text(en, zh), choices=choices), default)


def string(en: str, zh: str, pattern: str, longest: int, default: Any = MISSING) -> Any:
    """A field for a text that wholly matches `pattern`."""
    return _field(Spec("string", Text(en, zh), pattern=f"^{pattern}$", longest=longest), default)


def part(en: str, zh: str, of: type[Any]) -> Any:
    """An optional field for a mapping with the fields of the dataclass `of`."""
    return _field(Spec("object", Text(en, zh), part=of), None)


def _field(spec: Spec, default: Any) -> Any:
    given = {} if default is MISSING else {"default": default}
    return dataclasses.field(**given, metadata={"spec": spec})


def specs(of: type[Any]) -> dict[str, Spec]:
    """The fields of a dataclass by name, in their order."""
    return {one.name: one.metadata["spec"] for one in dataclasses.fields(of)}


def object_schema(of: type[Any]) -> dict[str, Any]:
    """JSON Schema of the mapping that makes a dataclass."""
    fields = dataclasses.fields(of)
    found: dict[str, Any] = {
        "type": "object",
        "properties": {one.name: one.metadata["spec"].schema(one.default) for one in fields},
        "additionalProperties": False,
    }
    required = [one.name for one in fields if one.default is MISSING]
    if required:
        found["required"] = required
    if exactly_one := getattr(of, "exactly_one", ()):
        found["oneOf"] = [{"required": [name]} for name in exactly_one]
    return found


def read_fields(of: type[T], given: Any, pointer: Pointer = ()) -> T:
    """The dataclass `of` with the values in `given`; FaultError for the first that is wrong or missing."""
    if not isinstance(given, Mapping):
        raise FaultError(pointer, Text(f"{given!r} is not a mapping", f"{given!r} 不是映射"))
    known = specs(of)
    for name in given:
        if name not in known:
            raise unknown_field((*pointer, str(name)), known)
    required = [one.name for one in dataclasses.fields(of) if one.default is MISSING]  # type: ignore[arg-type]
    for name in required:
        if name not in given:
            wanted = known[name].text
            raise FaultError(
                (*pointer, name), Text(f"missing {name}: {wanted.en}", f"缺少 {name}：{wanted.zh}")
            )
    exactly_one = getattr(of, "exactly_one", ())
    if exactly_one and sum(name in given for name in exactly_one) != 1:
        names = ", ".join(exactly_one)
        raise FaultError(pointer, Text(f"give exactly one of {names}", f"{names} 须且只能有一项"))
    made = of(**{name: known[name].read(value, (*pointer, name)) for name, value in given.items()})
    wrong = made.wrong() if hasattr(made, "wrong") else None
    if wrong is not None:
        raise FaultError((*pointer, *wrong[0]), wrong[1])
    return made


def told(made: Any) -> dict[str, Any]:
    """The mapping that makes the dataclass `made` again: what is None is left out."""
    return {
        name: told(value) if dataclasses.is_dataclass(value) else value
        for name in specs(type(made))
        if (value := getattr(made, name)) is not None
    }


def unknown_field(pointer: Pointer, known: Any) -> FaultError:
    """The error for a name that is none of the known fields."""
    return FaultError(pointer, unknown("field", str(pointer[-1]), known))


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        # An integer may be larger than any float.
        return (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023) or (
            isinstance(value, float) and math.isfinite(value)
        )
    return isinstance(value, str)
