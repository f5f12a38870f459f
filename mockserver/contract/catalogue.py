"""The error catalogue (§1.6): stable names for numbers that a user replaces once the real ones are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text

OK = "ok"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error; `status` is its HTTP status with the reading `http_status=rest`."""

    name: str
    code: int
    source: Literal["document", "assumed"]
    section: str
    status: int
    text: Text


class Catalogue(Mapping[str, ErrorRow]):
    """The errors by name, in file order."""

    def __init__(self, rows: Mapping[str, ErrorRow]) -> None:
        self._rows = dict(rows)
        self._names = {row.code: name for name, row in self._rows.items()}

    def __getitem__(self, name: str) -> ErrorRow:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def name_of(self, code: int) -> str | None:
        """Return the name of the error with this code, or None."""
        return self._names.get(code)


def load_catalogue(document: Document, required: set[str]) -> Catalogue:
    """Return the catalogue in a document that is valid by `errors.json`.

    Raise ConfigurationError with every duplicate name or code, and with every `required` name that is missing.
    """
    rows: dict[str, ErrorRow] = {}
    names: dict[int, str] = {}
    problems: list[Problem] = []
    entries: list[dict[str, Any]] = document.value["errors"]
    for index, entry in enumerate(entries):
        name, code = entry["name"], entry["code"]
        if name in rows:
            text = Text(f"duplicate error {name!r}; keep one row", f"错误 {name!r} 重复；请只保留一行")
            problems.append(document.problem(("errors", index, "name"), text))
        if code in names:
            text = Text(
                f"code {code} is already used by {names[code]!r}; give every error its own code",
                f"错误码 {code} 已用于 {names[code]!r}；每个错误须有各自的错误码",
            )
            problems.append(document.problem(("errors", index, "code"), text))
        names[code] = name
        rows[name] = ErrorRow(
            name, code, entry["source"], entry["section"], entry["status"], Text(entry["en"], entry["zh"])
        )
    if OK in rows and rows[OK].code != 0:
        text = Text("the code of `ok` must be 0 (§1.6)", "`ok` 的错误码须为 0（§1.6）")
        problems.append(document.problem(("errors",), text))
    if missing := ", ".join(sorted((required | {OK}) - rows.keys())):
        text = Text(f"missing errors: {missing}; add a row for each", f"缺少错误：{missing}；请逐一补充")
        problems.append(document.problem(("errors",), text))
    if problems:
        raise ConfigurationError(problems)
    return Catalogue(rows)
