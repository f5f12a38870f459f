"""The resources of templates are limited, at load if possible, else when rendering; other requests do not wait."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.http_client import Client
from helpers.request_builder import NOW

from mockserver import MockServer
from mockserver.core.errors import ConfigurationError
from mockserver.scenarios import template_bounds
from mockserver.scenarios.templates import BadTemplate, compile_value
from mockserver.world.people import make_faker

HUGE = 10_000_000
AT_LOAD = [
    "fake.pylist(nb_elements=10000000)",
    "fake.pylist(10000000)",
    "fake.pystr(max_chars=100000000)",
    "fake.pystr(1, 100000000)",
    "fake.pystr(max_chars=100000000, min_chars=request.body.Extra)",
    "fake.text(max_nb_chars=100000000)",
    "fake.words(nb=10000000)",
    "fake.sentence(10000000)",
    "fake.paragraphs(nb=9000)",
    "fake.random_number(digits=1000000000)",
    "fake.pyfloat(left_digits=1000000000)",
    "fake.pydecimal(right_digits=100000000)",
    "fake.password(length=100000000)",
    "fake.random_elements(['a'], length=100000000)",
    "fake.unique.pystr(max_chars=100000000)",
    "fake.pystr(max_chars=1e9)",
    "fake.random_letters(length=100000000)|length",
    "[fake.pylist(nb_elements=10000000)]|first",
]
WHEN_ANSWERED = [
    "fake.pylist(nb_elements=request.body.N)",
    "fake.pystr(max_chars=request.body.N * 10)",
    "fake.random_number(digits=request.body.N)",
    "fake.paragraphs(nb=request.body.N / 2000)",
    "fake.random.getrandbits(request.body.N)",
    "fake.format('random_number', digits=request.body.N)",
    "fake.json(num_rows=request.body.N)",
    "fake.fixed_width([(request.body.N, 'name')])",
    "fake.binary(length=request.body.N)",
    "fake.time_series('-9y', '-1s', 1)|list|length",
    "fake.time_series('-9y', '-1s', 1, request.body.get)|list|length",
    "request.body.Text|list|join(request.body.Text)",
    "request.body.Text ~ request.body.Text ~ request.body.Text",
    "request.body.Text + request.body.Text",
    "1.5|round(request.body.N)",
    "1.5|round(request.body.N, 'floor')",
    "[1]|tojson(request.body.N)",
    "[[1], [2]]|sum(start=[])",
]
VARIABLES: dict[str, Any] = {"request": {"body": {"N": HUGE, "Text": "x" * 90_000}}, "now": NOW}


@pytest.mark.parametrize("expression", AT_LOAD)
def test_a_constant_request_that_is_too_large_is_refused_at_load(expression: str) -> None:
    """Before any work is done for it; the message names the method and the limit."""
    tracemalloc.start()
    try:
        with pytest.raises(BadTemplate, match=r"fake\..*(maximum|ask for less)"):
            compile_value(["{{ " + expression + " }}"])
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("expression", WHEN_ANSWERED)
def test_what_depends_on_the_request_is_refused_when_it_is_known(expression: str) -> None:
    """The same limits hold for Jinja's own filters and operators."""
    render = compile_value("{{ " + expression + " }}")
    tracemalloc.start()
    try:
        with pytest.raises(BadTemplate):
            render({**VARIABLES, "fake": make_faker("t")})
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in request.body.Text %}{{ loop.index }}{% endfor %}",
        "{% for x in request.body.Text %}{% if x == 'y' %}{% endif %}{% endfor %}",
    ],
)
def test_a_loop_has_a_limit_even_without_output(text: str) -> None:
    """A long text of a client is a long loop."""
    with pytest.raises(BadTemplate, match="more than"):
        compile_value(text)({**VARIABLES, "fake": None})


