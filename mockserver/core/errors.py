"""The exceptions of the project.

MockServerError
├── ConfigurationError      a file, an option or a setting is wrong: exit code 2, nothing was changed
├── InvalidPart             a part of a fault or a world is invalid; the base of errors with a pointer
├── AdminError              an admin request is refused, over HTTP or in test code
└── NotFound                a valid API request names a room or user that does not exist (§2.1, §2.2)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mockserver.core.text import Lang, Text


class MockServerError(Exception):
    """Base of the exceptions that this project raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the user's input: where it is, what is wrong, and how to fix it."""

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


class Problems(list[Problem]):
    """Problems of independent parts, collected to be reported at once."""

    @contextlib.contextmanager
    def collect(self) -> Iterator[None]:
        """Add the problems of a ConfigurationError that is raised inside."""
        try:
            yield
        except ConfigurationError as error:
            self += error.problems

    def check(self) -> None:
        """Raise ConfigurationError if there are any, each once."""
        if self:
            raise ConfigurationError(dict.fromkeys(self))


class Mistake(NamedTuple):
    """One thing that is wrong with a value."""

    pointer: tuple[str | int, ...]
    text: Text
    key: bool = False  # The name at the end of the pointer is wrong, not its value.


class Mistakes(list[Mistake]):
    """Mistakes of independent parts of a value, collected to be raised at once."""

    @contextlib.contextmanager
    def collect(self, *at: str | int) -> Iterator[None]:
        """Add the mistakes of an InvalidPart that is raised inside, whose pointers begin at `at`."""
        try:
            yield
        except InvalidPart as error:
            self.add(error, *at)

    def add(self, error: InvalidPart, *at: str | int) -> None:
        """Add the mistakes of an error, whose pointers begin at `at`."""
        self += [mistake._replace(pointer=(*at, *mistake.pointer)) for mistake in error.mistakes]

    def check(self, kind: type[InvalidPart]) -> None:
        """Raise an error of this kind if there are any."""
        if self:
            error = kind(self[0].pointer, self[0].text)
            error.mistakes = tuple(self)
            raise error


class InvalidPart(MockServerError, ValueError):
    """Parts of a value are invalid; `pointer` and `text` are those of the first mistake."""

    def __init__(self, pointer: tuple[str | int, ...], text: Text) -> None:
        self.pointer, self.text = pointer, text
        self.mistakes: Sequence[Mistake] = (Mistake(pointer, text),)
        super().__init__(f"{'.'.join(map(str, pointer))}: {text.en}" if pointer else text.en)


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
