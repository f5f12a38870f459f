"""The exception tree and the form of a problem."""

from __future__ import annotations

import inspect

import pytest

from mockserver.core import errors
from mockserver.core.errors import ConfigurationError, MockServerError, NotFound, Problem
from mockserver.core.suggestions import suggestion, unknown
from mockserver.core.text import Text

TEXT = Text("quote it", "请加引号")


@pytest.mark.parametrize(
    ("line", "column", "prefix"), [(3, 5, "a.yaml:3:5: "), (3, None, "a.yaml:3: "), (None, None, "a.yaml: ")]
)
def test_a_problem_is_shown_as_editors_link_it(line: int | None, column: int | None, prefix: str) -> None:
    """file:line:column, as far as they are known, in either language."""
    problem = Problem("a.yaml", TEXT, line, column)
    assert problem.show() == f"{prefix}quote it"
    assert problem.show("zh") == f"{prefix}请加引号"


def test_a_configuration_error_carries_every_problem() -> None:
    """One per line, in the order they were found."""
    error = ConfigurationError(Problem(name, TEXT, 1, 1) for name in "ab")
    assert [problem.place for problem in error.problems] == ["a", "b"]
    assert str(error) == error.show() == "a:1:1: quote it\nb:1:1: quote it"
    assert error.show("zh") == "a:1:1: 请加引号\nb:1:1: 请加引号"
    assert ConfigurationError.at("a", TEXT, 1, 1).problems == error.problems[:1]


def test_not_found_names_what_is_missing() -> None:
    """Catalogue name, field and value."""
    error = NotFound("room_not_found", "RoomId", "x")
    assert (error.error, error.field, error.value) == ("room_not_found", "RoomId", "x")
    assert str(error) == "room_not_found: RoomId 'x'"


def test_all_exceptions_share_one_base_and_are_documented() -> None:
    """Each derives from MockServerError and appears in the tree of the module docstring."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, BaseException) and kind.__module__ == errors.__name__:
            assert issubclass(kind, MockServerError)
            assert name in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("emty", ["default", "empty"], "unknown scenario 'emty'; did you mean empty?"),
        ("x", ["default", "empty"], "unknown scenario 'x'; known: default, empty"),
        ("x", [], "unknown scenario 'x'; known: none"),
        (("x",), ["default"], "unknown scenario ('x',); known: default"),
    ],
)
def test_an_unknown_name_is_reported_with_a_suggestion(name: object, known: list[str], message: str) -> None:
    """The closest known name, or all of them when none is close."""
    assert unknown("scenario", name, known).en == message


def test_the_message_for_an_unknown_name_is_bounded() -> None:
    """Neither a long name nor a long list of known names makes a long message; both languages say the same."""
    text = unknown("app", "z" * 10_000, map(str, range(1_000)))
    assert max(len(text.en), len(text.zh)) < 400
    assert text.zh.startswith("未知应用 'zzz")
    assert suggestion("emty", ["empty"]) == Text("; did you mean empty?", "；是否为 empty？")