def test_the_parts_of_a_reply_share_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many cheap templates are one expensive answer."""
    render = compile_value({"a": ["{{ now }}"] * 3, "b": "{% for x in 'ab' %}{{ x }}{% endfor %}"})
    assert render({**VARIABLES, "fake": None})["b"] == "ab"
    moments = iter(range(100))
    monkeypatch.setattr(template_bounds, "thread_time", lambda: next(moments) * 0.4)
    with pytest.raises(BadTemplate, match="takes more than 1 s"):
        render({**VARIABLES, "fake": None})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("fake.pystr(max_chars=10000)|length <= 10000", True),
        ("fake.pylist(nb_elements=200, variable_nb_elements=False, value_types=['int'])|length", 200),
        ("fake.random_int(1000000000, 2000000000) >= 1000000000", True),
        ("fake.pyint(min_value=5, max_value=5)", 5),
        ("fake.random_number(digits=18, fix_len=True)|string|length", 18),
        ("fake.unique.random_element(('a',))", "a"),
        ("fake.numerify('##')|length", 2),
        ("['a', 'b']|join('-')", "a-b"),
        ("[{'a': 1}, {'a': 2}]|join(',', attribute='a')", "1,2"),
        ("[{'a': 1}, {'a': 2}]|sum('a')", 3),
        ("[1, 2]|sum(start=4)", 7),
        ("1.25|round(1, 'floor')", 1.2),
        ("[1]|tojson(indent=2)", "[\n  1\n]"),
        ("'a' ~ 1 ~ 'b'", "a1b"),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
    ],
)
def test_ordinary_requests_are_within_the_limits(expression: str, value: Any) -> None:
    """Large values are not large counts."""
    assert compile_value("{{ " + expression + " }}")({**VARIABLES, "fake": make_faker("t")}) == value


ANSWERS = """
title: Templates
extends: document
answers:
- on: query_room_info
  when: {body: {RoomId: heavy}}
  reply: {body: {CreateTime: "1", DestroyTime: "2", Users: "{{ fake.time_series('-9y', '-1s', 1)|list }}"}}
"""


def test_a_file_that_asks_too_much_is_refused_with_its_line(tmp_path: Path) -> None:
    """As any other mistake in a scenario."""
    text = ANSWERS.replace("fake.time_series('-9y', '-1s', 1)|list", "fake.pylist(nb_elements=10000000)")
    with pytest.raises(ConfigurationError, match=r"a\.yaml:7:.*nb_elements is 10000000; the maximum is 10000"):
        user_config(tmp_path, {"scenarios/a.yaml": text})


def test_an_answer_that_asks_too_much_is_an_internal_error_with_file_and_line(tmp_path: Path) -> None:
    """So is one that takes too long."""
    bench = EngineClient("a", config=user_config(tmp_path, {"scenarios/a.yaml": ANSWERS}))
    answer = bench.ask("query_room_info", {"RoomId": "heavy"})
    assert answer["ErrorCode"] == 1500
    assert "a.yaml:7: template" in answer["ErrorInfo"]
    assert "ask for less" in answer["ErrorInfo"]
    assert bench.ask("query_room_info")["ErrorCode"] == 0


@pytest.mark.parametrize("added", [False, True], ids=["in a scenario", "added at run time"])
def test_requests_with_templates_do_not_run_in_the_event_loop(tmp_path: Path, added: bool) -> None:
    """A template that waits forever does not delay other requests."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(ANSWERS, encoding="utf-8")
    started, finish = threading.Event(), threading.Event()
    with MockServer("document" if added else "a", fixtures=None if added else str(tmp_path)) as mock:
        if added:
            reply = {"info": "{{ now }}", "error": "server_busy"}
            mock.app().answer("query_room_info", **reply, when={"body": {"RoomId": "heavy"}})
        engine = mock.engine
        answer = engine.answer

        def slow(context: Any) -> Any:
            if context.body["RoomId"] == "heavy":
                started.set()
                finish.wait(20)
            return answer(context)

        engine.answer = slow  # type: ignore[method-assign]
        with Client(mock.port) as heavy, Client(mock.port) as other:
            waiting = threading.Thread(target=lambda: heavy.code(body={"RoomId": "heavy"}))
            waiting.start()
            assert started.wait(20)
            assert other.code() == 0
            finish.set()
            waiting.join(20)
        assert not waiting.is_alive()


def test_such_a_call_with_constant_arguments_is_refused_at_load() -> None:
    """Before any request."""
    with pytest.raises(BadTemplate, match=r"fake\.get_formatter is not a method"):
        compile_value("{{ fake.get_formatter('random_number')(digits=request.body.N) }}")


@pytest.mark.parametrize("name", ["binary", "nosuch", "seed_instance"])
def test_a_method_that_faker_lacks_or_templates_may_not_call_is_named(name: str) -> None:
    """The message is about the template, not about a class of the package."""
    with pytest.raises(BadTemplate, match=f"fake.{name} is not a method of Faker that templates may call"):
        compile_value(f"{{{{ fake.{name}() }}}}")({**VARIABLES, "fake": make_faker("a")})
