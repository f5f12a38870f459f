"""Compares the answers of the mock and the target to the same request: outcome, shape, and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.core.text import Text
from mockserver.live.answers import Severity, is_success

Difference = tuple[Severity, Text]
_KEYS = ("UserId", "RoomId", "EnterTime", "TickTime")


def compare(mock: Any, target: Any) -> Iterator[Difference]:
    """Yield the differences of the target's answer: `error` for another outcome or shape, `info` for other data."""
    if not isinstance(mock, Mapping) or not isinstance(target, Mapping):
        return
    if is_success(mock) != is_success(target):
        outcomes = _outcome(target), _outcome(mock)
        yield (
            "error",
            Text(
                f"the target returns {outcomes[0]}, the mock {outcomes[1]}",
                f"目标返回 {outcomes[0]}，模拟返回 {outcomes[1]}",
            ),
        )
        return
    if not is_success(mock):
        if mock.get("ErrorCode") != target.get("ErrorCode"):
            codes = target.get("ErrorCode"), mock.get("ErrorCode")
            yield (
                "warning",
                Text(f"ErrorCode {codes[0]}, the mock has {codes[1]}", f"ErrorCode 为 {codes[0]}，模拟为 {codes[1]}"),
            )
        return
    theirs, ours = _shape(target), _shape(mock)
    for path in sorted(theirs.keys() & ours.keys()):
        if theirs[path] != ours[path]:
            yield (
                "error",
                Text(
                    f"{path} is {theirs[path]}, the mock has {ours[path]}",
                    f"{path} 为 {theirs[path]}，模拟为 {ours[path]}",
                ),
            )
    for path in sorted(theirs.keys() - ours.keys()):
        if _parent(path) in ours and not path.endswith("[]"):
            yield "error", Text(f"{path} is only in the target's answer", f"仅目标响应含有 {path}")
    for path in sorted(ours.keys() - theirs.keys()):
        if _parent(path) in theirs and not path.endswith("[]"):
            yield "error", Text(f"{path} is missing from the target's answer", f"目标响应缺少 {path}")
    more, fewer = _rows(target) - _rows(mock), _rows(mock) - _rows(target)
    if more or fewer:
        yield "info", Text("the rows differ from the mock's", "数据行与模拟不同")


def _outcome(value: Mapping[str, Any]) -> str:
    return "OK" if is_success(value) else f"FAIL {value.get('ErrorCode')}"


def _shape(value: Any, path: str = "") -> dict[str, str]:
    """Return the JSON type of every field by its path; all rows of a list have the same path."""
    if isinstance(value, Mapping):
        shape = {path: "object"}
        for name, item in value.items():
            shape |= _shape(item, f"{path}/{name}")
        return shape
    if isinstance(value, list):
        shape = {path: "array"}
        for item in value[:200]:
            shape |= _shape(item, f"{path}[]")
        return shape
    names = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return {path: names.get(type(value), "?")}


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _rows(value: Any) -> set[tuple[Any, ...]]:
    """Return the identifying values of the rows of every list in an answer."""
    if isinstance(value, list):
        own = {tuple(str(item.get(key)) for key in _KEYS) for item in value if isinstance(item, Mapping)}
        return own.union(*(_rows(item) for item in value)) if value else own
    if isinstance(value, Mapping):
        return set().union(*(_rows(item) for item in value.values()))
    return set()
