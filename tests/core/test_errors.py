"""The exception tree and the form of a problem."""

from __future__ import annotations

import inspect

import pytest

from mockserver.core import errors
from mockserver.core.errors import ConfigurationError, MockServerError, NotFound, Problem
from mockserver.core.text import Text

TEXT = Text("quote it", "请加引号")


@pytest.mark.parametrize(
    ("line", "column", "shown"), [(3, 5, "a.yaml:3:5: "), (3, None, "a.yaml:3: "), (None, None, "a.yaml: ")]
)
def test_a_problem_is_shown_as_editors_link_it(line: int | None, column: int | None, shown: str) -> None:
    """file:line:column, as far as they are known, in either language."""
    problem = Problem("a.yaml", TEXT, line, column)
    assert problem.show() == f"{shown}quote it"
    assert problem.show("zh") == f"{shown}请加引号"


def test_a_configuration_error_carries_every_problem() -> None:
    """One line each, in the order they were found."""
    error = ConfigurationError(Problem(name, TEXT, 1, 1) for name in "ab")
    assert [problem.place for problem in error.problems] == ["a", "b"]
    assert str(error) == error.show() == "a:1:1: quote it\nb:1:1: quote it"
    assert error.show("zh") == "a:1:1: 请加引号\nb:1:1: 请加引号"
    assert ConfigurationError.at("a", TEXT, 1, 1).problems == error.problems[:1]


def test_not_found_names_what_is_not_there() -> None:
    """Catalogue name, field and value."""
    error = NotFound("room_not_found", "RoomId", "x")
    assert (error.error, error.field, error.value) == ("room_not_found", "RoomId", "x")
    assert str(error) == "room_not_found: RoomId 'x'"


def test_everything_raised_on_purpose_has_one_base() -> None:
    """And stands in the tree that the module draws."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, BaseException) and kind.__module__ == errors.__name__:
            assert issubclass(kind, MockServerError)
            assert name in (errors.__doc__ or "")
