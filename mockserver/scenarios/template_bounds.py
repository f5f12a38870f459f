"""The limits of templates: the filters they may use, the steps of their loops, and the time they may take."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import Environment, nodes, pass_environment, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.visitor import NodeTransformer

from mockserver.core.machine_time import thread_time

MAX_OUTPUT = 100_000  # Characters of a rendered text.
_MAX_SECONDS = 1.0  # CPU seconds for rendering all templates of a reply.
_MAX_STEPS = 10_000
_MAX_PRECISION = 20
_MAX_INDENT = 16
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items"),
    *("last", "length", "list", "lower", "max", "min", "reverse", "sort", "string", "title"),
    *("trim", "unique", "upper"),
)


class Clock(threading.local):
    """The time by which this thread must have rendered a value, in CPU seconds of the thread."""

    end = math.inf

    def start(self) -> None:
        """Set the time limit for the value that is rendered next."""
        self.end = thread_time() + _MAX_SECONDS

    def check(self) -> None:
        """Raise SecurityError if the time limit has passed."""
        if thread_time() > self.end:
            raise SecurityError(f"the template takes more than {_MAX_SECONDS:g} s")


CLOCK = Clock()


def _timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter with a check of the time limit before each call."""

    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        CLOCK.check()
        return function(*args, **kwargs)

    return timed


def _steps(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the values of a loop. Raise SecurityError after too many values or when the time limit has passed."""
    for count, value in enumerate(values):
        if count >= _MAX_STEPS:
            raise SecurityError(f"a loop over more than {_MAX_STEPS} values")
        CLOCK.check()
        yield value


@pass_environment
def _join(environment: Environment, values: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    parts: list[str] = []
    size = 0
    for value in values if attribute is None else map(make_attrgetter(environment, attribute), values):
        part = str(value)
        size += len(part) + len(d)
        if size - len(d) > MAX_OUTPUT:
            raise SecurityError(f"the joined text has more than {MAX_OUTPUT} characters")
        parts.append(part)
    return d.join(parts)


@pass_environment
def _sum(
    environment: Environment, values: Iterable[Any], attribute: str | int | None = None, start: float = 0
) -> float:
    numbers = list(values if attribute is None else map(make_attrgetter(environment, attribute), values))
    if not all(isinstance(number, (int, float)) for number in (*numbers, start)):
        raise SecurityError("sum only takes numbers")
    return sum(numbers, start)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if abs(precision) > _MAX_PRECISION:
        raise SecurityError(f"round takes a precision up to {_MAX_PRECISION}")
    return FILTERS["round"](value, precision, method)


@pass_eval_context
def _tojson(context: EvalContext, value: Any, indent: int | None = None) -> Any:
    if indent is not None and indent > _MAX_INDENT:
        raise SecurityError(f"tojson takes an indent up to {_MAX_INDENT}")
    return FILTERS["tojson"](context, value, indent)


def _replace(text: object, old: str, new: str) -> str:
    source = str(text)
    if source.count(old) * len(new) > MAX_OUTPUT:
        raise SecurityError(f"the result of replace has more than {MAX_OUTPUT} characters")
    return source.replace(old, new)


class Bounds(NodeTransformer):
    """Makes every loop and every `~` use a bounded filter."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        """Count the steps of a loop."""
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_steps", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        """Limit the length of joined texts."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "join", [], [], None, None, lineno=node.lineno)


_OWN: dict[str, Callable[..., Any]] = {
    "replace": _replace,
    "join": _join,
    "sum": _sum,
    "round": _round,
    "tojson": _tojson,
    "_steps": _steps,
}
FILTER_FUNCTIONS = {
    name: _timed(function) for name, function in {**{name: FILTERS[name] for name in _FILTERS}, **_OWN}.items()
}  # The filters of templates by name. `_steps` is for `Bounds`.
