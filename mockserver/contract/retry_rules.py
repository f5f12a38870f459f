"""The retry rules: what a client must do after each error. Read from `retries.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.contract.catalogue import Catalogue
from mockserver.core.documents import Document
from mockserver.core.errors import Problems
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text

NextStep = Literal["sign_again", "new_seq", "wait", "not_repeat", "give_up"]


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
        rule = _parse_rule(row)
        if rule.error not in catalogue:
            text = unknown("error", rule.error, catalogue)
            problems.append(document.problem(("rules", index, "error"), text))
        elif rule.error in rules:
            text = Text(f"{rule.error!r} already has a rule; keep one", f"{rule.error!r} 已有规则；请只保留一条")
            problems.append(document.problem(("rules", index, "error"), text))
        rules[rule.error] = rule
    problems.check()
    return rules


def _parse_rule(row: Mapping[str, Any]) -> RetryRule:
    values = {name: value for name, value in row.items() if name not in ("en", "zh", "fields")}
    return RetryRule(**values, advice=Text(row["en"], row["zh"]), fields=tuple(row.get("fields", ())))
