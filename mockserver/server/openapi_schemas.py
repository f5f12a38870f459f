"""The JSON Schema files as components of an OpenAPI document: references between files become internal references.

Texts appear in the chosen language, with the other language beside them (`x-title-zh` or `x-title-en`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urljoin

from mockserver.contract.schemas import Schemas
from mockserver.core.text import Lang, Text

Json = dict[str, Any]
_COMPONENTS = "#/components/schemas/"
_SECTION = re.compile(r"§[0-9]+(?:\.[0-9]+)*")
_DATA_KEYWORDS = frozenset({"const", "enum", "examples", "default"})
"""Keywords whose values are data, not schemas."""
_MAPPING_KEYWORDS = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
"""Keywords whose values map names to schemas."""


def schema_components(schemas: Schemas, names: Iterable[str], lang: Lang) -> dict[str, Json]:
    """Return the named schema files and all files they refer to, by file name without `.json`."""
    components: dict[str, Json] = {}
    pending = list(names)
    for name in pending:
        if name in components:
            continue
        schema = schemas[f"{name}.json"].schema
        base: str = schema["$id"]

        def convert(part: Json, base: str = base) -> Json:
            return _convert(part, base, schemas, pending, lang)

        components[name] = _map_schemas(schema, convert)
    return components


def reference(name: str, *pointer: str) -> Json:
    """Return a reference to a component or to the part of it at `pointer`."""
    return {"$ref": _COMPONENTS + "/".join((name, *pointer))}


def localized(key: str, text: Text, lang: Lang) -> dict[str, str]:
    """Return a text under `key` in the chosen language, and under `x-KEY-LANG` in the other one."""
    other: Lang = "en" if lang == "zh" else "zh"
    return {key: text.to(lang), f"x-{key}-{other}": text.to(other)}


def _map_schemas(schema: Any, convert: Callable[[Json], Json]) -> Any:
    """Return a copy of a schema with `convert` applied to it and to every schema inside it."""
    if isinstance(schema, list):
        return [_map_schemas(item, convert) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy: Json = {}
    for key, value in schema.items():
        if key in _DATA_KEYWORDS:
            copy[key] = value
        elif key in _MAPPING_KEYWORDS:
            copy[key] = {name: _map_schemas(item, convert) for name, item in value.items()}
        else:
            copy[key] = _map_schemas(value, convert)
    return convert(copy)


def _convert(schema: Json, base: str, schemas: Schemas, pending: list[str], lang: Lang) -> Json:
    """Return one schema as part of the document; the files it refers to are appended to `pending`."""
    sections = ", ".join(_SECTION.findall(str(schema.get("$comment", ""))))
    converted: Json = {}
    for key, value in schema.items():
        if key in ("title", "description") and isinstance(value, str):
            suffix = f" [{sections}]" if sections and key == "description" else ""
            zh = schema.get(f"x-{key}-zh", value)
            converted.update(localized(key, Text(value + suffix, zh + suffix), lang))
        elif key == "$ref":
            file, _, fragment = urljoin(base, value).partition("#")
            name = file.rpartition("/")[2].removesuffix(".json")
            pending.append(name)
            pointer = _json_pointer(schemas[f"{name}.json"].schema, fragment)
            converted[key] = f"{_COMPONENTS}{name}{pointer}"
        elif key not in ("x-title-zh", "x-description-zh", "$id", "$schema"):
            converted[key] = value
    return converted


def _json_pointer(schema: Mapping[str, Any], fragment: str) -> str:
    """Return a fragment as a JSON pointer, because few OpenAPI tools support `$anchor`."""
    if not fragment or fragment.startswith("/"):
        return fragment
    return next((pointer for pointer, part in _walk(schema) if part.get("$anchor") == fragment), "")


def _walk(value: Any, pointer: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        yield pointer, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        step = str(key).replace("~", "~0").replace("/", "~1")
        yield from _walk(item, f"{pointer}/{quote(step)}")
