"""The JSON Schema files as components of an OpenAPI document, in a form that code generators understand.

Generators read references to whole components only, ignore keywords beside a reference, and name classes after
components and titles. Therefore every referenced or titled object becomes a component, and every referenced scalar is
copied to where it is used. Texts appear in the chosen language, with the other language beside them (`x-title-zh` or
`x-title-en`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urljoin

from mockserver.contract.readings import Readings
from mockserver.contract.schemas import Schemas, Validator
from mockserver.core.text import Lang, Text

Json = dict[str, Any]
REFERENCE = "#/components/schemas/"
_DAY = "^[0-9]{8}$"
"""The pattern of days in the schema files. The server checks the calendar separately, for a better message."""
_CALENDAR_DAY = (
    "^(([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
    "((0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])|(0[469]|11)(0[1-9]|[12][0-9]|30)|02(0[1-9]|1[0-9]|2[0-8]))"
    "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)0229)$"
)  # The pattern in the OpenAPI document, which excludes `00000000`, `20191301` and `20190229`.
_NAMES = "x-enum-varnames"  # The keyword by which generators know the names of the values of an `enum`.
_SECTION = re.compile(r"§[0-9]+(?:\.[0-9]+)*")
_DATA_KEYWORDS = frozenset({"const", "enum", "examples", "default"})  # Keywords whose values are data, not schemas.
_MAPPING_KEYWORDS = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords whose values map names to schemas."""
_TEXTS = frozenset({"title", "description", "$comment", "examples", "x-title-zh", "x-description-zh"})
"""Keywords that do not affect validation."""
_OMITTED = frozenset({"$id", "$schema", "$anchor", "$defs", "x-title-zh", "x-description-zh", "x-readings"})


