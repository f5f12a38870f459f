"""The error catalogue (§1.6): stable names for codes that users replace once the real ones are known.

This is also the only place where an ErrorInfo (§1.4) is composed. To change a text, edit the row in `errors.yaml`; to
omit the details, set `error_info` to `catalogue`. An explicit `info` of a fault or of a scenario's reply replaces all
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mockserver.core.documents import Document
from mockserver.core.errors import Problems
from mockserver.core.text import Lang, Text

ErrorInfoStyle = Literal["detailed", "catalogue"]

OK = "ok"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error; `status` is its HTTP status with the reading `http_status=rest`."""

    name: str
    code: int
    source: Literal["document", "assumed", "observed"]
    section: str
    status: int
    text: Text

    def error_info(self, detail: str, lang: Lang, style: ErrorInfoStyle = "detailed") -> str:
        """Return `TEXT: DETAIL` in style `detailed`, and the row's text alone in style `catalogue`."""
        text = self.text.to(lang)
        if style == "catalogue" or not detail:
            return text
        return f"{text}：{detail}" if lang == "zh" else f"{text}: {detail}"


class Catalogue(dict[str, ErrorRow]):
    """The errors by name, in file order."""

    def name_of(self, code: int) -> str | None:
        """Return the name of the error with this code, the first of several, or None."""
        return next((name for name, row in self.items() if row.code == code), None)


def load_catalogue(document: Document, required: set[str]) -> Catalogue:
    """Return the catalogue in a document that is valid against `errors.json`.

    Raise ConfigurationError for every duplicate name or code, unless the codes were observed on a backend, and for
    every missing `required` name.
    """
    rows: dict[str, ErrorRow] = {}
    names: dict[int, str] = {}
    problems = Problems()
    entries: list[dict[str, Any]] = document.value.get("errors", ())
    for index, entry in enumerate(entries):
        name, code = entry["name"], entry["code"]
        if name in rows:
            text = Text(f"duplicate error {name!r}; keep one row", f"错误 {name!r} 重复；请只保留一行")
            problems.append(document.problem(("errors", index, "name"), text))
        # A real backend may use one code for several causes.
        both_observed = code in names and {entry["source"], rows[names[code]].source} == {"observed"}
        if code in names and not both_observed:
            text = Text(
                f"code {code} is already used by {names[code]!r}; give every error its own code",
                f"错误码 {code} 已用于 {names[code]!r}；每个错误须有各自的错误码",
            )
            problems.append(document.problem(("errors", index, "code"), text))
        names.setdefault(code, name)
        rows[name] = ErrorRow(
            name, code, entry["source"], entry["section"], entry["status"], Text(entry["en"], entry["zh"])
        )
    if OK in rows and rows[OK].code != 0:
        text = Text("the code of `ok` must be 0 (§1.6)", "`ok` 的错误码须为 0（§1.6）")
        problems.append(document.problem(("errors",), text))
    if missing := ", ".join(sorted(required - rows.keys())):
        text = Text(f"missing errors: {missing}; add a row for each", f"缺少错误：{missing}；请逐一补充")
        problems.append(document.problem(("errors",), text))
    problems.check()
    return Catalogue(rows)
