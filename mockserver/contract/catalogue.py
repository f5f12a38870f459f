"""The error catalogue (§1.6): stable names over numbers that a user replaces once the real table is known."""

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
    """One error: `status` is its HTTP status under reading `http_status=rest`."""

    name: str
    code: int
    source: Literal["document", "assumed"]
    section: str
    status: int
    text: Text


class Catalogue(Mapping[str, ErrorRow]):
    """Error rows by name, in the order of the file."""

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
        """The name behind a number."""
        return self._names.get(code)


def load_catalogue(document: Document, needed: set[str]) -> Catalogue:
    """The catalogue in a document that met `errors.json`; every name in `needed` must have a row."""
    rows: dict[str, ErrorRow] = {}
    codes: dict[int, str] = {}
    problems: list[Problem] = []
    listed: list[dict[str, Any]] = document.value["errors"]
    for index, row in enumerate(listed):
        name, code = row["name"], row["code"]
        if name in rows:
            text = Text(f"error {name!r} is listed twice; keep one row", f"错误 {name!r} 重复，请只保留一行")
            problems.append(document.problem(("errors", index, "name"), text))
        if code in codes:
            text = Text(
                f"code {code} already belongs to {codes[code]!r}; give every error its own number",
                f"错误码 {code} 已用于 {codes[code]!r}，每个错误须有各自的编号",
            )
            problems.append(document.problem(("errors", index, "code"), text))
        codes[code] = name
        rows[name] = ErrorRow(
            name, code, row["source"], row["section"], row["status"], Text(row["en"], row["zh"])
        )
    if OK in rows and rows[OK].code != 0:
        text = Text(
            "0 means success (§1.6): `ok` cannot have another code", "0 表示成功(§1.6)，`ok` 不能用其他编号"
        )
        problems.append(document.problem(("errors",), text))
    if missing := sorted((needed | {OK}) - rows.keys()):
        names = ", ".join(missing)
        text = Text(f"the catalogue lacks {names}; add a row for each", f"错误表缺少 {names}，请逐一补充")
        problems.append(document.problem(("errors",), text))
    if problems:
        raise ConfigurationError(problems)
    return Catalogue(rows)
