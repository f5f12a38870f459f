"""Compiles the JSON Schemas.

A `$ref` can only refer to the files loaded together, never to the disk or the network, and a `format`, which validators
may ignore, is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote, urljoin

import jsonschema_rs

from mockserver.contract.operations import OPERATIONS
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text

Pointer = tuple[str | int, ...]

SCHEMA_FILES = (
    *(f"{name}.{side}.json" for name in OPERATIONS for side in ("request", "response")),
    *("query.json", "envelope.json", "scenario.json", "errors.json", "apps.json", "retries.json"),
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a value does not match its schema."""

    keyword: str
    pointer: Pointer  # Path to the value inside the document.
    value: Any
    limit: Any  # The value of the keyword in the schema.
    schema: Mapping[str, Any]  # The subschema that contains the keyword.
    message: str  # One English sentence.
    order: tuple[int, ...] = ()  # Where the keyword is in the schema, to sort mismatches.


class Validator:
    """One compiled schema."""

    def __init__(
        self, schema: Mapping[str, Any], others: Mapping[str, Any], registry: jsonschema_rs.Registry | None = None
    ) -> None:
        """`others` are the schemas that this one may refer to, by their `$id`; `registry` has the same."""
        self.schema = schema
        self._others = others
        self._engine = jsonschema_rs.Draft202012Validator(
            dict(schema), registry=registry, retriever=_refuse, validate_formats=True
        )

    def accepts(self, value: Any) -> bool:
        """Whether `value` is valid; unlike in `mismatches`, a float without a fraction counts as an integer."""
        return self._engine.is_valid(value)

    def mismatches(self, value: Any) -> list[Mismatch]:
        """Return every mismatch in the order of the schema; `1.0` and `True` are not integers, NaN is not a number."""
        plain, strict = _plain(value), _plain(value, whole=0.5)
        errors = list(self._engine.iter_errors(plain))
        if strict != plain:
            known = [error.instance_path for error in errors]
            more = (error for error in self._engine.iter_errors(strict) if error.evaluation_path[-1] == "type")
            errors += [error for error in more if error.instance_path not in known]
        return sorted((self._mismatch(error, plain) for error in errors), key=lambda mismatch: mismatch.order)

    def _mismatch(self, error: jsonschema_rs.ValidationError, value: Any) -> Mismatch:
        limit: Any = self.schema
        root = schema = limit
        order = []
        for step in map(str, error.evaluation_path):
            schema = limit
            index = int(step) if isinstance(schema, list) else list(schema).index(step)
            order.append(index)
            limit = schema[index] if isinstance(schema, list) else schema[step]
            if step == "$ref" and isinstance(limit, str):
                file, _, inside = urljoin(root.get("$id", ""), limit).partition("#")
                root = self._others.get(file, root)
                limit = _at(root, inside)
        pointer: Pointer = ()
        for part in error.instance_path:
            # The engine reports a key that looks like a number as a number.
            pointer += (part if isinstance(value, list) else str(part),)
            value = value[pointer[-1]]
        return Mismatch(str(error.evaluation_path[-1]), pointer, value, limit, schema, error.message, tuple(order))


