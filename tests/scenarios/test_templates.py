"""Templates see three variables, cannot leave the sandbox or use up the memory, and return plain JSON."""

from __future__ import annotations

import time
import tracemalloc
from datetime import date
from typing import Any

import pytest

from mockserver.scenarios.templates import BadTemplate, compile_value, is_template

VARIABLES: dict[str, Any] = {
    "request": {"operation": "query_room_info", "body": {"RoomId": "r", "CountBy": 3}, "query": {"seq": "1"}},
    "now": 1_576_000_000,
    "fake": type("Fake", (), {"day": lambda self: date(2019, 12, 10), "pair": lambda self: ("a", 1)})(),
}


def render(text: Any) -> Any:
    """Render a template."""
    return compile_value(text)(VARIABLES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ now }}", 1_576_000_000),
        ("{{- now -}}", 1_576_000_000),
        ("{{ -5 }}", -5),
        ("{{ -now }}", -1_576_000_000),
        ("{{ +5 }}", 5),
        ("{{ now }}s", "1576000000s"),
        ("{{ now }} and }}", "1576000000 and }}"),
        ("{{ request.body.RoomId }}{{ now }}", "r1576000000"),
        ("{{ request['body']['CountBy'] }}", 3),
        ("{{ {'a': {'b': [1, none, true, 1.5]}} }}", {"a": {"b": [1, None, True, 1.5]}}),
        ("{{ request.body }}", {"RoomId": "r", "CountBy": 3}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {1: 2} }}", {"1": 2}),
        ("{{ fake.day() }}", "2019-12-10"),
        ("{{ fake.pair() }}", ["a", 1]),
        ("{% if now > 5 %}late{% else %}early{% endif %}", "late"),
        ("{% for letter in 'abc' %}{{ letter }}-{% endfor %}", "a-b-c-"),
        ("{{ request.body.get('UserId', 'nobody') }}", "nobody"),
        ("{{ request.body.UserId|default('nobody') }}", "nobody"),
        ("{{ 'a-b'|replace('-', '+')|upper }}", "A+B"),
        ("{{ '<&>' }}", "<&>"),
        ("{{ request.body.RoomId.upper() ~ '!' }}", "R!"),
        ("{{ 7 % 4 * 2 ** 3 }}", 24),
        ({"a": ["{{ now }}", 5]}, {"a": [1_576_000_000, 5]}),
    ],
    ids=str,
)
def test_a_template_renders_to_its_value(text: Any, value: Any) -> None:
    """A single expression keeps its type; anything else becomes a string."""
    rendered = render(text)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("{{", "{{ }}", "{% if %}", "{% endfor %}", "{{ now", "{{ now | }}", "{{ now|no_such_filter }}"),
        *("{{ nothing }}", "{{ self }}", "{{ range(3) }}", "{{ lipsum() }}", "{{ cycler }}", "{{ namespace() }}"),
        *("{{ joiner }}", "{{ dict() }}", "{{ config }}", "{{ caller }}", "{{ loop }}", "{{ varargs }}"),
        *("{% set x = 1 %}", "{% macro m() %}{% endmacro %}", "{% include 'x' %}", "{% import 'x' as x %}"),
        *("{% extends 'x' %}", "{% block x %}{% endblock %}", "{% with x = 1 %}{% endwith %}"),
        *("{% filter upper %}{% endfilter %}", "{% call x() %}{% endcall %}", "{% from 'x' import y %}"),
        "{% for a in 'abc' %}{% for b in 'abc' %}{% endfor %}{% endfor %}",
        "{{ " + "[" * 3_000 + "]" * 3_000 + " }}",
        "{{ " + "1" * 5_000 + " }}",
        "{% if now %}" * 120 + "{% endif %}" * 120,
        "{{ '" + "x" * 10_001 + "' }}",
    ],
    ids=lambda text: text[:50],
)
def test_an_invalid_template_is_refused_when_compiled(text: str) -> None:
    """Syntax errors, unknown names and unsupported statements raise BadTemplate with a pointer."""
    with pytest.raises(BadTemplate, match=".") as caught:
        compile_value({"a": ["x", text]}, ("body",))
    assert caught.value.pointer == ("body", "a", 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{{ request.__class__ }}",
            "{{ ''.__class__.__mro__[1].__subclasses__() }}",
            "{{ fake.__init__.__globals__ }}",
        ),
        *("{{ request['__class__'] }}", "{{ fake.day.__func__.__globals__ }}", "{{ now.__class__ }}"),
        *("{{ ().__class__.__bases__ }}", "{{ request.body.__getattribute__('x') }}", "{{ ''['__class__'] }}"),
        *(
            "{{ request.body.update({'RoomId': 'x'}) }}",
            "{{ request.body.pop('RoomId') }}",
            "{{ request.body.clear() }}",
        ),
        *("{{ request.body.nothing }}", "{{ request.nothing }}", "{{ fake.nothing() }}", "{{ fake.day }}"),
        *("{{ request.body.RoomId + 1 }}", "{{ 1 / 0 }}", "{{ [1][5] }}", "{{ now() }}"),
        *("{{ '\\ud800' }}", "x{{ '\\ud800' }}", "{{ {'\\ud800': 1} }}", "{{ 1e308 + 1e308 }}", "{{ 2 ** 64 }}"),
        *(
            "{{ 'x'.format(1) }}",
            "{{ 'x'['format'](1) }}",
            "{{ '{0.__class__}'.format(now) }}",
            "{{ 'a'.format_map({}) }}",
        ),
    ],
)
def test_a_template_that_fails_raises_bad_template(text: str) -> None:
    """Sandbox escapes, missing values and values that are not JSON raise BadTemplate and nothing else."""
    before = repr(VARIABLES["request"])
    with pytest.raises(BadTemplate):
        render(text)
    assert repr(VARIABLES["request"]) == before


@pytest.mark.parametrize(
    "text",
    [
        *("{{ 'x' * 900000000 }}", "{{ [1] * 900000000 }}", "{{ 900000000 * 'x' }}", "{{ 9 ** 9 ** 9 ** 9 }}"),
        *("{{ '%900000000d' % 1 }}", "{{ '{:900000000}'.format(1) }}", "{{ '{:900000000}'['format'](1)|length }}"),
        *("{{ 'x'.center(900000000) }}", "{{ 'x'.ljust(900000000)|length }}", "{{ 'x'.zfill(900000000) }}"),
        *("{{ '\t'.expandtabs(900000000) }}", "{{ (5).to_bytes(900000000, 'big') }}", "{{ 'x'|center(900000000) }}"),
        *("{{ 'x'|indent(900000000) }}", "{{ 'x'|format(1) }}", "{{ ['x']|batch(900000000, 'y')|list }}"),
        "{{ 'aaaaaaaaaa'" + "|replace('a', 'aaaaaaaaaa')" * 12 + " }}",
        "{{ 'x'" + ".replace('x', 'xxxxxxxxxx')" * 12 + " }}",
        "{% for a in '" + "x" * 5_000 + "' %}" + "y" * 4_000 + "{% endfor %}",
    ],
    ids=lambda text: text[:50],
)
def test_a_template_cannot_use_up_the_memory(text: str) -> None:
    """Large output from small input is refused before it is built."""
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(BadTemplate):
            render(text)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 2


def test_text_without_brackets_is_not_a_template() -> None:
    """Only strings with {{ or {% are templates."""
    assert not is_template({"a": ["{x}", 5, None, "%}"]})
    assert is_template({"a": [{"b": "x {{ y"}]})
