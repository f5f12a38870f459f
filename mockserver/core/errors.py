"""The exceptions of the project.

MockServerError
├── ConfigurationError      a file, an option or a setting is wrong: exit code 2, nothing was changed
├── AdminError              an admin request is refused, whether it came over HTTP or from test code
└── NotFound                a valid API request names a room or user that does not exist (§2.1, §2.2)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.core.text import Lang, Text


class MockServerError(Exception):
    """Base of the exceptions that this project raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the user's input: where it is, what is wrong, and what would be right."""

    place: str  # A file path, an option such as `--port`, or the name of another input.
    text: Text
    line: int | None = None  # 1-based, like `column`.
    column: int | None = None

    def show(self, lang: Lang = "en") -> str:
        """Return `file:line:column: text`, the form that editors and terminals turn into a link."""
        parts = (self.place, self.line, self.column)
        return f"{':'.join(str(part) for part in parts if part is not None)}: {self.text.to(lang)}"


class ConfigurationError(MockServerError):
    """The input is unusable; carries every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.show())

    @classmethod
    def at(cls, place: str, text: Text, line: int | None = None, column: int | None = None) -> ConfigurationError:
        """Return the error with a single problem."""
        return cls([Problem(place, text, line, column)])

    def show(self, lang: Lang = "en") -> str:
        """Return all problems, one per line."""
        return "\n".join(problem.show(lang) for problem in self.problems)


class NotFound(MockServerError):
    """The room or user that a valid request names does not exist; `error` is the catalogue name of the answer."""

    def __init__(self, error: str, field: str, value: str) -> None:
        self.error, self.field, self.value = error, field, value
        super().__init__(f"{error}: {field} {value!r}")


class AdminError(MockServerError):
    """An admin request is refused; `status` is the HTTP status, `name` the error name of the answer."""

    def __init__(self, status: int, name: str, text: Text) -> None:
        self.status, self.name, self.text = status, name, text
        super().__init__(text.en)
