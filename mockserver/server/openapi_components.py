"""JSON Schema files as components of one document: references between files become references inside it.

A text is told in the chosen language; the other one stays beside it (`x-title-zh` or `x-title-en`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urljoin

from mockserver.contract.schemas import Schemas
from mockserver.core.text import Lang, Text

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
_SECTION = re.compile(r"§[0-9]+(?:\.[0-9]+)*")
_DATA = frozenset({"const", "enum", "examples", "default"})
"""Keywords that hold values of the API, not schemas."""
_NAMED = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
"""Keywords that hold schemas by names of the API."""


def components(schemas: Schemas, names: Iterable[str], lang: Lang) -> dict[str, Json]:
    """The named schema files and all that they refer to, by component name (the file's name without `.json`)."""
    found: dict[str, Json] = {}
    wanted = list(names)
    for name in wanted:
        if name not in found:
            schema = schemas[f"{name}.json"].schema
            base: str = schema["$id"]
            found[name] = _each(schema, lambda part, base=base: _part(part, base, schemas, wanted, lang))  # type: ignore[misc]
    return found


def refer(name: str, *inside: str) -> Json:
    """A reference to the component `name`, or to a part of it."""
    return {"$ref": SCHEMAS + "/".join((name, *inside))}


def words(key: str, text: Text, lang: Lang) -> dict[str, str]:
    """A text under `key` in the chosen language, and beside it in the other one."""
    other: Lang = "en" if lang == "zh" else "zh"
    return {key: text.to(lang), f"x-{key}-{other}": text.to(other)}


def _each(schema: Any, change: Callable[[Json], Json]) -> Any:
    """A copy of a schema in which `change` was applied to every schema inside it."""
    if isinstance(schema, list):
        return [_each(one, change) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed: Json = {}
    for key, value in schema.items():
        if key in _DATA:
            changed[key] = value
        elif key in _NAMED:
            changed[key] = {name: _each(one, change) for name, one in value.items()}
        else:
            changed[key] = _each(value, change)
    return change(changed)


def _part(schema: Json, base: str, schemas: Schemas, wanted: list[str], lang: Lang) -> Json:
    """One schema as part of the document; what it refers to is noted in `wanted`."""
    sections = ", ".join(_SECTION.findall(str(schema.get("$comment", ""))))
    told: Json = {}
    for key, value in schema.items():
        if key in ("title", "description") and isinstance(value, str):
            tail = f" [{sections}]" if sections and key == "description" else ""
            zh = schema.get(f"x-{key}-zh", value)
            told.update(words(key, Text(value + tail, zh + tail), lang))
        elif key == "$ref":
            file, _, inside = urljoin(base, value).partition("#")
            name = file.rpartition("/")[2].removesuffix(".json")
            wanted.append(name)
            told[key] = f"{SCHEMAS}{name}{_pointer(schemas[f'{name}.json'].schema, inside)}"
        elif key not in ("x-title-zh", "x-description-zh", "$id", "$schema"):
            told[key] = value
    return told


def _pointer(schema: Mapping[str, Any], fragment: str) -> str:
    """The JSON pointer that a fragment means: OpenAPI tools follow pointers, but few know an `$anchor`."""
    if not fragment or fragment.startswith("/"):
        return fragment
    return next((pointer for pointer, part in _places(schema) if part.get("$anchor") == fragment), "")


def _places(value: Any, pointer: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        yield pointer, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        step = str(key).replace("~", "~0").replace("/", "~1")
        yield from _places(one, f"{pointer}/{quote(step)}")
