"""Templates in the texts of a scenario: a Jinja2 sandbox that sees `request`, `now` and `fake`, and no more.

What a template can do is bounded by what it is made of: no loop in a loop, no definitions, and only the
methods and filters that cannot make much out of little. What it gives is plain JSON, or it is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_CHARACTERS = 100_000
"""Of what a template gives."""
LONGEST = 10_000
"""Characters of a template itself."""
WORDS = ("request", "now", "fake")
Render = Callable[[Mapping[str, Any]], Any]

_NUMBERS = (int, float)
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRINGS = "lower upper title capitalize strip lstrip rstrip split startswith endswith find count isdigit"
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_STRINGS.split()),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("index", "count")),
    tuple: frozenset(("index", "count")),
    **dict.fromkeys((bytes, int, float, bool), frozenset()),
}
"""Of these types only these methods: no other can be trusted with a width or a number of repetitions."""
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "join"),
    *("last", "length", "list", "lower", "max", "min", "reverse", "round", "sort", "string", "sum", "title"),
    *("tojson", "trim", "unique", "upper"),
)
_REFUSED = (
    *(
        nodes.Assign,
        nodes.AssignBlock,
        nodes.Macro,
        nodes.CallBlock,
        nodes.FilterBlock,
        nodes.With,
        nodes.Block,
    ),
    *(nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.ScopedEvalContextModifier),
)


class BadTemplate(ValueError):
    """A template that cannot be read or filled in; the message says why."""

    def __init__(self, reason: str, pointer: tuple[str | int, ...] = ()) -> None:
        self.pointer = pointer
        super().__init__(reason)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which no operator, method or filter can eat the memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, _NUMBERS) and abs(side) < 2**64 for side in (left, right))
        if not numbers or (operator == "**" and abs(right) > 64):
            raise SecurityError(f"{operator} takes numbers of a usual size only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        known = _METHODS.get(type(obj))
        return (known is None or attr in known) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format is not served here; join texts with ~")
        return None


def _replace(text: object, old: str, new: str) -> str:
    source = str(text)
    if source.count(old) * len(new) > MOST_CHARACTERS:
        raise SecurityError(f"replace would give more than {MOST_CHARACTERS} characters")
    return source.replace(old, new)


_ENVIRONMENT = _Sandbox(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()
_ENVIRONMENT.filters = {**{name: FILTERS[name] for name in _FILTERS}, "replace": _replace}


def is_template(value: Any) -> bool:
    """Whether any text in `value` is a template."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(is_template(item) for item in value.values())
    return isinstance(value, list) and any(is_template(item) for item in value)


def compile_value(value: Any, pointer: tuple[str | int, ...] = ()) -> Render:
    """A function that fills in every template in `value`; BadTemplate names the text that is none.

    A text that is one single `{{ … }}` gives the expression's own value, so numbers stay numbers.
    """
    if isinstance(value, dict):
        parts = {key: compile_value(item, (*pointer, key)) for key, item in value.items()}
        return lambda words: {key: part(words) for key, part in parts.items()}
    if isinstance(value, list):
        items = [compile_value(item, (*pointer, index)) for index, item in enumerate(value)]
        return lambda words: [item(words) for item in items]
    if isinstance(value, str) and is_template(value):
        return _compile_text(value, pointer)
    return lambda _: value


def _compile_text(text: str, pointer: tuple[str | int, ...]) -> Render:
    try:
        fill = _compile(text)
    except (TemplateError, ValueError, SyntaxError, RecursionError) as error:
        raise BadTemplate(f"template: {str(error).splitlines()[0]}", pointer) from None

    def render(words: Mapping[str, Any]) -> Any:
        try:
            return _plain(fill(words))
        except Exception as error:
            raise BadTemplate(f"template {text[:200]!r}: {error}", pointer) from None

    return render


def _compile(text: str) -> Render:
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, at most {LONGEST}")
    tree = _ENVIRONMENT.parse(text.strip())
    _refuse_what_grows(tree)
    named = find_undeclared_variables(tree) | {name.name for name in tree.find_all(nodes.Name)} & {"self"}
    if unknown := sorted(named - set(WORDS)):
        raise ValueError(f"there is no {', '.join(unknown)}; a template sees {', '.join(WORDS)}")
    output = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        # One single expression, kept as such: rendering would turn its value into text.
        value = nodes.Assign(nodes.Name("result", "store"), output.nodes[0], lineno=1)
        lone = nodes.Template([value], lineno=1)
        lone.set_environment(_ENVIRONMENT)
        made = _ENVIRONMENT.from_string(lone)
        single = TemplateExpression(made, undefined_to_none=False)
        return lambda words: single(**words)
    whole = _ENVIRONMENT.from_string(text)

    def join(words: Mapping[str, Any]) -> str:
        parts, size = [], 0
        for part in whole.generate(**words):
            parts.append(part)
            size += len(part)
            if size > MOST_CHARACTERS:
                break
        return "".join(parts)

    return join


def _refuse_what_grows(tree: nodes.Template) -> None:
    """A template may choose and loop once; definitions and loops in loops make much out of little."""
    for kind in _REFUSED:
        if found := tree.find(kind):
            raise ValueError(f"line {found.lineno}: only {{% if %}} and {{% for %}} are served here")
    if any(loop.find(nodes.For) for loop in tree.find_all(nodes.For)):
        raise ValueError("a loop in a loop is not served here")


def _plain(value: Any) -> Any:
    """`value` as JSON can say it; ValueError when it cannot."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise ValueError("the number has more than 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no JSON number")
        return float(value)
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if callable(value) and not isinstance(value, Undefined):
        raise ValueError("it is a function; call it with ()")
    return _text(value)


def _text(value: Any) -> str:
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it gives more than {MOST_CHARACTERS} characters")
    if _SURROGATE.search(text):
        raise ValueError("it gives half of a surrogate pair")
    return text
