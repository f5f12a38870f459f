"""Compiles the JSON Schemas.

The fast engine (`jsonschema_rs`) decides whether a value is valid, the thorough one (`jsonschema`) lists every
mismatch; tests check that both agree. A `$ref` can only refer to the files loaded together, never to the disk or the
network, and a `format`, which the engines might ignore, is rejected.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urljoin

import jsonschema_rs

from mockserver.contract.catalogue import message
from mockserver.contract.operations import OPERATIONS
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from jsonschema.protocols import Validator as PythonValidator

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


class Validator:
    """One compiled schema."""

    def __init__(
        self, schema: Mapping[str, Any], others: Mapping[str, Any], registry: jsonschema_rs.Registry | None = None
    ) -> None:
        """`others` are the schemas that this one may refer to, and `registry` the same for the fast engine."""
        self.schema = schema
        self._others = others
        self._fast = jsonschema_rs.Draft202012Validator(
            dict(schema), registry=registry, retriever=_refuse, validate_formats=True
        )

    def accepts(self, value: Any) -> bool:
        """Whether `value` is valid; unlike in `mismatches`, a float without a fraction counts as an integer."""
        return self._fast.is_valid(value)

    @functools.cached_property
    def _thorough(self) -> PythonValidator:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import ValidationError
        from jsonschema.validators import extend
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        def pattern(validator: Any, expected: str, value: Any, schema: Any) -> Iterator[ValidationError]:
            # In `re`, `$` matches before a final newline, \d matches digits of any script, and (a+)+ may take forever.
            if isinstance(value, str) and not _pattern(expected).is_valid(value):
                yield ValidationError(f"{value!r} does not match {expected!r}")

        def integer(_: Any, value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool)

        def number(_: Any, value: Any) -> bool:
            # An integer may be larger than any float.
            return (integer(_, value) and abs(value) < 2**1023) or (isinstance(value, float) and isfinite(value))

        strict: Any = extend(  # type: ignore[no-untyped-call]
            Draft202012Validator,
            validators={"pattern": pattern},
            type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": integer, "number": number}),
        )
        resources = [(uri, DRAFT202012.create_resource(contents)) for uri, contents in self._others.items()]
        registry: Registry[Any] = Registry().with_resources(resources)
        validator: PythonValidator = strict(self.schema, registry=registry)
        return validator

    def check(self, value: Any) -> list[Mismatch]:
        """Return the same as `mismatches`, faster if there are none."""
        try:
            if self.accepts(value) and not _has_whole_float(value):
                return []
        except ValueError:
            pass  # a mapping with a key that is not a string
        return self.mismatches(value)

    def mismatches(self, value: Any) -> list[Mismatch]:
        """Return every mismatch, in document order; `1.0` and `True` are not integers, NaN is not a number."""
        return [
            Mismatch(
                str(error.validator),
                tuple(error.absolute_path),
                error.instance,
                error.validator_value,
                error.schema if isinstance(error.schema, dict) else {},
                error.message,
            )
            for error in self._thorough.iter_errors(value)
        ]


def compile_inline(schema: Mapping[str, Any]) -> Validator:
    """Return the validator for a schema inside a scenario; raise ValueError if the schema is invalid."""
    try:
        check_schema(schema)
        return Validator(schema, {})
    except jsonschema_rs.ValidationError as error:
        raise ValueError(error.message) from None


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise SchemaError unless `schema` is valid JSON Schema 2020-12 without formats."""
    if not _META_VALIDATOR.is_valid(schema):
        from jsonschema import Draft202012Validator

        errors = Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)
        deepest = max(errors, key=lambda error: len(error.absolute_path))
        raise SchemaError(tuple(deepest.absolute_path), deepest.message)
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
                problems.append(document.problem(error.pointer, message("no_schema", error=error)))
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
                problems.append(document.problem((), message("unusable_schema", reason=reason)))
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
        if file not in known or not _exists(known[file], inside):
            yield document.problem(pointer, message("dangling_reference", target=target))


def _exists(schema: Any, pointer: str) -> bool:
    """Whether the JSON pointer (RFC 6901) exists in `schema`; anchors are left to the engines."""
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list) and name.isdecimal() and int(name) < len(schema):
            schema = schema[int(name)]
        elif isinstance(schema, dict) and name in schema:
            schema = schema[name]
        else:
            return False
    return True


def _refuse(uri: str) -> NoReturn:
    raise LookupError(f"{uri} is not one of the schema files")


@functools.cache
def _pattern(pattern: str) -> jsonschema_rs.Draft202012Validator:
    """Return the pattern compiled by the fast engine, which searches in linear time."""
    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(map(_has_whole_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


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
