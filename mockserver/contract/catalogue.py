"""The error catalogue (§1.6), and what a client must do after each error.

The catalogue has stable names for codes that users replace once the real ones are known. This is also the only place
where an ErrorInfo (§1.4) is composed. To change a text, edit the row in `errors.yaml`; to omit the details, set
`error_info` to `catalogue`. An explicit `info` of a fault or of a scenario's reply replaces all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mockserver.core.documents import Document
from mockserver.core.errors import Problems
from mockserver.core.messages import messages
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang, Text

NextStep = Literal["sign_again", "new_seq", "wait", "not_repeat", "give_up"]
ErrorInfoStyle = Literal["detailed", "catalogue"]

OK = "ok"
message = messages(Path(__file__).with_name("texts.yaml"))


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
            problems.append(document.problem(("errors", index, "name"), message("duplicate_error", name=name)))
        # A real backend may use one code for several causes.
        both_observed = code in names and {entry["source"], rows[names[code]].source} == {"observed"}
        if code in names and not both_observed:
            text = message("duplicate_code", code=code, name=names[code])
            problems.append(document.problem(("errors", index, "code"), text))
        names.setdefault(code, name)
        text = Text(entry["en"], entry["zh"])
        rows[name] = ErrorRow(name, code, entry["source"], entry["section"], entry["status"], text)
    if OK in rows and rows[OK].code != 0:
        problems.append(document.problem(("errors",), message("code_of_ok")))
    if missing := ", ".join(sorted(required - rows.keys())):
        problems.append(document.problem(("errors",), message("missing_errors", names=missing)))
    problems.check()
    return Catalogue(rows)


@dataclass(frozen=True, slots=True)
class RetryRule:
    """What a client must do after one error."""

    error: str
    next: NextStep
    advice: Text
    seconds: float = 1.0
    """The shortest wait; after a final error, the time within which a repetition counts as unchanged."""
    tries: int = 3  # How many times in a row the error may be returned before the client has to stop.
    counts: bool = False  # Whether a correct client can meet the error, so that it counts in the coverage.
    whole_app: bool = False  # Whether the error applies to all requests of the app, not only to the failed one.
    fields: tuple[str, ...] = ()  # Only operations that require these fields can return the error.

    @property
    def final(self) -> bool:
        """Whether the same request can only fail again."""
        return self.next in ("not_repeat", "give_up")


RetryRules = Mapping[str, RetryRule]


def load_retry_rules(document: Document, catalogue: Catalogue) -> RetryRules:
    """Return the rules by error name; `document` must be valid against `retries.json`.

    Raise ConfigurationError with every error that is unknown or has two rules.
    """
    rules: dict[str, RetryRule] = {}
    problems = Problems()
    for index, row in enumerate(document.value.get("rules", ())):
        values = {name: value for name, value in row.items() if name not in ("en", "zh", "fields")}
        rule = RetryRule(**values, advice=Text(row["en"], row["zh"]), fields=tuple(row.get("fields", ())))
        if rule.error not in catalogue:
            text = unknown("error", rule.error, catalogue)
            problems.append(document.problem(("rules", index, "error"), text))
        elif rule.error in rules:
            text = message("duplicate_rule", name=rule.error)
            problems.append(document.problem(("rules", index, "error"), text))
        rules[rule.error] = rule
    problems.check()
    return rules
