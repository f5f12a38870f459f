"""The exceptions of the project.

MockServerError
├── ConfigurationError      a file, an option or a setting is wrong: exit code 2, nothing was changed
├── AdminError            a wish over the admin API or in test code that cannot be granted
└── NotFound                a well-formed request names something that is not there (§2.1, §2.2)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mockserver.core.text import Lang, Text


class MockServerError(Exception):
    """Base of everything this project raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in somebody's input: the place, what is wrong, what would be right."""

    place: str
    """A file's path, `--option`, or the like."""
    text: Text
    line: int | None = None
    column: int | None = None
    """Both count from 1."""

    def show(self, lang: Lang = "en") -> str:
        """`file:line:column: text`, the form that editors and terminals turn into a link."""
        spot = ":".join(str(part) for part in (self.place, self.line, self.column) if part is not None)
        return f"{spot}: {self.text.to(lang)}"


class ConfigurationError(MockServerError):
    """Input that the server or a command cannot work with; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.show() for problem in self.problems))

    @classmethod
    def at(
        cls, place: str, text: Text, line: int | None = None, column: int | None = None
    ) -> ConfigurationError:
        """The error for a single problem."""
        return cls([Problem(place, text, line, column)])

    def show(self, lang: Lang = "en") -> str:
        """All problems, one a line."""
        return "\n".join(problem.show(lang) for problem in self.problems)


class NotFound(MockServerError):
    """A request in good form asks for a room or a user that is unknown."""

    def __init__(self, error: str, field: str, value: str) -> None:
        self.error, self.field, self.value = error, field, value
        super().__init__(f"{error}: {field} {value!r}")


class AdminError(MockServerError):
    """A wish that cannot be granted; `status` is the HTTP status it deserves."""

    def __init__(self, status: int, name: str, text: Text) -> None:
        self.status, self.name, self.text = status, name, text
        super().__init__(text.en)
