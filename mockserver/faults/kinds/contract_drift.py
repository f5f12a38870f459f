"""The response is valid JSON that differs from the documented response by one seeded change."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.contract.envelope import encode_json
from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text, choice, string
from mockserver.faults.payloads import Node, decode, nodes, with_body

_MAX_TRIES = 50
HUGE_ROWS = 10_000  # Maximum number of rows of a huge list …
_HUGE_CHARACTERS = 16_000_000  # … and of its characters.
_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One way to change a document. `change` modifies the node in place and returns a note."""

    fits: Callable[[Node], bool]
    change: Callable[[Node, Draw], str]
    violates_schema: bool
    """Whether the changed document violates the response schema. Otherwise only its content is wrong."""


def _drop(node: Node, draw: Draw) -> str:
    del node.container[node.key]
    return f"dropped {node.pointer}"


def _null(node: Node, draw: Draw) -> str:
    node.container[node.key] = None
    return f"made {node.pointer} null"


def _wrong_type(node: Node, draw: Draw) -> str:
    value = node.value
    changed: Any
    if isinstance(value, str):
        changed = int(value) if value.isascii() and value.isdigit() else [value]
    elif isinstance(value, bool) or value is None:
        changed = str(value).lower()
    elif isinstance(value, (int, float)):
        changed = bool(value)
    elif isinstance(value, list):
        # What XML converters (one row) and PHP (any list) turn a list into.
        changed = value[0] if len(value) == 1 and isinstance(value[0], dict) else dict(enumerate(value))
        changed = {str(key): member for key, member in changed.items()}
    else:
        changed = list(value.values())
    node.container[node.key] = changed
    return f"made {node.pointer} {_TYPE_NAMES[type(changed)]}, not {_TYPE_NAMES[type(value)]}"


def _stringify(node: Node, draw: Draw) -> str:
    node.container[node.key] = str(node.value)
    return f"made {node.pointer} a string"


def _extra(node: Node, draw: Draw) -> str:
    name = ("TraceId", "Remark", "ExtInfo")[draw.below(3, "extra")]
    name = name if name not in node.value else f"{name}2"
    node.value[name] = draw.token("value")
    return f"added {node.pointer}/{name}"


def _rename(node: Node, draw: Draw) -> str:
    name = str(node.key)
    camel = name[:1].lower() + name[1:]
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    renamed = (camel, snake)[draw.below(2, "rename")]
    if renamed in node.container:
        renamed = f"{renamed}_"
    # The member keeps its position, so that only the name differs.
    members = [(renamed if key == node.key else key, value) for key, value in node.container.items()]
    node.container.clear()
    node.container.update(members)
    return f"renamed {node.pointer} to {renamed}"


def _empty(node: Node, draw: Draw) -> str:
    count = len(node.value)
    node.value.clear()
    return f"removed all {count} rows of {node.pointer}"


def _duplicate(node: Node, draw: Draw) -> str:
    rows = node.value
    chosen = {index for index in range(len(rows)) if draw.below(3, f"row {index}") == 0}
    chosen = chosen or {draw.below(len(rows), "row")}
    rows[:] = [row for index, row in enumerate(rows) for _ in range(2 if index in chosen else 1)]
    return f"duplicated {len(chosen)} rows of {node.pointer}"


def _shuffle(node: Node, draw: Draw) -> str:
    rows, before = node.value, list(node.value)
    # Not for secrets: the same seed has to give the same order.
    random.Random(draw.token("shuffle")).shuffle(rows)  # nosec B311
    if rows == before:
        rows.reverse()
    return f"shuffled {len(rows)} rows of {node.pointer}"


def _huge(node: Node, draw: Draw) -> str:
    rows = node.value
    size = sum(len(str(row)) for row in rows) // len(rows) + 1
    count = max(len(rows), min(HUGE_ROWS, _HUGE_CHARACTERS // size))
    rows[:] = [rows[index % len(rows)] for index in range(count)]
    return f"repeated rows of {node.pointer} up to {count}"


def _has_rows(node: Node) -> bool:
    return isinstance(node.value, list) and len(node.value) > 0


def _has_order(node: Node) -> bool:
    return _has_rows(node) and node.value != node.value[::-1]


DRIFTS: Mapping[str, Drift] = {
    "drop_field": Drift(lambda node: node.is_member, _drop, True),
    "null_field": Drift(lambda node: node.is_member, _null, True),
    "wrong_type": Drift(lambda node: node.is_member, _wrong_type, True),
    "number_as_string": Drift(lambda node: node.is_number, _stringify, True),
    "extra_field": Drift(lambda node: isinstance(node.value, dict), _extra, True),
    "rename_field": Drift(lambda node: node.is_member, _rename, True),
    "empty_list": Drift(_has_rows, _empty, False),
    "duplicate_rows": Drift(_has_rows, _duplicate, False),
    "shuffle_rows": Drift(_has_order, _shuffle, False),
    "huge_list": Drift(_has_rows, _huge, False),
}


class ContractDrift(PayloadKind):
    """Makes one change to the document and checks the result against the response schema.

    The first six changes always violate the schema; the changes of lists never do.
    """

    text = Text(
        "JSON in which a field is missing, null, renamed, added or of another type, or the rows are wrong",
        "JSON 中某字段缺失、为 null、改名、多余或类型不同，或记录行有误",
    )
    how: str = choice("The change.", "改动方式。", DRIFTS)
    path: str | None = string(
        "JSON pointer to the field, object or list, where * matches any step; chosen by the seed if omitted.",
        "指向字段、对象或列表的 JSON 指针，* 匹配任意一级；省略时由种子决定。",
        r"(?:/[^/]{1,100}){0,16}",
        500,
        None,
    )

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        document = decode(response)
        if document is None:
            return None
        drift = DRIFTS[self.how]
        validator = context.schemas.answer(context.operation, document) if context.operation else None
        first = draw.below(1 << 32, "spot")
        for attempt in range(_MAX_TRIES):
            # A change cannot be undone, so each attempt starts from a fresh document.
            changed = decode(response) or {} if attempt else document
            candidates = [node for node in nodes(changed) if drift.fits(node) and self._selects(node)]
            if attempt >= len(candidates):
                return None
            note = drift.change(candidates[(first + attempt) % len(candidates)], draw)
            if validator is None or validator.accepts(changed) is not drift.violates_schema:
                return with_body(response, encode_json(changed)), note
        return None

    def _selects(self, node: Node) -> bool:
        if self.path is None:
            return True
        wanted, steps = self.path.split("/")[1:], node.steps
        return len(wanted) == len(steps) and all(
            pattern == "*" or pattern.replace("~1", "/").replace("~0", "~") == step
            for pattern, step in zip(wanted, steps, strict=True)
        )