def compile_inline(schema: Mapping[str, Any]) -> Validator:
    """Return the validator for a schema inside a scenario; raise ValueError if the schema is invalid."""
    try:
        check_schema(schema)
        return Validator(schema, {})
    except jsonschema_rs.ValidationError as error:
        raise ValueError(error.message) from None


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise SchemaError unless `schema` is valid JSON Schema 2020-12 with supported formats."""
    if errors := list(_META_VALIDATOR.iter_errors(schema)):
        deepest = max(errors, key=lambda error: len(error.instance_path))
        raise SchemaError(tuple(deepest.instance_path), deepest.message)
    for pointer, name in _values(schema, "$schema"):
        if name != _META["$ref"]:
            raise SchemaError(pointer, f'"$schema" must be {_META["$ref"]}, or missing')
    for pointer, name in _values(schema, "format"):
        raise SchemaError(pointer, f"format {name!r} is not supported; use a pattern")


_META = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
_META_VALIDATOR = jsonschema_rs.Draft202012Validator(_META)


class SchemaError(ValueError):
    """A schema is invalid; `pointer` says where."""

    def __init__(self, pointer: Pointer, reason: str) -> None:
        self.pointer = pointer
        super().__init__(reason)


class Schemas:
    """All schema files of the contract."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        problems: list[Problem] = []
        by_id: dict[str, Any] = {}
        for name, document in documents.items():
            try:
                check_schema(document.value)
                _check_id(document.value, name)
            except SchemaError as error:
                text = Text(f"not a JSON Schema: {error}", f"不是有效的 JSON Schema：{error}")
                problems.append(document.problem(error.pointer, text))
                continue
            by_id[document.value["$id"]] = document.value
        for document in documents.values() if not problems else ():
            problems += _dangling_references(document, by_id)
        self._validators: dict[str, Validator] = {}
        registry: jsonschema_rs.Registry | None = None
        for name, document in documents.items() if not problems else ():
            try:
                registry = registry or jsonschema_rs.Registry(list(by_id.items()), retriever=_refuse)
                self._validators[name] = Validator(document.value, by_id, registry)
            except (ValueError, jsonschema_rs.ReferencingError) as error:
                reason = str(error).split("\n", 1)[0]
                text = Text(f"the schema cannot be used: {reason}", f"该 Schema 无法使用：{reason}")
                problems.append(document.problem((), text))
        if problems:
            raise ConfigurationError(problems)

    def __getitem__(self, name: str) -> Validator:
        return self._validators[name]

    def request(self, operation: str) -> Validator:
        """Return the validator of the operation's request body."""
        return self._validators[f"{operation}.request.json"]

    def response(self, operation: str) -> Validator:
        """Return the validator of the operation's response, envelope included."""
        return self._validators[f"{operation}.response.json"]

    def answer(self, operation: str, answer: Mapping[str, Any]) -> Validator:
        """Return the validator for this response: a failure is the envelope alone (§1.4)."""
        failed = answer.get("Status") == "FAIL" or answer.get("ErrorCode", 0) != 0
        return self._validators["envelope.json"] if failed else self.response(operation)


def _check_id(schema: Any, name: str) -> None:
    """Raise SchemaError unless the `$id` ends in the file name, which is how other schemas refer to it."""
    given = schema.get("$id", "") if isinstance(schema, dict) else ""
    if given.rpartition("/")[2] != name:
        raise SchemaError(("$id",), f'the "$id" must end in /{name}, because other files refer to it')


def _dangling_references(document: Document, known: Mapping[str, Any]) -> Iterator[Problem]:
    for pointer, target in _values(document.value, "$ref"):
        file, _, inside = urljoin(document.value["$id"], target).partition("#")
        try:
            _at(known[file], inside)
        except (LookupError, ValueError, TypeError):
            text = Text(
                f"{target!r} does not exist; refer to one of the schema files or to #/$defs/…",
                f"{target!r} 不存在；请引用某个 Schema 文件或 #/$defs/…",
            )
            yield document.problem(pointer, text)


def _at(schema: Any, pointer: str) -> Any:
    """Return what is at the JSON pointer (RFC 6901); raise LookupError or ValueError if there is nothing."""
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        schema = schema[int(name) if isinstance(schema, list) else name]
    return schema


def _refuse(uri: str) -> NoReturn:
    raise LookupError(f"{uri} is not one of the schema files")


def _plain(value: Any, whole: float | None = None) -> Any:
    """Return a copy with only texts as keys and, if given, `whole` in place of numbers like 1.0."""
    if isinstance(value, dict):
        return {str(key): _plain(item, whole) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, whole) for item in value]
    return whole if whole and isinstance(value, float) and value.is_integer() else value


def _values(schema: Any, keyword: str, pointer: Pointer = ()) -> Iterator[tuple[Pointer, str]]:
    """Yield every string value of `keyword` in `schema`, with its pointer."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == keyword and isinstance(value, str):
                yield (*pointer, key), value
            elif key not in ("const", "enum", "examples", "default"):
                yield from _values(value, keyword, (*pointer, key))
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from _values(value, keyword, (*pointer, index))
