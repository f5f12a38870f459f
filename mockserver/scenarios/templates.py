"""Templates in scenario files: sandboxed Jinja2 expressions over `request`, `now` and `fake`.

Memory is bounded by what a template may contain: no nested loops, no definitions, and only methods and filters whose
output cannot be much larger than their input. Time is bounded by a limit that every step checks; `fake` has its own
limits. Calls of `fake` with constant arguments are tried when the file is loaded. The result must be plain JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mockserver.scenarios.template_bounds import CLOCK, FILTER_FUNCTIONS, MAX_OUTPUT, Bounds

MAX_TEMPLATE = 10_000  # Characters of a template.
VARIABLES = ("request", "now", "fake")
Render = Callable[[Mapping[str, Any]], Any]  # Renders a value with the given variables; raises BadTemplate.

_NUMBERS = (int, float)
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRINGS = "lower upper title capitalize strip lstrip rstrip split startswith endswith find count isdigit"
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(_STRINGS.split()),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("index", "count")),
    tuple: frozenset(("index", "count")),
    **dict.fromkeys((bytes, int, float, bool), frozenset()),
}  # The methods allowed for these types. Others, such as `ljust`, could return huge values.
_UNKNOWN = object()
_REFUSED = (
    *(nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.With),
    *(nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends),
    nodes.ScopedEvalContextModifier,
)


class BadTemplate(ValueError):
    """A template that cannot be compiled or rendered; the message says why."""

    def __init__(self, reason: str, pointer: tuple[str | int, ...] = ()) -> None:
        self.pointer = pointer
        super().__init__(reason)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which no operator, method or filter can use up the memory."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        CLOCK.check()
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            sizes = [len(side) for side in (left, right) if isinstance(side, (str, list, tuple))]
            if sum(sizes) > MAX_OUTPUT:
                raise SecurityError(f"the sum has more than {MAX_OUTPUT} characters or items")
            return super().call_binop(context, operator, left, right)
        numbers = all(isinstance(side, _NUMBERS) and abs(side) < 2**64 for side in (left, right))
        if not numbers or (operator == "**" and abs(right) > 64):
            raise SecurityError(f"{operator} only takes numbers below 2**64 (exponents up to 64)")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        known = _METHODS.get(type(obj))
        return (known is None or attr in known) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format is not supported; join texts with ~")
        return None


_ENVIRONMENT = _Sandbox(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()
_ENVIRONMENT.filters = FILTER_FUNCTIONS


def is_template(value: Any) -> bool:
    """Whether any string in `value` is a template."""
    return any("{{" in text or "{%" in text for _, text in texts_in(value))


def texts_in(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every string in a value, with its pointer."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, (dict, list)):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(item, (*at, step))


def compile_value(value: Any, pointer: tuple[str | int, ...] = ()) -> Render:
    """Return a function that renders every template in `value`. Raise BadTemplate, with its pointer, if one is invalid.

    The function raises BadTemplate if rendering fails or takes more than about a second. A string that is a single
    `{{ … }}` renders to the value of the expression, so numbers stay numbers.
    """
    part = _compile_part(value, pointer)

    def render(variables: Mapping[str, Any]) -> Any:
        CLOCK.start()
        return part(variables)

    return render


def _compile_part(value: Any, pointer: tuple[str | int, ...]) -> Render:
    if isinstance(value, dict):
        parts = {key: _compile_part(item, (*pointer, key)) for key, item in value.items()}
        return lambda variables: {key: part(variables) for key, part in parts.items()}
    if isinstance(value, list):
        items = [_compile_part(item, (*pointer, index)) for index, item in enumerate(value)]
        return lambda variables: [item(variables) for item in items]
    if isinstance(value, str) and is_template(value):
        return _compile_text(value, pointer)
    return lambda _: value


def _compile_text(text: str, pointer: tuple[str | int, ...]) -> Render:
    try:
        render = _compile(text)
    except (TemplateError, ValueError, SyntaxError, RecursionError) as error:
        raise BadTemplate(str(error).splitlines()[0], pointer) from None

    def render_json(variables: Mapping[str, Any]) -> Any:
        try:
            CLOCK.check()
            return _to_json(render(variables))
        except Exception as error:
            raise BadTemplate(f"template {text[:200]!r}: {error}", pointer) from None

    return render_json


def _compile(text: str) -> Render:
    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"{len(text)} characters; the maximum is {MAX_TEMPLATE}")
    tree = _ENVIRONMENT.parse(text.strip())
    # The output of definitions and nested loops can be far larger than the template.
    if found := next(tree.find_all(_REFUSED), None):
        raise ValueError(f"line {found.lineno}: only {{% if %}} and {{% for %}} are supported")
    if any(loop.find(nodes.For) for loop in tree.find_all(nodes.For)):
        raise ValueError("nested loops are not supported")
    names = find_undeclared_variables(tree) | {name.name for name in tree.find_all(nodes.Name)} & {"self"}
    if unknown := sorted(names - set(VARIABLES)):
        raise ValueError(f"there is no {', '.join(unknown)}; a template can use {', '.join(VARIABLES)}")
    _try_constant_calls(tree)
    tree = Bounds().visit(tree)
    output = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        # A single expression: rendering it as a template would turn its value into text.
        assignment = nodes.Assign(nodes.Name("result", "store"), output.nodes[0], lineno=1)
        module = nodes.Template([assignment], lineno=1)
        module.set_environment(_ENVIRONMENT)
        expression = TemplateExpression(_ENVIRONMENT.from_string(module), undefined_to_none=False)
        return lambda variables: expression(**variables)
    # In a text, leading and trailing whitespace is part of the result.
    template = _ENVIRONMENT.from_string(Bounds().visit(_ENVIRONMENT.parse(text)))

    def render(variables: Mapping[str, Any]) -> str:
        parts, size = [], 0
        for part in template.generate(**variables):
            parts.append(part)
            size += len(part)
            if size > MAX_OUTPUT:
                break
        return "".join(parts)

    return render


def _try_constant_calls(tree: nodes.Template) -> None:
    """Raise ValueError for a call of `fake` whose constant arguments request too much data."""
    for call in tree.find_all(nodes.Call):
        method, root = call.node, call.node
        while isinstance(root, nodes.Getattr):
            root = root.node
        if not isinstance(method, nodes.Getattr) or not isinstance(root, nodes.Name) or root.name != "fake":
            continue
        if call.dyn_args or call.dyn_kwargs or not (call.args or call.kwargs):
            continue
        args = [_constant(argument) for argument in call.args]
        kwargs = {argument.key: _constant(argument.value) for argument in call.kwargs}
        _try_call(method.attr, args, kwargs)


def _constant(node: nodes.Expr) -> Any:
    """Return the value of an expression, or `_UNKNOWN` if it is not constant."""
    try:
        return node.as_const(nodes.EvalContext(_ENVIRONMENT))
    except nodes.Impossible:
        return _UNKNOWN


def _try_call(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    # Importing Faker takes longer than anything else at startup, so only templates that use it import it.
    from mockserver.world.bounded_faker import TooMuch
    from mockserver.world.people import make_faker

    fake = make_faker("check")
    try:
        fake.check(name, tuple(args), kwargs)
        if _UNKNOWN not in (*args, *kwargs.values()):
            getattr(fake, name)(*args, **kwargs)
    except TooMuch as error:
        raise ValueError(f"fake.{name}: {error}") from None
    except Exception:
        # Any other error is reported with the request that causes it.
        return


def _to_json(value: Any) -> Any:
    """Return `value` as JSON types; ValueError if that is not possible."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise ValueError("the number does not fit in 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"JSON has no number {value}")
        return float(value)
    if isinstance(value, dict):
        return {_text(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if callable(value) and not isinstance(value, Undefined):
        raise ValueError("the value is a function: call it with ()")
    return _text(value)


def _text(value: Any) -> str:
    text = str(value)
    if len(text) > MAX_OUTPUT:
        raise ValueError(f"the result has more than {MAX_OUTPUT} characters")
    if _SURROGATE.search(text):
        raise ValueError("the result has half of a surrogate pair")
    return text
