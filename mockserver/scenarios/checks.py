"""Checks of a scenario file that its JSON Schema cannot express.

Common mistakes get specific advice: a section number instead of an operation, an error code instead of an error
name, a fault inside a reply. Fields in `when.body` and `patch` must be documented fields of the operation: a rule
with a misspelled field would never match, and a misspelled patch would break every response.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.schemas import Schemas
from mockserver.core.documents import Document, Pointer
from mockserver.core.errors import Mistake, Problem
from mockserver.core.messages import messages
from mockserver.core.suggestions import suggestion
from mockserver.core.text import Text

message = messages(Path(__file__).with_name("texts.yaml"))
_OPERATION_OF_SECTION = {operation.section: operation.name for operation in OPERATIONS.values()}
_LATENCY, _STATUS = "{fault: latency, fixed_ms: 800}", "{fault: http_status, status: 502}"
_FAULT_INSTEAD_OF = {
    **dict.fromkeys(("delay", "delay_ms", "delay_seconds", "latency", "sleep", "wait"), _LATENCY),
    **dict.fromkeys(("status", "status_code", "http_status"), _STATUS),
}  # Keys that a reply does not have, and the fault to use instead.


def explain_common_mistakes(document: Document, problems: list[Problem], catalogue: Catalogue) -> list[Problem]:
    """Return the schema problems of a document, with specific advice in place of those that are common mistakes."""
    if not problems or not isinstance(document.value, dict):
        return problems
    mistakes = list(_common_mistakes(document, catalogue))
    explained = {(mistake.line, mistake.column) for mistake in mistakes}
    return [*mistakes, *(p for p in problems if (p.line, p.column) not in explained)]


def unknown_conditions(body: Collection[str], on: Collection[str], schemas: Schemas) -> Iterator[Mistake]:
    """Yield the fields of `when.body` because of which a rule can never match a request to the operations `on`."""
    known = {name: _fields(schemas.request(name).schema) for name in sorted(on)}
    if not body or not on or any(fields is None or fields.keys() >= set(body) for fields in known.values()):
        return
    all_fields = {field: None for fields in known.values() for field in fields or ()}
    unknown = [name for name in body if name not in all_fields]
    for name in unknown:
        yield Mistake((name,), _no_such_field(name, on, all_fields, "request_field"), key=True)
    if not unknown:
        yield Mistake((), message("no_operation", names=", ".join(body)), key=True)


def unknown_changes(
    patch: Iterable[str], body: Collection[str], on: Collection[str], schemas: Schemas
) -> Iterator[Mistake]:
    """Yield the top-level fields of a `patch` that are not in the responses of the operations a rule can match."""
    for operation in sorted(on):
        request, response = (_fields(side(operation).schema) for side in (schemas.request, schemas.response))
        if response is None or (request is not None and not request.keys() >= set(body)):
            continue
        for name in patch:
            if name not in response:
                text = _no_such_field(name, [operation], response, "response_field")
                yield Mistake((name,), message("no_field_to_change", text=text), key=True)


def _fields(schema: Mapping[str, Any]) -> dict[str, None] | None:
    """Return the fields of a closed schema in order; None if the schema allows other fields."""
    if schema.get("additionalProperties") is not False or "patternProperties" in schema:
        return None
    return dict.fromkeys(schema.get("properties", ()))


def _no_such_field(name: str, on: Collection[str], known: Iterable[str], what: str) -> Text:
    which = "no_field_of_one" if len(on) == 1 else "no_field_of_any"
    return message(which, operation=next(iter(on)), what=message(what), name=name, hint=suggestion(name, known))


def _common_mistakes(document: Document, catalogue: Catalogue) -> Iterator[Problem]:
    for kind in ("answers", "faults"):
        for index, entry in _mappings(document.value.get(kind)):
            at: tuple[str | int, ...] = (kind, index, "on")
            on = entry.get("on")
            for pointer, name in [((*at, i), n) for i, n in enumerate(on)] if isinstance(on, list) else [(at, on)]:
                if operation := _OPERATION_OF_SECTION.get(str(name).lstrip("§")):
                    yield document.problem(pointer, message("section_number", name=name, operation=operation))
    for index, entry in _mappings(document.value.get("answers")):
        for number, reply in _mappings(entry.get("sequence")):
            yield from _mistakes_in_reply(document, ("answers", index, "sequence", number), reply, catalogue)
        if isinstance(entry.get("reply"), dict):
            yield from _mistakes_in_reply(document, ("answers", index, "reply"), entry["reply"], catalogue)


def _mistakes_in_reply(
    document: Document, at: Pointer, reply: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Problem]:
    error = str(reply.get("error"))
    if error.isascii() and error.isdecimal() and (name := catalogue.name_of(int(error[:9]))):
        yield document.problem((*at, "error"), message("error_code", error=error, name=name))
    for key in reply:
        if fault := _FAULT_INSTEAD_OF.get(key):
            yield document.problem((*at, key), message("fault_in_reply", key=key, fault=fault), key=True)


def _mappings(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the mappings in a list, with their indices."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item
