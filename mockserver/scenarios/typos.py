"""What people write in a scenario file that is almost right: a section for an operation, a code for an error, a fault in a reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.operations import OPERATIONS
from mockserver.core.documents import Document
from mockserver.core.errors import Problem
from mockserver.core.text import Text

Pointer = tuple[str | int, ...]
_BY_SECTION = {one.section: one.name for one in OPERATIONS.values()}
_FAULTS = {
    **dict.fromkeys(
        ("delay", "delay_ms", "delay_seconds", "latency", "sleep", "wait"), "{fault: latency, fixed_ms: 800}"
    ),
    **dict.fromkeys(("status", "status_code", "http_status"), "{fault: http_status, status: 502}"),
}
"""Keys that a reply does not have, and the fault that is meant."""


def instead(document: Document, problems: list[Problem], catalogue: Catalogue) -> list[Problem]:
    """The problems of a document, where a slip was recognised with the advice for it."""
    if not problems or not isinstance(document.value, dict):
        return problems
    slips = list(_slips(document, catalogue))
    told = {(one.line, one.column) for one in slips}
    return [*slips, *(one for one in problems if (one.line, one.column) not in told)]


def _slips(document: Document, catalogue: Catalogue) -> Iterator[Problem]:
    for kind in ("answers", "faults"):
        for index, entry in _items(document.value.get(kind)):
            for pointer, on in _each(entry.get("on"), (kind, index, "on")):
                if name := _BY_SECTION.get(str(on).lstrip("§")):
                    text = Text(
                        f"{on} is a section: write {name}, its operation", f"{on} 是章节号：请写接口名 {name}"
                    )
                    yield document.problem(pointer, text)
    for index, entry in _items(document.value.get("answers")):
        at: Pointer = ("answers", index)
        replies = [((*at, "sequence", number), one) for number, one in _items(entry.get("sequence"))]
        if isinstance(entry.get("reply"), dict):
            replies.append(((*at, "reply"), entry["reply"]))
        for pointer, reply in replies:
            yield from _reply(document, pointer, reply, catalogue)


def _reply(
    document: Document, at: Pointer, reply: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Problem]:
    error = str(reply.get("error"))
    if error.isascii() and error.isdecimal() and (name := catalogue.name_of(int(error[:9]))):
        text = Text(f"{error} is a code: write {name}, its name", f"{error} 是错误码：请写名称 {name}")
        yield document.problem((*at, "error"), text)
    for key in reply:
        if fault := _FAULTS.get(key):
            yield document.problem((*at, key), Text(
                f"a reply has no key {key!r}: it is a fault, write {fault} under `faults` beside `answers`",
                f"reply 中没有键 {key!r}：这属于故障，请在与 answers 并列的 faults 下写 {fault}",
            ), key=True)  # fmt: skip


def _items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings of a list, with their numbers."""
    for index, one in enumerate(value if isinstance(value, list) else ()):
        if isinstance(one, dict):
            yield index, one


def _each(value: Any, at: Pointer) -> Iterator[tuple[Pointer, Any]]:
    if isinstance(value, list):
        yield from (((*at, index), one) for index, one in enumerate(value))
    else:
        yield at, value