class Components:
    """The component schemas of a document, including every schema that they refer to."""

    def __init__(self, schemas: Schemas, readings: Readings, lang: Lang) -> None:
        self.schemas: dict[str, Json] = {}  # By component name.
        self._files, self._lang = schemas, lang
        self._chosen = {f"{name}={value}" for name, value in readings.items()}
        self._names: dict[int, str] = {}  # Component names by identity of the original schema.

    def add(self, name: str, schema: Json) -> Json:
        """Add a component that is not from a file; return a reference to it."""
        self.schemas[name] = schema
        return {"$ref": REFERENCE + name}

    def add_file(self, file: str) -> Json:
        """Add a schema file as a component; return a reference to it."""
        return self._add_part(self._files[file].schema, file, "")

    def convert(self, schema: Any, file: str) -> Any:
        """Return a schema as part of the document. `file` is the schema file that its references are relative to."""
        if isinstance(schema, list):
            return [self.convert(item, file) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if (schema.get("type") == "object" or _NAMES in schema) and pascal_case(str(schema.get("title", ""))):
            return self._add_part(schema, file, "")
        return self._convert(self._with_readings(schema) or {}, file)

    def examples(self, file: str) -> list[Any]:
        """Return the examples of a schema file under these readings."""
        schema = self._with_readings(self._files[file].schema) or {}
        return list(schema.get("examples", ()))

    def validator(self, reference: Json) -> Validator:
        """Return the validator of a component."""
        return Validator({**reference, "components": {"schemas": self.schemas}}, {})

    def tolerate(self, reference: Json) -> None:
        """Relax a request schema as `strictness=lenient` does: integers as strings, timestamps and dates as integers, and unknown fields."""
        schema = self.schemas[reference["$ref"].removeprefix(REFERENCE)]
        schema.pop("additionalProperties", None)
        for field in schema["properties"].values():
            kind = self.schemas[field["$ref"].removeprefix(REFERENCE)] if "$ref" in field else field
            if kind.get("type") == "integer":
                kind.pop(_NAMES, None)
                texts = {"enum": [*kind["enum"], *map(str, kind["enum"])]} if "enum" in kind else {}
                kind |= {"type": ["integer", "string"], "pattern": "^[0-9]{1,9}$", **texts}
            elif kind.get("type") == "string" and "pattern" in kind:
                size = kind["maxLength"]
                kind |= {"type": ["string", "integer"], "minimum": 10 ** (size - 1), "maximum": 10**size - 1}

    def _with_readings(self, schema: Any) -> Any:
        """Return the schema with the changes of the readings; None if they exclude the field that it describes."""
        for reading, change in schema.get("x-readings", {}).items() if isinstance(schema, dict) else ():
            if reading in self._chosen:
                if change is False:
                    return None
                schema = {**schema, **change}
        return schema

    def _add_part(self, schema: Mapping[str, Any], file: str, hint: str) -> Json:
        """Add a part of a file as a component unless it already is one. Return a reference to it."""
        name = self._names.get(id(schema))
        if name is None:
            name = self._names[id(schema)] = self._new_name(schema, file, hint)
            self.schemas[name] = {}  # Reserve its position, even if the schema refers to itself.
            self.schemas[name] = self._convert(self._with_readings(schema) or {}, file, whole=True)
        return {"$ref": REFERENCE + name}

    def _new_name(self, schema: Mapping[str, Any], file: str, hint: str) -> str:
        stem = pascal_case(file.removesuffix(".json").replace(".response", ".success")) + pascal_case(hint)
        title = "" if "$id" in schema else pascal_case(str(schema.get("title", "")))
        names = [title or stem, stem, *(f"{stem}{number}" for number in range(2, len(self.schemas) + 3))]
        return next(name for name in names if name not in self.schemas)

    def _convert(self, schema: Json, file: str, *, whole: bool = False) -> Json:
        if "$ref" in schema:
            return self._convert_reference(schema, file)
        sections = ", ".join(_SECTION.findall(str(schema.get("$comment", ""))))
        # Omit titles that generators would use as class names instead of the component or field name.
        untitled = whole or not {"enum", "const"}.isdisjoint(schema)
        converted: Json = {}
        for key, value in schema.items():
            if key in _OMITTED or (key == "title" and untitled) or (key == "examples" and whole):
                continue
            if key in ("title", "description") and isinstance(value, str):
                suffix = f" [{sections}]" if sections and key == "description" else ""
                zh = schema.get(f"x-{key}-zh", value)
                converted |= localized(key, Text(value + suffix, zh + suffix), self._lang)
            elif key == "enum" and "const" in schema:
                continue
            elif key == "pattern" and value == _DAY:
                converted[key] = _CALENDAR_DAY
            elif key in _DATA_KEYWORDS:
                converted[key] = value
            elif key in _MAPPING_KEYWORDS:
                present = {name: self._with_readings(item) for name, item in value.items()}
                converted[key] = {
                    name: self.convert(value[name], file) for name, item in present.items() if item is not None
                }
            else:
                converted[key] = self.convert(value, file)
        return converted

    def _convert_reference(self, schema: Json, file: str) -> Json:
        target, target_file, hint = self._resolve(schema["$ref"], file)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if isinstance(target, bool):
            return {**self._convert(beside, file), **({} if target else {"not": {}})}
        limits = beside.keys() - _TEXTS
        if isinstance(target.get("type"), str) and target["type"] not in ("object", "array"):
            target = self._with_readings(target) or {}
            if limits.isdisjoint(target.keys() - {"enum"}):
                return self._convert({**target, **beside}, target_file)
            return {"allOf": [self._convert(target, target_file)], **self._convert(beside, file)}
        reference = self._add_part(target, target_file, hint)
        return {"allOf": [reference], **self._convert(beside, file)} if limits else reference

    def _resolve(self, reference: str, file: str) -> tuple[Any, str, str]:
        """Return the schema of a reference, its file, and its name within the file."""
        url, _, fragment = urljoin(self._files[file].schema["$id"], reference).partition("#")
        name = url.rpartition("/")[2]
        target: Any = self._files[name].schema
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return next(part for part in _parts(target) if part.get("$anchor") == fragment), name, fragment
        for step in fragment.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            target = target[int(step)] if isinstance(target, list) else target[step]
        return target, name, fragment.rpartition("/")[2]


def localized(key: str, text: Text, lang: Lang) -> dict[str, str]:
    """Return a text under `key` in the chosen language, and under `x-KEY-LANG` in the other one."""
    other: Lang = "en" if lang == "zh" else "zh"
    return {key: text.to(lang), f"x-{key}-{other}": text.to(other)}


def pascal_case(words: str) -> str:
    """Return a class name: `query_room_info.request` becomes `QueryRoomInfoRequest`."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", words))


def _parts(value: Any) -> Iterator[Json]:
    """Yield every object inside a schema."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(item)
