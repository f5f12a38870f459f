"""Templates in the texts of a scenario: a Jinja2 sandbox that sees `request`, `now` and `fake`, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_CHARACTERS = 100_000
Render = Callable[[Mapping[str, Any]], Any]


class BadTemplate(ValueError):
    """A template that cannot be read or filled in; the message says why."""

    def __init__(self, reason: str, pointer: tuple[str | int, ...] = ()) -> None:
        self.pointer = pointer
        super().__init__(reason)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which repeating a text or raising a power cannot eat the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, (int, float)) and abs(side) < 2**64 for side in (left, right))
        if not numbers or (operator == "**" and abs(right) > 64):
            raise SecurityError(f"{operator} takes numbers of a usual size only")
        return super().call_binop(context, operator, left, right)


_ENVIRONMENT = _Sandbox(undefined=StrictUndefined, autoescape=False)


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
    inner = text.strip()
    single = inner.startswith("{{") and inner.endswith("}}") and inner.count("{{") == 1 and "{%" not in inner
    try:
        if single:
            fill: Callable[..., Any] = _ENVIRONMENT.compile_expression(
                inner[2:-2].strip("-+ "), undefined_to_none=False
            )
        else:
            fill = _ENVIRONMENT.from_string(text).render
    except TemplateError as error:
        raise BadTemplate(f"template: {error}", pointer) from None

    def render(words: Mapping[str, Any]) -> Any:
        try:
            value = fill(**words)
        except Exception as error:
            raise BadTemplate(f"template {text!r}: {error}", pointer) from None
        if isinstance(value, str) and len(value) > MOST_CHARACTERS:
            raise BadTemplate(f"template {text!r} gives more than {MOST_CHARACTERS} characters", pointer)
        if value is not None and not isinstance(value, (str, int, float, bool, list, dict)):
            return str(value)
        return value

    return render
